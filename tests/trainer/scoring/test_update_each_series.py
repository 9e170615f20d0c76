"""Scores by a model for each series, of a store that has grown: series lie in several places, and come later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import longstride
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import ScoresError
from longstride.trainer.saved.series_index import read_index
from longstride.trainer.scoring.score import score
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

Make = Callable[..., SeriesStore]
Places = list[tuple[int, int, int]]
K = SIZES["window"]
ROWS = 3000
VALUES = waves(ROWS, 2)
NAMES = ("a", "b", "c")
FIRST_NS = 1_709_251_200 * 10**9


@pytest.fixture(scope="module")
def run(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of a and b; c is too short for one."""
    folder = tmp_path_factory.mktemp("each")
    places = [(0, 1200, 0), (1200, 1210, 2), (1210, 2500, 1), (2500, 2800, 0)]
    make_store(folder / "fleet.zarr", VALUES, segments=places, series=NAMES)
    shares = {"train_share": 0.6, "validation_share": 0.3}
    longstride.train(
        folder / "fleet.zarr", folder / "run", per_series=True, model="pca", device="cpu", **shares, **SIZES
    )
    return folder / "run"


@st.composite
def histories(draw: Any) -> tuple[Places, list[int]]:
    """Segments of the series in any order, and how many rows the store had, time after time; it begins with a."""
    places, row = [(0, 40, 0)], 40
    for _ in range(draw(st.integers(1, 8))):
        length = draw(st.sampled_from([1, K - 1, K, K + 1, 50, 333]))
        places.append((row, row + length, draw(st.integers(0, 2))))
        row += length + draw(st.sampled_from([0, 0, 1, 40]))
    near = [edge + by for start, stop, _ in places for edge in (start, stop) for by in (-K, -1, 0, 1, K)]
    cuts = draw(st.lists(st.sampled_from(near) | st.integers(1, row), max_size=3))
    return places, sorted({cut for cut in cuts if 0 < cut < row} | {row})


def store_of(make_store: Make, path: Path, rows: int, places: Places, **more: Any) -> SeriesStore:
    """Its first rows, with the series that these are of."""
    there = [(start, min(stop, rows), number) for start, stop, number in places if start < rows]
    names = NAMES[: 1 + max(number for *_, number in there)]
    return make_store(path, VALUES[:rows], segments=there, series=names, chunk_rows=1024, **more)


@settings(max_examples=15)
@given(
    histories(), st.sampled_from([1, 3, K, K + 5, None]), st.sampled_from([1, 4, 128]), st.sampled_from([7, 1024])
)
def test_an_update_equals_a_whole_scoring(
    run: Path,
    make_store: Make,
    tmp_path_factory: pytest.TempPathFactory,
    history: tuple[Places, list[int]],
    stride: int | None,
    smooth: int,
    batch_size: int,
) -> None:
    places, cuts = history
    folder = tmp_path_factory.mktemp("history")
    options: dict[str, Any] = {"stride": stride, "smooth": smooth, "batch_size": batch_size, "device": "cpu"}
    known: tuple[str, ...] = ()
    for number, cut in enumerate(cuts):
        store = store_of(make_store, folder / f"{number}.zarr", cut, places)
        is_other = bool(known) and "b" in store.series and "b" not in known
        if is_other:  # b has come: its normal rows change the threshold
            with raises("scores-differ", "no model or calibration of 'b'", kind=ScoresError):
                score(run, store, folder / "updated.parquet", update=True, **options)
        how: dict[str, Any] = {"overwrite": True} if is_other else {"update": True}
        updated = score(run, store, folder / "updated.parquet", **how, **options)
        known = store.series
    whole = score(run, store, folder / "whole.parquet", **options)
    assert (folder / "updated.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert (updated.covered, updated.alarms) == (whole.covered, whole.alarms)


@settings(max_examples=15)
@given(histories(), st.data(), st.sampled_from([1, 4, K]), st.sampled_from([1, 5, 100]))
def test_some_rows_have_the_scores_that_they_have_among_all(
    run: Path,
    make_store: Make,
    tmp_path_factory: pytest.TempPathFactory,
    history: tuple[Places, list[int]],
    data: st.DataObject,
    stride: int,
    smooth: int,
) -> None:
    """Series lie at times of their own, so rows since a time are several ranges."""
    places, folder = history[0], tmp_path_factory.mktemp("some")
    rows, latest = places[-1][1], {0: 0, 1: 0, 2: 0}
    seconds = np.arange(rows)
    for start, stop, number in places:
        begin = max(data.draw(st.integers(0, 1500)), latest[number])
        seconds[start:stop] = begin + np.arange(stop - start)
        latest[number] = begin + stop - start + 5
    store = store_of(make_store, folder / "fleet.zarr", rows, places, time=FIRST_NS + seconds * 10**9)
    options: dict[str, Any] = {"stride": stride, "smooth": smooth, "batch_size": 32, "device": "cpu"}
    score(run, store, folder / "all.parquet", **options)
    table = pl.read_parquet(folder / "all.parquet")
    since = data.draw(st.integers(0, int(seconds.max())))
    begin, stop = sorted(data.draw(st.tuples(st.integers(0, rows - 1), st.integers(0, rows - 1))))
    for number, (how, chosen) in enumerate(
        [
            ({"since": np.datetime64(FIRST_NS + since * 10**9, "ns")}, seconds >= since),
            ({"rows": (begin, stop + 1)}, (np.arange(rows) >= begin) & (np.arange(rows) <= stop)),
        ]
    ):
        score(run, store, folder / f"{number}.parquet", **how, **options)
        some = pl.read_parquet(folder / f"{number}.parquet")
        assert some.equals(table.filter(pl.Series(chosen)), null_equal=True)


def test_an_update_after_one_model_was_calibrated_again_names_its_series(make_store: Make, tmp_path: Path) -> None:
    places = [(0, 1000, 0), (1000, 2000, 1), (2000, 2500, 0), (2500, 3000, 1)]
    early = store_of(make_store, tmp_path / "early.zarr", 2000, places)
    late = store_of(make_store, tmp_path / "late.zarr", 3000, places)
    longstride.train(early, tmp_path / "run", per_series=True, model="pca", device="cpu", **SIZES)
    score(tmp_path / "run", early, tmp_path / "s.parquet", device="cpu")
    before = (tmp_path / "s.parquet").read_bytes()
    longstride.calibrate(
        tmp_path / "run" / read_index(tmp_path / "run").folders["b"], late, split="all", device="cpu"
    )
    with raises("scores-differ", "(another model or calibration of 'b')", kind=ScoresError):
        score(tmp_path / "run", late, tmp_path / "s.parquet", update=True, device="cpu")
    assert (tmp_path / "s.parquet").read_bytes() == before


def test_a_new_series_without_a_model_does_not_prevent_an_update(
    run: Path, make_store: Make, tmp_path: Path
) -> None:
    places = [(0, 1000, 0), (1000, 2000, 1), (2000, 2500, 2)]
    early = store_of(make_store, tmp_path / "early.zarr", 2000, places)
    late = store_of(make_store, tmp_path / "late.zarr", 2500, places)
    score(run, early, tmp_path / "s.parquet", device="cpu")
    updated = score(run, late, tmp_path / "s.parquet", update=True, device="cpu")
    score(run, late, tmp_path / "whole.parquet", device="cpu")
    assert updated.scored == 500
    assert (tmp_path / "s.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
