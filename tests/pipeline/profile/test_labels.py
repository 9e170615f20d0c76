"""Labels: by their names, of texts, of files that lack them. None is an input of models in silence."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride import Proposal, Recipe
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, ingest, log, propose, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
WRITE = Callable[..., Path]


def test_labels(look: LOOK, store: STORE) -> None:
    flags = [int(row > 35) for row in range(40)]
    words = ["True" if flag else "False" for flag in flags]
    found = look("time,v,is_anomaly,EVENT,label", times(40), wave(40), flags, words, [0] * 40)
    assert found.settings == {"time": "time", "labels": ["is_anomaly", "EVENT", "label"]}
    assert found.why["labels=EVENT"] == "10.0% of them set"
    labels = store().labels
    assert labels is not None
    np.testing.assert_array_equal(labels[:, 1], flags)


@pytest.mark.parametrize(
    ("name", "values", "label"),
    [
        ("State", ["Normal", "Attack"], "attack"),
        ("Normal/Attack", ["Normal", "Attack", "Normal", "A ttack"], "abnormal"),
        ("Normal/Attack", ["Normal", "Attack", " Attack"], "attack"),
        ("label", ["BENIGN", "DoS", "PortScan"], "abnormal"),
        ("status", ["ok", "it's off"], "itsoff"),
        ("fault", ["none", "fault"], "is_fault"),
        ("class", ["normal", " Normal", "odd"], "odd"),
        ("Zustand", ["Normal", "Störung"], "störung"),
        ("machine_status", ["NORMAL", "BROKEN"], "broken"),
        ("attack_type", ["none", "spoof"], "spoof"),
        ("défaut", ["non", "oui"], "is_défaut"),
        ("anomaly", ["no", "yes"], "is_anomaly"),
    ],
)
def test_a_label_is_computed_from_texts(
    look: LOOK, store: STORE, name: str, values: list[str], label: str
) -> None:
    rows = [values[row % len(values)] for row in range(40)]
    found = look(f"time,v,{name}", times(40), wave(40), rows)
    assert (found.settings["labels"], found.settings["exclude"]) == ([label], [name])
    assert doubted(found, f"{name!r} holds")
    labels = store().labels
    assert labels is not None
    normal = ("normal", "benign", "ok", "none", "non", "no")
    assert labels[:, 0].tolist() == [int(text.strip().lower() not in normal) for text in rows]


def test_the_query_of_a_state_is_as_one_would_write_it(look: LOOK) -> None:
    found = look("time,v,State", times(40), wave(40), ["Normal", "Attack"] * 20)
    assert found.settings["sql"] == "SELECT *, State <> 'Normal' AS attack FROM rows"


@pytest.mark.parametrize(
    ("name", "values", "doubt"),
    [
        ("fan", ["0", "1", "1", "0"], None),
        ("label", ["0", "1", "", "0"], "'label' looks like labels, but 25.0% of them are missing"),
        ("label", ["-1", "1", "1", "1"], "'label' looks like labels, but is -1 to 1: it is kept as a channel"),
        ("anomaly", ["0.25", "0.5", "0.75", "1"], "'anomaly' looks like labels, but is 0.25 to 1"),
        ("fault", ["seal", "leak", "leak", "leak"], "'fault' looks like labels, but is 'seal', 'leak'"),
    ],
)
def test_what_is_nearly_a_label(look: LOOK, name: str, values: list[str], doubt: str | None) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), values * 10)
    assert "labels" not in found.settings
    assert doubted(found, "looks like labels") == (doubt is not None)
    assert doubt is None or doubted(found, doubt)


def test_kinds_of_faults_are_labels_in_doubt(look: LOOK) -> None:
    found = look("time,v,fault", times(40), wave(40), [0, 3, 1, 0] * 10)
    assert found.settings["labels"] == ["fault"]
    assert doubted(found, "'fault' is taken for labels, not for an input: 0 to 3")


@pytest.mark.parametrize(
    "name",
    [
        "Störung",
        "panne",
        "falla",
        "异常",
        "авария",
        "고장",
        "異常フラグ",
        "isanomaly",
        "Fault flags",
        "Faulty",
    ],
)
def test_names_of_labels_in_other_languages(look: LOOK, name: str) -> None:
    assert look(f"time,v,{name}", times(40), wave(40), [0, 0, 1, 0] * 10).settings["labels"] == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Class",
        "target",
        "attack_type",
        "label_n",
        "Machine failure",
        "anomaly (0/1)",
        "GT",
        "fault_code",
        "Fehlercode",
        "alarme",
        "ATT_FLAG",
        "is_ok",
        "leak_detected",
        "tripped",
        "故障代码",
    ],
)
@pytest.mark.parametrize("values", [["0", "1"], ["0", "3", "1", "17"]])
def test_what_may_be_a_label_is_no_input_in_silence(look: LOOK, name: str, values: list[str]) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), (values * 40)[:40])
    assert "labels" not in found.settings
    assert doubted(found, f"{name!r} is kept as a channel, an input of models")


@pytest.mark.parametrize("name", ["RUL", "anomaly_score"])
def test_numbers_that_models_should_find_are_no_inputs_in_silence(look: LOOK, name: str) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), [row / 8 for row in range(40)])
    assert doubted(found, f"{name!r} is kept as a channel, an input of models")


@pytest.mark.parametrize("name", ["target_temperature", "class_temp", "target", "y", "fault_current"])
def test_channels_with_words_of_labels_in_their_names_are_channels(look: LOOK, name: str) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), [f"{60 + row % 7}.5" for row in range(40)])
    assert found.settings == {"time": "time"}
    assert not doubted(found, repr(name))


@pytest.mark.parametrize("values", [["0", "1"], ["Normal", "Attack"]])
def test_a_file_that_lacks_the_label(write_log: WRITE, tmp_path: Path, values: list[str]) -> None:
    normal = log("time,v", times(40), wave(40))
    marked = log("time,v,anomaly", times(80)[40:], wave(40), values * 20)
    files = write_log("free.csv", normal), write_log("marked.csv", marked)
    found = propose(*files)
    assert found.settings["absent-labels"] == "zero"
    assert doubted(found, "free.csv has no column 'anomaly': its rows are labelled 0")
    store = ingest(*files, out=tmp_path / "out.zarr")
    assert store.channels == ("v",)
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [0] * 40 + [0, 1] * 20


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["False", "True", "", "False"], [0, 1, 0, 0]),
        (["true", "", "", "true"], [1, 0, 0, 1]),
        (["0", "1", "", "1"], [0, 1, 0, 1]),
        (["seal", "", "leak", "leak"], [1, 0, 1, 1]),
    ],
)
def test_what_a_doubt_proposes_where_labels_are_missing_can_be_ingested(
    write_log: WRITE, tmp_path: Path, texts: list[str], expected: list[int]
) -> None:
    path = write_log("a.csv", log("time,v,label", times(40), wave(40), texts * 10))
    (doubt,) = (doubt for doubt in propose(path).doubts if "looks like labels" in doubt)
    (query,) = re.findall(r'sql = ("SELECT.*FROM rows")', doubt)
    recipe = Recipe(time="time", exclude=("label",), labels=("is_label",), sql=json.loads(query))
    longstride.ingest([str(path)], str(tmp_path / "out.zarr"), recipe)
    labels = longstride.open(str(tmp_path / "out.zarr")).labels
    assert labels is not None
    assert labels[:, 0].tolist() == expected * 10
