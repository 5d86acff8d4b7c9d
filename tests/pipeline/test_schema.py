import re
import subprocess
import sys

import pyarrow as pa
import pytest

from westsea.schema import DOUBT, FLAG_MEANINGS, TABLES, Flag, markdown, stac_columns

REQUIRED = {
    "detections": """detect_id item_id datetime platform orbit_state row col lon lat geometry
        position_sd_m length_m length_sd_m width_m width_sd_m heading_deg heading_sd_deg n_pixels
        peak_db clutter_db snr_db score p_alongside p_wide_single n_hulls expected_width_m
        contrast_db smear_m axis_to_range_deg alongside_bands alongside_tpr alongside_fpr flags
        distance_from_shore_m""",
    "pairs": """pair_id kind detect_id_1 detect_id_2 item_id datetime lon lat geometry gap_m
        gap_sd_m center_distance_m relative_heading_deg overlap_m length_m_1 length_m_2 width_m_1
        width_m_2
        n_neighbors_5km nearest_third_m expected_chance_pairs raft_id score flags chip_bounds""",
    "scenes": """item_id datetime platform orbit_state polarizations footprint processing_baseline
        processed radar_mode calibrated noise_removed incidence_min_deg incidence_max_deg
        km2_valid km2_masked clutter_db enl k_order pfa_nominal pfa_empirical
        n_detections n_pairs n_land_pairs""",
}
NULLABLE = {
    "detections": {
        "p_alongside",
        "p_wide_single",
        "n_hulls",
        "expected_width_m",
        "contrast_db",
        "smear_m",
        "axis_to_range_deg",
        "alongside_bands",
        "alongside_tpr",
        "alongside_fpr",
        "doubt_detect_id",
        "doubt_ratio_db",
        "speed_mps",
        "speed_sd_mps",
    },
    "pairs": {
        "detect_id_2",
        "gap_m",
        "gap_sd_m",
        "center_distance_m",
        "relative_heading_deg",
        "length_m_1",
        "length_m_2",
        "width_m_1",
        "width_m_2",
        "overlap_m",
    },
    "scenes": {
        "processing_baseline",
        "processed",
        "radar_mode",
        "calibrated",
        "noise_removed",
        "incidence_min_deg",
        "incidence_max_deg",
    },
}


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_required_columns_are_there_in_order(name):
    required = REQUIRED[name].split()
    assert [column for column in TABLES[name].names if column in required] == required
    assert {column.name for column in TABLES[name].columns if column.nullable} == NULLABLE[name]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_declarations_are_whole(table):
    assert len(set(table.names)) == len(table.names)
    assert {table.id, table.geometry, "bbox", *table.sort_by, *table.may_be_nan} <= set(table.names)
    assert table.sort_by[-1] == table.id  # so that the order is total
    assert not {"collection", "date"} & set(table.names)  # these are in the path
    for column in table.columns:
        assert column.meaning, column.name
        assert "|" not in column.meaning
        unit = re.search(r"_(m|deg|db)(_\d)?$|^(km2)_", column.name)
        if unit:
            assert column.unit.lower() == (unit[1] or unit[3]), column.name


def test_schema_carries_units_and_nullability():
    schema = TABLES["detections"].schema
    assert schema.field("length_m").metadata[b"unit"] == b"m"
    assert b"width" in schema.field("width_m").metadata[b"meaning"]
    assert schema.field("n_hulls").nullable
    assert not schema.field("flags").nullable
    assert schema.field("flags").type == pa.int32()


def test_flags_are_the_agreed_bits():
    bits = {
        "EDGE": 0,
        "LAND_NEAR": 1,
        "AZIMUTH_AMBIGUITY": 2,
        "SIDELOBE": 3,
        "FIXED_OBJECT": 4,
        "LATTICE": 5,
        "CLOUD": 6,
        "WAKE": 7,
        "SATURATED": 8,
        "MERGED_BLOB": 9,
        "AZIMUTH_SMEAR": 10,
        "FLEET": 11,
        "ANCHORAGE": 12,
        "UNDER_WAY": 13,
        "TOW": 14,
    }
    assert {flag.name: flag.value.bit_length() - 1 for flag in Flag} == bits
    assert DOUBT == 0b11111111
    assert list(FLAG_MEANINGS) == list(Flag)


def test_stac_columns_describe_every_column():
    columns = {column["name"]: column for column in stac_columns(TABLES["pairs"])}
    assert tuple(columns) == TABLES["pairs"].names
    assert columns["gap_m"]["unit"] == "m"
    assert columns["gap_m"]["type"] == "double"
    assert "unit" not in columns["kind"]
    assert columns["kind"]["description"].startswith("alongside")


def test_documentation_is_a_table_of_every_column_and_flag():
    lines = [line for line in markdown().splitlines() if line.startswith("|")]
    names = [line.split("|")[1].strip() for line in lines]
    for table in TABLES.values():
        assert set(table.names) <= set(names)
    assert {line.split("|")[2].strip() for line in lines} >= {str(f.name).lower() for f in Flag}
    for line in lines:
        assert line.count("|") in (5, 6)


def test_module_prints_the_documentation():
    run = subprocess.run(
        [sys.executable, "-m", "westsea.schema"], capture_output=True, text=True, check=True
    )
    assert run.stdout == markdown() + "\n"
