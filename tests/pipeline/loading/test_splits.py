from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Split, WindowLoader, split_by_time
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf


def rows_used(segments_start: np.ndarray, segments_stop: np.ndarray) -> set[int]:
    return {row for a, z in zip(segments_start, segments_stop, strict=True) for row in range(a, z)}


def test_splits_follow_each_other_with_a_purged_gap(store_of: StoreOf) -> None:
    store = store_of(np.zeros((1000, 2), np.float32))
    splits = split_by_time(store, window=10, horizon=5, train=0.8, validation=0.1)
    assert (splits.train.segments.start.tolist(), splits.train.segments.stop.tolist()) == ([0], [800])
    assert (splits.validation.segments.start.tolist(), splits.validation.segments.stop.tolist()) == ([814], [900])
    assert (splits.test.segments.start.tolist(), splits.test.segments.stop.tolist()) == ([914], [1000])


def test_every_series_is_cut_at_the_same_time(store_of: StoreOf) -> None:
    time = np.concatenate([np.arange(600), np.arange(200, 600)]) * 10**9
    store = store_of(np.zeros((1000, 1), np.float32), [(0, 600, 0), (600, 1000, 1)], time)
    splits = split_by_time(store, window=1, train=0.5, validation=0.25)
    train, validation, test = (
        rows_used(split.segments.start, split.segments.stop)
        for split in (splits.train, splits.validation, splits.test)
    )
    assert len(train) == 500
    assert len(validation) == 250
    assert len(test) == 250
    stamps = store.time
    assert stamps[sorted(train)].max() < stamps[sorted(validation)].min()
    assert stamps[sorted(validation)].max() < stamps[sorted(test)].min()


def test_no_window_of_two_splits_shares_or_touches_a_row(store_of: StoreOf) -> None:
    store = store_of(np.zeros((500, 1), np.float32), [(0, 180), (185, 390), (390, 500)])
    splits = split_by_time(store, window=20, train=0.6, validation=0.2)
    used = []
    for split in (splits.train, splits.validation, splits.test):
        index = WindowIndex(split.segments, 20, 3)
        starts = index.starts(np.arange(len(index)))
        assert len(starts)
        used.append({row for start in starts for row in range(start, start + 20)})
    assert max(used[0]) + 19 < min(used[1])
    assert max(used[1]) + 19 < min(used[2])


def test_normalisation_is_fitted_on_the_training_rows_alone(store_of: StoreOf) -> None:
    values = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    values[4000:] = 1e6
    values[10:20, 2] = np.nan
    store = store_of(values, [(0, 700), (700, 1500), (1600, 5000)])
    splits = split_by_time(store, window=10)
    stats = splits.train.stats(store)
    stop = int(splits.train.segments.stop[-1])
    rows = np.concatenate([values[:1500], values[1600:stop]]).astype(np.float64)
    assert np.allclose(stats.mean, np.nanmean(rows, axis=0))
    assert np.allclose(stats.std, np.nanstd(rows, axis=0))
    assert stats.count.tolist() == (~np.isnan(rows)).sum(axis=0).tolist()


def test_statistics_count_rows_once_that_two_segments_share(store_of: StoreOf) -> None:
    values = np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
    shared = Segments(np.array([0, 90, 500, 700, 720]), np.array([100, 400, 700, 900, 750]), np.zeros(5, np.int64))
    stats = Split("some", shared).stats(store_of(values))
    rows = np.concatenate([values[:400], values[500:900]]).astype(np.float64)
    assert stats.count.tolist() == [800, 800]
    assert np.allclose(stats.mean, rows.mean(axis=0))


def test_without_labels_keeps_the_windows_of_before(
    make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    labels = np.zeros((500, 2), np.int8)
    labels[[100, 101, 390], 0] = 1
    labels[250:260, 1] = 3
    store = make_store(tmp_path / "labelled.zarr", rows=500, labels=labels, label_names=["odd", "fault"])
    splits = split_by_time(store, window=16, train=0.6, validation=0.3)
    normal = splits.without_labels(store, window=16, stride=5)
    for before, after in zip(
        (splits.train, splits.validation, splits.test), (normal.train, normal.validation, normal.test), strict=True
    ):
        every, kept = (
            index.starts(np.arange(len(index))).tolist()
            for index in (WindowIndex(split.segments, 16, 5) for split in (before, after))
        )
        assert kept == [start for start in every if not labels[start : start + 16].any()]
    plain = make_store(tmp_path / "plain.zarr", rows=600)
    train = split_by_time(plain, window=16).train
    assert train.without_labels(plain, window=16, stride=5) is train
    with raises("option-value", "split what is served"):
        splits.train.without_labels(plain, window=16)


@pytest.mark.parametrize(
    "lengths",
    [
        {"window": "16s", "stride": "5s"},
        {"window": 16, "stride": 5, "horizon": "8s", "gap": 3},
        {"window": 4, "stride": 5, "horizon": 2, "gap": 1, "dilation": 3},
        {"window": (8, 16), "stride": 5},
    ],
)
def test_without_labels_takes_what_the_loader_takes(
    lengths: dict[str, Any], make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    labels = np.zeros((500, 1), np.int8)
    labels[[100, 101, 250, 390]] = 1
    stores = [
        make_store(tmp_path / f"{name}.zarr", rows=500, labels=labels[::step], label_names=["odd"])
        for name, step in (("a", 1), ("b", -1))
    ]
    of_split = {name: length for name, length in lengths.items() if name != "stride"}
    splits = split_by_time(stores, **of_split)
    normal = splits.without_labels([str(stores[0].path), stores[1]], **lengths)
    options: dict[str, Any] = {"batch_size": 1, "shuffle": False, **lengths}
    for number, store in enumerate(stores):
        single = splits.train[number].without_labels(store, **lengths)
        assert single == normal.train[number]
        assert (
            normal.train[number].training
            == normal.validation[number].training
            == tuple(replace(part, training=()) for part in normal.train)
        )
        expected = [
            batch.start.tolist()
            for batch in WindowLoader(store, split=splits.train[number], without_labels="odd", **options)
        ]
        assert [batch.start.tolist() for batch in WindowLoader(store, split=single, **options)] == expected


def test_without_labels_refuses_what_is_no_length(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.zarr", rows=500, labels=np.ones((500, 1), np.int8), label_names=["odd"])
    splits = split_by_time([store], window=16)
    for lengths, words in (
        ({"window": 0}, ["window=0"]),
        ({"window": "1.5s"}, ["whole number of steps"]),
        ({"window": 16, "stride": 0}, ["stride=0"]),
        ({"window": 16, "dilation": "x"}, ["dilation is 'x'", "a whole number"]),
    ):
        with raises("option-value", *words):
            splits.train[0].without_labels(store, **lengths)  # type: ignore[arg-type]
    with raises("option-value", "2 stores for the splits of 1"):
        splits.without_labels([store, store], window=16)


@pytest.mark.parametrize(("train", "validation"), [(0.9, 0.2), (-0.1, 0.5), (1.1, 0.0)])
def test_impossible_shares_are_refused(store_of: StoreOf, train: float, validation: float) -> None:
    store = store_of(np.zeros((100, 1), np.float32))
    with raises("option-value"):
        split_by_time(store, window=5, train=train, validation=validation)


def test_a_split_of_another_store_is_refused(store_of: StoreOf) -> None:
    store = store_of(np.zeros((400, 2), np.float32))
    other = store_of(np.ones((500, 2), np.float32))
    splits = split_by_time(other, window=8)
    assert WindowLoader(other, window=8, batch_size=8, split=splits.train).num_windows
    for split in (splits.train, splits.test, Split("mine", other.segments)):
        with raises("option-value", store.name):
            WindowLoader(store, window=8, batch_size=8, split=split)


def test_a_split_of_the_same_rows_elsewhere_is_taken(store_of: StoreOf) -> None:
    values = np.random.default_rng(0).standard_normal((400, 2)).astype(np.float32)
    split = split_by_time(store_of(values), window=8).train
    assert WindowLoader(store_of(values), window=8, batch_size=8, split=split).num_windows


@pytest.mark.parametrize("kind", ["all", "text", "number"])
def test_what_is_no_split(store_of: StoreOf, kind: str) -> None:
    store = store_of(np.zeros((400, 2), np.float32))
    split: Any = {"all": split_by_time(store, window=8), "text": "train", "number": 1}[kind]
    with raises("option-value", "splits.train" if kind == "all" else "split_by_time(store"):
        WindowLoader(store, window=8, batch_size=8, split=split)
