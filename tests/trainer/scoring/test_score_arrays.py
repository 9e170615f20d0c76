"""Scores of an array are those of a store of the same rows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zarr
from click.testing import CliRunner
from numpy.typing import NDArray

import longstride
from longstride.__main__ import main
from longstride.storage.arrays.data import ArrayData
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

ROWS = 2000
SEGMENTS = [(0, 900), (905, 1200), (1200, ROWS)]
SERIES = {"one": 1200, "two": 800}


@pytest.fixture(scope="module")
def values() -> NDArray[np.float32]:
    return waves(ROWS, 2)


@pytest.fixture(scope="module")
def labels() -> NDArray[np.int8]:
    flags = np.zeros((ROWS, 1), np.int8)
    flags[1180:1190] = flags[1700:1710] = 1
    return flags


def described(values: Any, labels: NDArray[np.int8]) -> ArrayData:
    return longstride.from_array(
        values, channels=["c0", "c1"], labels={"fault": labels[:, 0]}, series=SERIES, segments=SEGMENTS
    )


@pytest.fixture(scope="module")
def made(
    make_store: Callable[..., SeriesStore],
    tmp_path_factory: pytest.TempPathFactory,
    values: NDArray[np.float32],
    labels: NDArray[np.int8],
) -> Path:
    """A store and the same rows as arrays, and a run on each."""
    folder = tmp_path_factory.mktemp("made")
    store = make_store(
        folder / "plant.zarr", values, labels=labels, label_names=["fault"], series=list(SERIES),
        segments=[(*bounds, number) for bounds, number in zip(SEGMENTS, (0, 0, 1), strict=True)],
        time=10**9 * np.arange(ROWS),
    )  # fmt: skip
    np.save(folder / "plant.npy", values)
    array = zarr.create_array(folder / "array.zarr", shape=values.shape, chunks=(128, 2), dtype="f4")
    array[:] = values
    sources = {"store": store, "array": described(values, labels), "file": described(folder / "plant.npy", labels)}
    for name, source in sources.items():
        longstride.train(source, folder / name, **SIZES, device="cpu", max_steps=5, normal_only=True)
    longstride.train(folder / "plant.npy", folder / "plain", **SIZES, device="cpu", max_steps=5)
    return folder


def score(made: Path, run: str, source: Any, out: Path, **options: Any) -> tuple[longstride.ScoreResult, Any]:
    result = longstride.score(made / run, source, out, device="cpu", **options)
    return result, pl.read_parquet(out)


@pytest.mark.parametrize("kind", ["memory", "file", "zarr"])
@pytest.mark.parametrize("run", ["store", "array", "file"])
def test_the_scores_and_figures_of_a_store(
    run: str, kind: str, made: Path, values: NDArray[np.float32], labels: NDArray[np.int8], tmp_path: Path
) -> None:
    sources = {"memory": values, "file": made / "plant.npy", "zarr": zarr.open_array(made / "array.zarr")}
    data = described(sources[kind], labels)
    expected, rows = score(made, "store", made / "plant.zarr", tmp_path / "store.parquet")
    found, mine = score(made, run, data, tmp_path / "array.parquet")
    facts = ("rows", "covered", "normal_rows", "threshold")
    assert [getattr(found, name) for name in facts] == [getattr(expected, name) for name in facts]
    assert mine.equals(rows, null_equal=True)
    figures = [figures_of(tmp_path / f"{name}.parquet", data) for name in ("store", "array")]
    assert figures[0] == figures[1] == figures_of(tmp_path / "store.parquet", made / "plant.zarr")


def figures_of(scores: Path, data: Any) -> list[str]:
    """All figures but those in hours and seconds: how long a row of the array lasts is not known."""
    unknown = {"store": "", "false_events_per_hour": 0.0, "delay_seconds": None}
    return [repr(replace(one, **unknown)) for one in longstride.evaluate(scores, data).figures]


def test_rows_of_no_segment_have_no_series(
    made: Path, values: NDArray[np.float32], labels: NDArray[np.int8], tmp_path: Path
) -> None:
    data = longstride.from_array(
        values, channels=["c0", "c1"], series=SERIES, segments=[(10, 500), (520, 1100), (1300, 1900)]
    )
    _, rows = score(made, "array", data, tmp_path / "scores.parquet")
    series = rows["series"].to_list()
    assert series == [None] * 10 + ["one"] * 1090 + [None] * 200 + ["two"] * 600 + [None] * 100
    _, rows = score(made, "array", values[:500], tmp_path / "short.parquet")
    assert set(rows["series"]) == {""}


@pytest.mark.parametrize("run", ["array", "file"])
def test_another_array_does_not_move_the_threshold(
    run: str, made: Path, values: NDArray[np.float32], labels: NDArray[np.int8], tmp_path: Path
) -> None:
    """Normal rows are those of the run, whatever is scored."""
    first, _ = score(made, run, described(values, labels), tmp_path / "same.parquet")
    for number, other in enumerate([described(values + 1, labels), longstride.from_array(values[:60])]):
        found, _ = score(made, run, other, tmp_path / f"{number}.parquet")
        assert (found.threshold, found.normal_rows) == (first.threshold, first.normal_rows)


def test_scores_of_an_array_are_always_computed(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    first, _ = score(made, "plain", made / "plant.npy", out)
    with raises("path-taken", out):
        score(made, "plain", made / "plant.npy", out)
    second, _ = score(made, "plain", made / "plant.npy", out, overwrite=True, verify=True)
    assert not second.was_there
    assert second.threshold == first.threshold


def test_the_command_takes_the_path_of_an_array(made: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "scores.parquet")
    result = CliRunner().invoke(
        main, ["score", str(made / "plain"), str(made / "plant.npy"), "--out", out, "--device", "cpu"]
    )
    assert result.exit_code == 0, result.output
    with raises("no-labels", "from_array", kind=longstride.LongstrideError):
        longstride.evaluate(out, made / "plant.npy")


def test_what_is_no_array(made: Path, tmp_path: Path) -> None:
    with raises("array-format", "list"):
        longstride.score(made / "plain", [[1.0]], tmp_path / "a.parquet")
    with raises("model-channels", "c1"):
        longstride.score(made / "plain", np.zeros(100, np.float32), tmp_path / "a.parquet")
    with raises("scores-missing"):
        longstride.evaluate(tmp_path / "a.parquet", np.zeros((100, 2), np.float32))
