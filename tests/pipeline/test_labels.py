"""Verdicts of people: read with distrust, kept for good, joined to their pairs."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from westsea import labels
from westsea.objects import open_objects
from westsea.records import Parameters
from westsea.results import Sweep
from westsea.schema import LABELS, REASONS
from westsea.store import Store
from westsea.tables import Provenance
from westsea_catalog.errors import ConfigError, UsageError

PROVENANCE = Provenance("1", "hash", "even")
PAIR = {"pair_id": "a" * 20, "detect_id_1": "b" * 20, "detect_id_2": "c" * 20}
GOOD = {**PAIR, "verdict": "true", "reason": "sts_plausible", "time": "2024-05-01T10:00:00Z"}


def file_of(folder, *found, **more):
    path = folder / "labels.json"
    path.write_text(json.dumps({"westsea_labels": 1, "labels": list(found), **more}))
    return path


def pairs_of(*rows):
    return pd.DataFrame(rows, columns=["pair_id", "detect_id_1", "detect_id_2"])


def at(hour, **changes):
    when = datetime(2024, 5, 1, hour, tzinfo=UTC)
    return labels.Label(**{**GOOD, "reviewer": "x", **changes, "time": when})


def said(objects, *found):
    for label in found:
        labels.append(objects, [label], PROVENANCE)
    return labels.joined(labels.read(objects), pairs_of(tuple(PAIR.values())))


def test_a_label_is_read_kept_and_joined(tmp_path):
    found = labels.read_file(file_of(tmp_path, GOOD), "N. N.")
    objects = open_objects(tmp_path / "out")
    assert labels.append(objects, found, PROVENANCE)
    assert not labels.append(objects, found, PROVENANCE)  # again: nothing new
    kept = labels.read(objects)
    assert list(kept.columns) == list(LABELS.names)
    assert kept.iloc[0].to_dict() == {
        **GOOD,
        "note": None,
        "reviewer": "N. N.",
        "time": pd.Timestamp("2024-05-01T10:00:00Z"),
    }
    other = ("d" * 20, "e" * 20, None)
    joined = labels.joined(kept, pairs_of(other, tuple(PAIR.values())))
    assert joined["verdict"].tolist() == [None, "true"]
    assert joined["verdict_time"].isna().tolist() == [True, False]


def test_the_latest_wins_in_whatever_order_they_come(tmp_path):
    early, late = at(10, verdict="true"), at(12, verdict="false", reason="wake")
    for name, order in (("one", (early, late)), ("two", (late, early))):
        joined = said(open_objects(tmp_path / name), *order)
        assert joined["verdict"].tolist() == ["false"]
        assert joined["verdict_reason"].tolist() == ["wake"]


def test_verdicts_survive_new_parameters_by_their_detections(tmp_path):
    objects = open_objects(tmp_path)
    other = at(10, pair_id="9" * 20, detect_id_1=PAIR["detect_id_2"], detect_id_2="b" * 20)
    assert said(objects, other)["verdict"].tolist() == ["true"]
    blob = at(11, pair_id="8" * 20, detect_id_2=None, verdict="false")
    assert said(objects, blob)["verdict"].tolist() == ["true"]  # of other hulls


def test_exported_labels_can_be_imported_elsewhere(tmp_path):
    objects = open_objects(tmp_path / "one")
    labels.append(objects, [at(10, note="=1+1 </script>"), at(11, detect_id_2=None)], PROVENANCE)
    kept = labels.read(objects)
    path = tmp_path / "labels.json"
    path.write_bytes(labels.document(kept, "hash"))
    elsewhere = open_objects(tmp_path / "two")
    labels.append(elsewhere, labels.read_file(path, None), PROVENANCE)
    pd.testing.assert_frame_equal(labels.read(elsewhere), kept)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pair_id": "../../etc/passwd"}, "no id of westsea's"),
        ({"pair_id": "<script>"}, "no id of westsea's"),
        ({"detect_id_2": "=cmd()"}, "no id of westsea's"),
        ({"verdict": "maybe"}, "no labels.json"),
        ({"reason": "because"}, "unknown reason"),
        ({"note": "x" * 2001}, "over 2000 characters"),
        ({"note": "a\u202eb"}, "control characters"),
        ({"note": "a\x00b"}, "control characters"),
        ({"time": "yesterday"}, "no labels.json"),
        ({"time": "2024-05-01T10:00:00"}, "without an offset"),
        ({"time": (datetime.now(UTC) + timedelta(days=30)).isoformat()}, "in the future"),
        ({"more": 1}, "no labels.json"),
        ({"pair_id": None}, "no labels.json"),
    ],
)
def test_hostile_labels_are_refused_with_a_sentence(tmp_path, change, words):
    path = file_of(tmp_path, GOOD, {**GOOD, **change})
    with pytest.raises(ConfigError, match=words) as error:
        labels.read_file(path, "N. N.")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"westsea_labels": 2, "labels": []}', "[" * 9999])
def test_what_is_no_labels_json_is_told(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"is no labels\.json"):
        labels.read_file(path, "N. N.")


def test_too_large_a_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(labels, "MAX_BYTES", 10)
    with pytest.raises(ConfigError, match="is over"):
        labels.read_file(file_of(tmp_path, GOOD), "N. N.")


def test_a_reviewer_is_needed(tmp_path):
    with pytest.raises(UsageError, match="--reviewer"):
        labels.read_file(file_of(tmp_path, GOOD), None)
    with pytest.raises(UsageError, match="needs a name"):
        labels.read_file(file_of(tmp_path, GOOD), " ")
    with pytest.raises(UsageError, match="cannot be read"):
        labels.read_file(tmp_path / "absent.json", "N. N.")


@given(data=st.binary(max_size=200))
def test_any_bytes_are_labels_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any-labels.json"
    path.write_bytes(data)
    with suppress(ConfigError):  # any other error fails
        assert labels.read_file(path, "N. N.") == []


def test_damaged_labels_are_told_and_not_left_out(tmp_path):
    out = tmp_path / "out"
    Store.open(out, Parameters("1", {}, None, "coast", "even"))
    labels.append(open_objects(out), [at(10)], PROVENANCE)
    [path] = (out / "labels").iterdir()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ConfigError, match=r"labels/.* is damaged"):
        Sweep(out).labels()


def test_reasons_are_those_of_the_issue():
    assert {"sts_plausible", "pair_trawlers", "other"} < set(REASONS)
    assert len(REASONS) == 12
