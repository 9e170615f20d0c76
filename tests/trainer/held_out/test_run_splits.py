"""Rows to train on and to hold out, by each way to split, against rows counted one by one."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.pipeline.loading.splits import Split
from longstride.storage.arrays.data import ArrayData
from longstride.storage.store import SeriesStore
from longstride.trainer.held_out.run_splits import rows_of_run, splits_of_run
from longstride.trainer.settings import DataSettings
from tests.helpers.errors import raises
from tests.helpers.runs.training import waves

WINDOW = 5

Make = Callable[..., SeriesStore]


def data_of(lengths: list[int]) -> ArrayData:
    values = np.zeros((sum(lengths), 1), np.float32)
    return longstride.from_array(values, series={f"s{number}": length for number, length in enumerate(lengths)})


def rows_in(split: Split) -> list[int]:
    found: list[int] = []
    for start, stop in zip(split.segments.start.tolist(), split.segments.stop.tolist(), strict=True):
        found += range(start, stop)
    return found


def settings(**changes: Any) -> DataSettings:
    return DataSettings("store", **{"window": WINDOW, "stride": 1, **changes})


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.sampled_from([{}, {"train_rows": 20}, {"train_rows": 20, "validation_rows": 10}]),
    st.booleans(),
)
def test_each_series_by_itself(lengths: list[int], amounts: dict[str, int], alone: bool) -> None:
    data = data_of(lengths)
    chosen = [len(lengths) - 1] if alone else range(len(lengths))
    how = {"series": f"s{chosen[0]}"} if alone else {"split": "within-series"}
    found = splits_of_run(data, settings(**how, **amounts))
    expected: list[list[int]] = [[], [], []]
    for number in chosen:
        first, length = sum(lengths[:number]), lengths[number]
        train = amounts.get("train_rows", 0.8 * length)
        held_out = amounts.get("validation_rows", 0.1 * length)
        cuts = [min(round(train), length), min(round(train + held_out), length)]
        for row in range(length):
            part = sum(row >= cut for cut in cuts)
            begin = [0, *cuts][part]
            if begin == 0 or row >= begin + WINDOW - 1:  # no window reaches over a cut
                expected[part].append(first + row)
    assert [rows_in(part) for part in found.parts] == expected


def test_a_series_in_several_places_is_cut_as_it_is_among_all(make_store: Make, tmp_path: Path) -> None:
    places = [(0, 120, 0), (120, 250, 1), (250, 280, 0), (280, 300, 1)]
    store = make_store(tmp_path / "store.zarr", np.zeros((300, 1)), segments=places, series=("a", "b"))
    together = splits_of_run(store, settings(split="within-series"))
    for number, name in enumerate(store.series):
        alone = splits_of_run(store, settings(series=name))
        for part, of_all in zip(alone.parts, together.parts, strict=True):
            mine = of_all.segments.series == number
            assert part.segments.start.tolist() == of_all.segments.start[mine].tolist()
            assert part.segments.stop.tolist() == of_all.segments.stop[mine].tolist()


def test_whole_series() -> None:
    data = data_of([30] * 10)
    parts = [set(rows_in(part)) for part in splits_of_run(data, settings(split="by-series")).parts]
    assert [len(part) for part in parts] == [240, 30, 30]
    assert set.union(*parts) == set(range(300))
    assert all({row // 30 for row in part if row % 30} == {row // 30 for row in part} for part in parts)


def test_the_rows_of_a_run_are_those_of_its_series() -> None:
    data = data_of([30, 40])
    assert rows_of_run(data, settings()) == data.segments
    assert rows_of_run(data, settings(series="s1")).start.tolist() == [30]
    with raises("series-missing", "'s2'", "'s0', 's1'", kind=longstride.SettingsError):
        splits_of_run(data, settings(series="s2"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train_rows": 400}, "--split within-series"),
        ({"validation_rows": 10, "split": "by-series"}, "--split within-series"),
        ({"series": "s0", "split": "by-series"}, "--split"),
        ({"train_rows": 0, "split": "within-series"}, "--train-rows"),
        ({"split": "by-hand"}, "--split"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], said: str) -> None:
    with raises("option-value", said, kind=longstride.SettingsError):
        settings(**changes)


def test_a_series_that_gives_nothing_to_train_on_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quick: dict[str, Any] = {"model": "pca", "window": 16, "batch_size": 16, "stride": 1, "device": "cpu"}
    data = longstride.from_array(waves(600, 2), series={"a": 300, "b": 15, "late": 285})
    with caplog.at_level(logging.INFO, "longstride"):
        longstride.train(data, tmp_path / "run", split="within-series", **quick)
    assert "1 of 3 series have no window of 16 rows to train on: 'b'" in caplog.text
    kept = json.loads((tmp_path / "run" / "settings.json").read_text())["data"]
    assert kept["split"] == "within-series"
    made = longstride.calibrate(tmp_path / "run", data, device="cpu")
    assert made.series == 2
