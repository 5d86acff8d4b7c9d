"""The static collection validates, links to the tables, and can be searched.

`table-1.2.0.schema.json` is the schema of the STAC table extension 1.2.0 as published, by its
contributors, under the Apache License 2.0.
"""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pystac
import pytest
import shapely
from pystac.validation.stac_validator import JsonSchemaSTACValidator

from westsea.export.stac import TABLE_EXTENSION, export_stac
from westsea.results import Sweep
from westsea.schema import TABLES
from westsea_catalog.errors import ConfigError, UsageError

SCHEMA = Path(__file__).with_name("table-1.2.0.schema.json")


@pytest.fixture(scope="module")
def validator():
    """pystac's own, with the core schemas that it ships and that of the extension."""
    found = JsonSchemaSTACValidator()
    found.schema_cache[TABLE_EXTENSION] = json.loads(SCHEMA.read_text())
    return found


def read(path):
    """The collection and its items, as pystac reads them."""
    collection = pystac.Collection.from_file(str(path))
    return collection, list(collection.get_items())


@pytest.mark.parametrize("where", ["out/collection.json", "elsewhere/collection.json"])
def test_it_validates_and_leads_to_the_tables(out, tmp_path, validator, where):
    path = tmp_path / where
    path.parent.mkdir(exist_ok=True)
    frame = Sweep(out).scenes()
    assert export_stac(out, path) == len(frame)
    collection, items = read(path)
    assert collection.validate(validator=validator)
    assert {item.properties["westsea:item_id"] for item in items} == set(frame["item_id"])
    for item in items[::5]:  # half a second each
        assert TABLE_EXTENSION in item.validate(validator=validator)
    for item in items:
        assert item.get_parent().id == collection.id
        for table, asset in item.assets.items():
            rows = pq.read_table(Path(asset.get_absolute_href().replace("%25", "%")))
            assert asset.extra_fields["table:row_count"] == len(rows)
            columns = collection.item_assets[table].properties["table:columns"]
            assert [column["name"] for column in columns] == rows.schema.names
            assert asset.extra_fields["table:primary_geometry"] == TABLES[table].geometry
    texts = [each.read_text() for each in path.parent.rglob("*.json")]
    assert not any(str(tmp_path) in text for text in texts)


def test_the_validator_bites(out, tmp_path, validator):
    export_stac(out, tmp_path / "collection.json")
    content = json.loads((tmp_path / "collection.json").read_text())
    content["extent"] = {}
    with pytest.raises(pystac.STACValidationError):
        validator.validate_core(content, pystac.STACObjectType.COLLECTION, "1.1.0")
    item = json.loads(next((tmp_path / "stac").rglob("*.json")).read_text())
    item["assets"]["pairs"]["table:row_count"] = "many"
    with pytest.raises(pystac.STACValidationError):
        validator.validate_extension(item, pystac.STACObjectType.ITEM, "1.1.0", TABLE_EXTENSION)


def test_westsea_can_search_it(out, tmp_path, cli):
    path = out / "collection.json"
    assert cli("export", out, path).code == 0
    found = cli("search", "--catalog", path, "--bbox=119,35,123,37", "--datetime=2024-05-01/..")
    assert found.code == 0, found.err
    assert len(found.out.splitlines()) == 2
    found = cli("search", "--catalog", path, "--bbox=179,35,-179,37", "--datetime=2024-05-01/..")
    assert found.out.split("\t")[2].strip() == "antimeridian"


def test_boxes_across_180(out, tmp_path):
    export_stac(out, tmp_path / "collection.json")
    _, items = read(tmp_path / "collection.json")
    item = next(each for each in items if each.id == "antimeridian")
    assert item.bbox == [179.5, 35.5, -179.5, 36.5]
    assert shapely.geometry.shape(item.geometry).geom_type == "MultiPolygon"


def test_one_id_in_two_collections(store, tmp_path, validator, scene):
    for collection in ("one", "two"):
        store.commit(*scene("same", 120.0, collection=collection))
    export_stac(store.objects.root, tmp_path / "collection.json")
    _, items = read(tmp_path / "collection.json")
    assert {item.id for item in items} == {"one/same", "two/same"}


def test_one_id_on_two_days(store, tmp_path, validator, scene):
    """As that of an item which its catalogue has dated anew."""
    for day in (1, 2):
        key, tables = scene("same", 120.0, collection="one")
        store.commit(replace(key, date=date(2024, 5, day)), tables)
    export_stac(store.objects.root, tmp_path / "collection.json")
    _, items = read(tmp_path / "collection.json")
    assert {item.id for item in items} == {"2024-05-01/one/same", "2024-05-02/one/same"}


def test_without_scenes(empty, tmp_path, validator):
    assert export_stac(empty, tmp_path / "collection.json") == 0
    collection, items = read(tmp_path / "collection.json")
    assert collection.validate(validator=validator)
    assert items == []


def test_what_is_there_stays_unless_asked(out, tmp_path):
    path = tmp_path / "collection.json"
    path.write_text("mine")
    with pytest.raises(UsageError, match="--overwrite"):
        export_stac(out, path)
    assert path.read_text() == "mine"
    export_stac(out, path, overwrite=True)
    first = path.read_bytes()
    export_stac(out, path, overwrite=True)
    assert path.read_bytes() == first
    with pytest.raises(ConfigError, match="no results"):
        export_stac(tmp_path, tmp_path / "stac" / "collection.json")
