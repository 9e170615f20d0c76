"""What is refused before a run begins, since there is nothing to learn; the same for a series of many."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longstride
from longstride.storage.arrays.data import ArrayData
from longstride.trainer.errors import SettingsError
from tests.helpers.errors import raises
from tests.helpers.runs.training import waves

QUICK: dict[str, Any] = {"window": 8, "stride": 4, "batch_size": 8, "max_steps": 2, "hidden": 4, "device": "cpu"}
ROWS = 1000


def data_of(labels: dict[str, Any], missing: Any = (), **more: Any) -> ArrayData:
    values = waves(ROWS, 3)
    for rows, column in missing:
        values[rows, column] = np.nan
    marked = {name: np.isin(np.arange(ROWS), rows) for name, rows in labels.items()}
    return longstride.from_array(values, channels=["a", "b", "c"], labels=marked, **more)


ANYWHERE = slice(None)


@pytest.mark.parametrize(
    ("missing", "task", "said"),
    [
        ([(ANYWHERE, 0)], {"channels": ["a"], "targets": ["b"]}, "--channels"),
        ([(ANYWHERE, 1)], {"targets": ["b"]}, "--targets"),
        ([(slice(0, 800), 1)], {"task": "forecast", "targets": ["b"]}, "--targets"),
        ([(ANYWHERE, 1)], {"channels": ["b"], "model": "pca"}, "--channels"),
        ([(ANYWHERE, 0)], {"task": "classify", "channels": ["a"]}, "--channels"),
    ],
)
def test_rows_without_a_value_of_what_is_seen_or_predicted(
    tmp_path: Path, missing: Any, task: dict[str, Any], said: str
) -> None:
    data = data_of({"fault": range(0, ROWS, 50)}, missing)
    with raises("no-values", "has no value of", said, kind=SettingsError):
        longstride.train(data, tmp_path / "run", **QUICK, **task)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("rule", ["any", "last"])
@pytest.mark.parametrize("row", range(784, 801))
def test_a_label_is_learned_where_a_training_window_has_it(tmp_path: Path, rule: str, row: int) -> None:
    data = data_of({"fault": [row]})
    starts = range(0, 800 - 8 + 1, 4)
    has_it = any(row in (range(at, at + 8) if rule == "any" else [at + 7]) for at in starts)
    if has_it:
        longstride.train(data, tmp_path / "run", **QUICK, task="classify", label=rule)
        return
    with raises("no-labels", "'fault'", "--train-share", kind=SettingsError):
        longstride.train(data, tmp_path / "run", **QUICK, task="classify", label=rule)


def test_a_label_that_never_comes_is_named_with_those_that_do(tmp_path: Path) -> None:
    data = data_of({"often": range(0, ROWS, 50), "late": [900], "fault": range(0, ROWS, 70)})
    with raises("no-labels", "'late'", "--targets often,fault", kind=SettingsError):
        longstride.train(data, tmp_path / "run", **QUICK, task="classify")
    longstride.train(data, tmp_path / "run", **QUICK, task="classify", targets=["often", "fault"])


def test_labels_that_one_of_several_stores_lacks_are_not_taken_for_none(tmp_path: Path) -> None:
    stores = [data_of({"fault": range(0, ROWS, 50)}), data_of({"other": range(0, ROWS, 50)}, [(0, 0)])]
    with raises("no-labels", "--targets", kind=SettingsError):
        longstride.train(stores, tmp_path / "run", **QUICK, task="classify")


def test_labels_are_not_learned_from_windows_without_any(tmp_path: Path) -> None:
    with raises("option-value", "--normal-only", "classify", kind=SettingsError):
        longstride.train(data_of({"fault": [1]}), tmp_path / "run", **QUICK, task="classify", normal_only=True)


@pytest.mark.parametrize(
    ("task", "lacking"),
    [
        ({}, "no value"),
        ({"max_missing": 0.5}, "missing values"),
        ({"task": "classify"}, "no value"),
        ({"task": "forecast", "horizon": 20, "validation_share": 0.2}, "no value"),
    ],
)
def test_a_series_that_holds_nothing_to_learn_has_no_model(
    tmp_path: Path, task: dict[str, Any], lacking: str
) -> None:
    series = {"whole": 600, "empty": 400}
    data = data_of({"fault": range(0, ROWS, 50)}, [(slice(600, None), ANYWHERE)], series=series)
    sizes = {**QUICK, "stride": 2, "batch_size": 4, **task}
    found = longstride.train(data, tmp_path / "run", per_series=True, **sizes)
    assert list(found.series) == ["whole"]
    assert lacking in found.skipped["empty"]


def test_a_series_too_short_for_the_horizon_has_no_model(tmp_path: Path) -> None:
    data = data_of({}, series={"long": 700, "short": 100, "shorter": 200})
    sizes = {**QUICK, "stride": 1, "train_share": 0.6, "validation_share": 0.4}
    found = longstride.train(data, tmp_path / "run", per_series=True, task="forecast", horizon=80, **sizes)
    assert list(found.series) == ["long"]
    assert "88 rows" in found.skipped["short"]


def test_validation_windows_that_are_left_out_are_none(tmp_path: Path) -> None:
    data = data_of({}, [(slice(800, None), ANYWHERE)])
    found = longstride.train(data, tmp_path / "run", **QUICK, max_missing=0.5)
    assert found.best_validation_loss is None
