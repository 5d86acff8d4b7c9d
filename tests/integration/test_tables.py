"""The same tables from every form of catalogue, and how often files are asked for."""

import json
import subprocess
from collections import Counter

import pytest

import westsea

WHEN = "2017-10-01/2017-10-31"
AREA = (118, 33, 127, 41)
TABLES = ("scenes", "detections", "pairs")
WRITE_TABLE = """
import sys
from stac_geoparquet.arrow import parse_stac_ndjson_to_parquet
parse_stac_ndjson_to_parquet(sys.argv[1], sys.argv[2])
"""


def swept(catalog, out, wanted):
    """The bytes of all tables of the archive's own scenes, by their paths."""
    items = westsea.search(catalog, bbox=AREA, datetime=WHEN)
    items = [item for item in items if item["id"] in wanted]
    assert len(items) == len(wanted)
    plan = westsea.plan(items, catalog=catalog)
    assert not plan.refused
    sweep = westsea.sweep(plan, out, workers=0)
    assert len(sweep.scenes()) == len(wanted)
    return {
        str(path.relative_to(out)): path.read_bytes()
        for name in TABLES
        for path in sorted((out / name).rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def wanted(archive):
    return {path.stem for path in archive.parent.glob("*/*/*.json")}


@pytest.fixture(scope="module")
def local(archive, wanted, tmp_path_factory):
    """The tables of the archive as it lies on disk."""
    tables = swept(str(archive), tmp_path_factory.mktemp("local"), wanted)
    assert len(tables) == len(TABLES) * len(wanted)
    return tables


def test_files_over_http_give_identical_tables_with_few_requests(
    nginx, archive, wanted, local, tmp_path
):
    nginx.requests()
    assert swept(f"{nginx.url}/archive/catalog.json", tmp_path, wanted) == local
    asked = [line for line in nginx.requests() if line[-1].endswith(".tif")]
    assert {status for method, status, *_ in asked if method == "GET"} == {"206"}
    heads = Counter(path for method, *_, path in asked if method == "HEAD")
    ranges = Counter(path for method, *_, path in asked if method == "GET")
    sizes = {path: (archive.parents[1] / path[1:]).stat().st_size for path in ranges}
    sent = sum(int(size) for _, _, size, *_ in asked)
    print(f"\n{len(asked)} requests for {len(sizes)} files of {len(wanted)} scenes,", end=" ")
    print(f"{sent:,} of {sum(sizes.values()):,} bytes:")
    for path, size in sorted(sizes.items()):
        print(f"  {heads[path]} + {ranges[path]} {size:>9,} bytes {path.rpartition('/')[2]}")
    # One for its length, one for its header, and one for its run of tiles.
    assert set(heads.values()) == {1}
    assert max(ranges.values()) <= 2
    assert sent <= sum(sizes.values())  # without the overviews


def test_an_api_gives_identical_tables(pgstac, wanted, local, tmp_path):
    assert swept(pgstac, tmp_path, wanted) == local


def test_a_table_of_items_gives_identical_tables(servers, archive, wanted, local, tmp_path):
    lines, table = tmp_path / "items.ndjson", archive.parent / "items.parquet"
    items = []
    for path in sorted(archive.parent.glob("*/*/*.json")):
        item = json.loads(path.read_text())
        for asset in item["assets"].values():
            name = asset["href"].rpartition("/")[2]
            asset["href"] = f"./{path.parent.relative_to(archive.parent)}/{name}"
        items.append(item | {"links": []})
    lines.write_text("\n".join(map(json.dumps, items)))
    subprocess.run(
        [servers / "python", "-c", WRITE_TABLE, lines, table], check=True, capture_output=True
    )
    assert swept(str(table), tmp_path / "out", wanted) == local
