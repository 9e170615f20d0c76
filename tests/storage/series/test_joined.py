"""Several stores seen as one: names, statistics and checks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride.storage.errors import StoreError
from longstride.storage.open import open_store
from longstride.storage.open_data import opened_together
from longstride.storage.series.joined import JoinedData, known_as, parts_of
from longstride.storage.series.joined_names import series_names_of, short_names
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises

MakeStore = Callable[..., SeriesStore]


def values_of(rows: int, seed: int, channels: int = 3) -> Any:
    values = np.random.default_rng(seed).standard_normal((rows, channels)).astype(np.float32)
    values[seed::7, 0] = np.nan
    return values


@pytest.fixture(scope="module")
def joined(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> JoinedData:
    """Two stores: the second has its channels in another order, other labels and two series."""
    folder = tmp_path_factory.mktemp("joined")
    label = np.zeros((2500, 1), np.int8)
    label[10:20] = 1
    one = make_store(folder / "one.zarr", values_of(2500, 1), labels=label, label_names=["leak"], series=["pump"])
    more = np.zeros((1500, 2), np.int8)
    more[5], more[7, 1] = 1, 1
    two = make_store(
        folder / "two.zarr",
        values_of(1500, 2),
        channels=["c2", "c0", "c1"],
        units=[None, "bar", None],
        segments=[(0, 700, 1), (700, 1500, 0)],
        series=["pump", "fan"],
        labels=more,
        label_names=["worn", "leak"],
        chunk_rows=1024,
    )
    return JoinedData([one, two])


def test_rows_times_labels_and_segments_are_numbered_through(joined: JoinedData) -> None:
    one, two = joined.parts
    in_order = two.values[:][:, [1, 2, 0]]
    expected = np.concatenate([one.values[:], in_order])
    np.testing.assert_array_equal(joined.values[:], expected)
    np.testing.assert_array_equal(joined.checked("values")[2400:2600], expected[2400:2600])
    np.testing.assert_array_equal(joined.time[:], np.concatenate([one.time[:], two.time[:]]))
    assert joined.num_rows == 4000
    assert joined.channels == ("c0", "c1", "c2")
    assert joined.units == ("bar", None, None)
    assert joined.label_names == ("leak", "worn")
    assert joined.series == ("one.zarr: pump", "two.zarr: pump", "fan")
    segments = [(0, 2500, 0), (2500, 3200, 2), (3200, 4000, 1)]
    assert list(zip(*(bounds.tolist() for bounds in vars(joined.segments).values()), strict=True)) == segments
    labels = joined.checked("labels")[:]
    assert np.flatnonzero(labels[:, 0]).tolist() == [*range(10, 20), 2505, 2507]
    assert np.flatnonzero(labels[:, 1]).tolist() == [2505]
    np.testing.assert_array_equal(joined.labels[:], labels)  # type: ignore[index]
    assert joined.span_ns == (int(joined.time[:].min()), int(joined.time[:].max()))


def test_segments_are_those_of_the_parts_again(joined: JoinedData) -> None:
    for part, found in zip(joined.parts, joined.segments_of_parts(joined.segments), strict=True):
        assert found == part.segments
    cut = Segments(np.array([30, 2600]), np.array([40, 2610]), np.array([0, 2]))
    one, two = joined.segments_of_parts(cut)
    assert (one.start[0], one.stop[0], one.series[0]) == (30, 40, 0)
    assert (two.start[0], two.stop[0], two.series[0]) == (100, 110, 1)


def test_statistics_of_any_rows(joined: JoinedData) -> None:
    rows = joined.values[:]
    for start, stop in ((0, 4000), (100, 2500), (2499, 2501), (2600, 3900), (7, 7)):
        found, expected = joined.stats(start, stop), Statistics.of(rows[start:stop])
        for name, field in vars(found).items():
            np.testing.assert_allclose(field, getattr(expected, name), err_msg=name)
    assert joined.block_statistics.count.tolist() == [joined.stats().count.tolist()]
    assert joined.has_missing([0])
    assert not joined.has_missing([1])


def test_a_row_and_a_store_are_told(joined: JoinedData) -> None:
    assert joined.name == "one.zarr + two.zarr"
    assert (joined.row_text(1200), joined.row_text(2500)) == ("1,200 of one.zarr", "0 of two.zarr")
    assert [parts_of(joined), parts_of(joined.parts[0])] == [joined.parts, (joined.parts[0],)]


def test_a_series_is_known_by_its_names_elsewhere(joined: JoinedData) -> None:
    one, two = joined.parts
    assert [known_as(two, number, joined.series) for number in (0, 1)] == ["two.zarr: pump", "fan"]
    assert known_as(one, 0, ["two.zarr: pump", "fan"]) is None
    assert [known_as(joined, number, joined.series) for number in range(3)] == list(joined.series)
    assert known_as(joined, 1, ["pump"]) is None  # it could be of either


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/x.zarr", "b/y.zarr"], ["x.zarr", "y.zarr"]),
        (["a/x.zarr", "b/x.zarr/"], ["a/x.zarr", "b/x.zarr"]),
        (["s3://one/x.zarr", "s3://two/x.zarr"], ["one/x.zarr", "two/x.zarr"]),
        (["the ndarray", "the ndarray"], ["1: the ndarray", "2: the ndarray"]),
    ],
)
def test_stores_have_short_names(paths: list[str], expected: list[str]) -> None:
    assert short_names(paths) == expected


def test_names_of_series_are_never_the_same() -> None:
    assert series_names_of([["p", "q"], ["r"]], ["a", "b"]) == ("p", "q", "r")
    assert series_names_of([[""], [""]], ["a", "b"]) == ("a", "b")
    assert series_names_of([["p", "a: p"], ["p"]], ["a", "b"]) == ("1: p", "1: a: p", "2: p")


def test_stores_that_do_not_fit_are_refused_with_what_differs(make_store: MakeStore, tmp_path: Path) -> None:
    base = make_store(tmp_path / "base.zarr", rows=100, channels=["a", "b"], units=["bar", None])
    others: dict[str, dict[str, Any]] = {
        "lacks 'b' and has also 'c'": {"channels": ["a", "c"]},
        "lacks 'b',": {"channels": ["a"]},
        "has also 'c'": {"channels": ["b", "a", "c"]},
        "float64": {"channels": ["a", "b"], "dtype": "float64"},
        "in bar and in psi": {"channels": ["b", "a"], "units": [None, "psi"]},
        "1 s apart, and those of": {"channels": ["a", "b"], "cadence_ns": 2 * 10**9},
    }
    for number, (told, how) in enumerate(others.items()):
        other = make_store(tmp_path / f"{number}.zarr", rows=100, seed=1, **how)
        with raises("stores-differ", told):
            JoinedData([base, other])
    near = make_store(tmp_path / "near.zarr", rows=100, seed=2, channels=["a", "b"], cadence_ns=10**9 + 5)
    assert JoinedData([base, near]).cadence_ns == 10**9


def test_a_store_that_is_given_twice_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.zarr", rows=100)
    other = make_store(tmp_path / "b.zarr", rows=100, seed=1)
    for stores in ([store, other, store], [store.path, str(store.path) + "/"], [tmp_path / "x/../a.zarr", store]):
        (tmp_path / "x").mkdir(exist_ok=True)
        with raises("store-twice", "a.zarr"):
            opened_together(stores)
    with raises("store-twice"):
        opened_together([np.ones((9, 2)), np.ones((9, 2))])


def test_one_store_is_that_store_and_none_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "a.zarr", rows=100)
    assert opened_together([store]) is store
    assert opened_together(store) is store
    with raises("option-value", "at least one"):
        opened_together([])
    with raises("store-missing", "nowhere.zarr"):
        opened_together([store, tmp_path / "nowhere.zarr"])


def test_damage_in_any_part_is_found(make_store: MakeStore, tmp_path: Path) -> None:
    make_store(tmp_path / "a.zarr", rows=3000, chunk_rows=1024)
    make_store(tmp_path / "b.zarr", rows=3000, seed=1, chunk_rows=1024)
    chunk = tmp_path / "b.zarr" / "values" / "c.1.0"
    data = bytearray(chunk.read_bytes())
    data[100] ^= 1
    chunk.write_bytes(data)
    joined = JoinedData([open_store(tmp_path / "a.zarr"), open_store(tmp_path / "b.zarr")])
    joined.check_rows("values", 0, 4024)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        joined.check_rows("values", 4000, 4100)
    with pytest.raises(StoreError, match=r"b\.zarr"):
        joined.checked("values")[4030:4040]
