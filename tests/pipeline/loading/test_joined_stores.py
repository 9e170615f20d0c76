"""Windows of several stores that are given as one: their rows, by brute force, and how they are served."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longstride
from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.splitting.by_time import split_by_time
from longstride.pipeline.loading.splitting.within_series import split_within_series
from longstride.storage.open_data import opened_together
from longstride.storage.series.joined import JoinedData
from longstride.storage.store import SeriesStore

MakeStore = Callable[..., SeriesStore]
START_NS = 1_700_000_000 * 10**9
SIZES: dict[str, Any] = {"window": 8, "stride": 3, "batch_size": 16, "world_size": 1}


@pytest.fixture(scope="module")
def paths(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three stores, with gaps, whose channels are in different orders."""
    folder = tmp_path_factory.mktemp("stores")
    for number, (rows, channels) in enumerate([(900, ["a", "b"]), (500, ["b", "a"]), (700, ["a", "b"])]):
        make_store(
            folder / f"{number}.zarr",
            rows=rows,
            seed=number,
            missing=0.02,
            channels=channels,
            time=START_NS + 10**9 * (np.arange(rows) + 100 * number),
            segments=[(0, 333, 0), (340, rows, 1)] if number == 1 else [(0, 222, 0), (230, rows, 0)],
            series=["p", "q"] if number == 1 else ["p"],
        )
    return [folder / f"{number}.zarr" for number in range(3)]


@pytest.fixture(scope="module")
def joined(paths: list[Path]) -> JoinedData:
    found = opened_together(paths)
    assert isinstance(found, JoinedData)
    return found


def windows_in(joined: JoinedData, rows: set[int], window: int, stride: int) -> list[int]:
    """First rows of the windows in a set of rows, from the start of each run of them within a segment."""
    found = []
    for start, stop in zip(joined.segments.start.tolist(), joined.segments.stop.tolist(), strict=True):
        row = start
        while row < stop:
            if row not in rows:
                row += 1
                continue
            end = row
            while end < stop and end in rows:
                end += 1
            found += [first for first in range(row, end, stride) if first + window <= end]
            row = end
    return found


def served(loader: WindowLoader) -> list[int]:
    return [start for batch in loader for start in batch.start.tolist() if start >= 0]


def rows_by_time(joined: JoinedData, train: float, validation: float) -> list[set[int]]:
    """All rows of segments, cut where the earliest times have these shares of rows before them."""
    times, segments = joined.time[:], joined.segments
    of_series: dict[int, list[int]] = {}
    for start, stop, series in zip(*(bounds.tolist() for bounds in vars(segments).values()), strict=True):
        of_series.setdefault(series, []).extend(range(start, stop))
    # Rows between two segments of a series count as well, as they do in one store.
    every = {series: list(range(rows[0], rows[-1] + 1)) for series, rows in of_series.items()}
    stamps = np.sort(np.concatenate([times[rows] for rows in every.values()]))
    cuts = [stamps[round(share * len(stamps)) - 1] + 1 for share in (train, train + validation)]
    found: list[set[int]] = [set(), set(), set()]
    for rows in every.values():
        positions = [int(np.searchsorted(times[rows], cut)) for cut in cuts]
        bounds = [(0, positions[0]), (positions[0], positions[1]), (positions[1], len(rows))]
        for part, (begin, end) in zip(found, bounds, strict=True):
            part.update(rows[begin + 7 if begin else 0 : end])
    inside = {row for rows in of_series.values() for row in rows}
    return [part & inside for part in found]


def test_all_stores_are_cut_at_the_same_two_times(joined: JoinedData) -> None:
    splits = split_by_time(joined, window=8, train=0.6, validation=0.2)
    for split, rows in zip(splits.parts, rows_by_time(joined, 0.6, 0.2), strict=True):
        found = served(WindowLoader(joined, split=split, shuffle=False, **SIZES))
        assert found == windows_in(joined, rows, 8, 3)


def test_each_series_of_each_store_is_cut_by_itself(joined: JoinedData, paths: list[Path]) -> None:
    splits = split_within_series(joined, window=8, train=0.5, validation=0.3)
    apart = split_within_series(paths, window=8, train=0.5, validation=0.3)
    for split, parts in zip(splits.parts, (apart.train, apart.validation, apart.test), strict=True):
        assert joined.segments_of_parts(split.segments) == [part.segments for part in parts]


def test_batches_are_those_of_the_stores_given_one_by_one(joined: JoinedData, paths: list[Path]) -> None:
    splits = split_within_series(joined, window=8)
    apart = split_within_series(paths, window=8)
    for shuffle in (False, True):
        one = WindowLoader(joined, split=splits.train, shuffle=shuffle, **SIZES)
        several = WindowLoader(paths, split=apart.train, shuffle=shuffle, **SIZES)
        assert one.fingerprint == several.fingerprint
        for mine, theirs in zip(one, several, strict=True):
            assert mine.store is None
            assert theirs.store is not None
            start = theirs.start.numpy()
            rows = np.where(start < 0, -1, start + joined.first_row[theirs.store.numpy()])
            np.testing.assert_array_equal(mine.start, rows)
            np.testing.assert_array_equal(mine.values, theirs.values)
            for start, values in zip(mine.start.tolist(), mine.values.numpy(), strict=True):
                if start >= 0:
                    np.testing.assert_array_equal(values, joined.values[start : start + 8])


def test_values_are_served_from_the_stores_themselves(joined: JoinedData) -> None:
    loader = WindowLoader(joined, **SIZES)
    arrays = loader.dataset.collection.arrays
    assert arrays is not None
    assert [array.shape[0] for array in arrays] == [900, 500, 700]
    assert all(np.shares_memory(array, part.values) for array, part in zip(arrays, joined.parts, strict=True))


def test_extras_labels_and_single_windows_have_the_same_rows(joined: JoinedData) -> None:
    loader = WindowLoader(joined, **SIZES, shuffle=False, time="start", series=True)
    assert loader.series_names == joined.series == ("0.zarr: p", "1.zarr: p", "q", "2.zarr: p")
    for batch in loader:
        assert batch.time is not None
        assert batch.series is not None
        for start, time, series in zip(batch.start.tolist(), batch.time, batch.series, strict=True):
            if start >= 0:
                assert time == joined.time[start]
                segment = np.searchsorted(joined.segments.stop, start, side="right")
                assert series == joined.segments.series[segment]
    every = loader.dataset.windows(range(0, loader.num_windows, 50))
    assert every.store is None
    assert every.start.tolist() == served(loader)[::50]


def test_shares_of_the_stores(joined: JoinedData) -> None:
    loader = WindowLoader(joined, weights=[2, 1, 1], **SIZES)
    starts = np.array(served(loader))
    counts = np.bincount(np.searchsorted(joined.first_row, starts, side="right") - 1, minlength=3)
    assert counts / counts.sum() == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


@pytest.mark.parametrize("how", ["cache", "workers", "device"])
def test_packed_stores_workers_and_a_device(
    joined: JoinedData, paths: list[Path], tmp_path: Path, how: str
) -> None:
    data: Any = joined
    more: dict[str, Any] = {"workers": {"num_workers": 1}, "device": {"device": "cpu"}}.get(how, {})
    if how == "cache":
        for path in paths:
            longstride.pack(path, tmp_path / path.name)
        data = opened_together([tmp_path / path.name for path in paths])
        more = {"cache_dir": tmp_path / "cache"}
    plain, other = WindowLoader(joined, **SIZES), WindowLoader(data, **SIZES, **more)
    for mine, theirs in zip(other, plain, strict=True):
        assert mine.store is None
        by_row, by_row_plain = mine.start.argsort(), theirs.start.argsort()
        np.testing.assert_array_equal(mine.start[by_row], theirs.start[by_row_plain])
        np.testing.assert_array_equal(mine.values[by_row], theirs.values[by_row_plain])
