"""The public writer of a store: the rows of an ingest become its store, and what would be wrong is refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longstride import Recipe, StoreWriter, ingest, open
from longstride.storage.verify import check_chunks
from tests.helpers.errors import raises

TIME = np.arange(5) * 10**9
VALUES = np.arange(10.0).reshape(5, 2)


def rows_of(path: Path) -> tuple[Any, ...]:
    store = open(path)
    assert not [check for check in check_chunks(store) if check.fault]
    labels = None if store.labels is None else store.labels[:].tolist()
    segments = [part.tolist() for part in (store.segments.start, store.segments.stop, store.segments.series)]
    return (
        labels,
        segments,
        store.series,
        store.attributes["checksums_crc32c"],
        store.cadence_ns,
        store.series_end_ns,
    )


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.lists(st.sampled_from([1, 1, 1, 2, 900]), min_size=1, max_size=30), min_size=1, max_size=3),
    cut=st.integers(1, 7),
    data=st.data(),
)
def test_it_writes_the_store_of_an_ingest(
    steps: list[list[int]], cut: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("written")
    frames = []
    with StoreWriter(folder / "written", channels=["a", "b"], units=["m", None], labels=["bad"]) as writer:
        for number, one in enumerate(steps):
            time = np.cumsum(one) * 10**9
            values = np.random.default_rng(number).normal(size=(len(one), 2))
            labels = np.arange(len(one)) % 3 == 0
            writer.series(f"s{number}")
            for row in range(0, len(one), cut):
                part = slice(row, row + cut)
                writer.append(time[part].view("datetime64[ns]"), values[part], labels[part])
            columns = {"time": time, "series": [f"s{number}"] * len(one), "a": values[:, 0], "b": values[:, 1]}
            frames.append(pl.DataFrame({**columns, "bad": labels}))
    recipe = Recipe(time="time", time_format="ns", series="series", labels=("bad",), unit=("a=m",))
    ingest(pl.concat(frames), folder / "ingested", recipe)
    assert rows_of(folder / "written") == rows_of(folder / "ingested")
    assert open(folder / "written").units == open(folder / "ingested").units


def test_commit_gives_the_store(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", channels=["a"], max_gap=timedelta(seconds=3)) as writer:
        writer.append(TIME, np.arange(5))
        writer.append(TIME[:0], np.empty(0))
        writer.append(np.datetime64(8, "s")[None], [7])
        assert writer.num_rows == 6
        store = writer.commit()
        assert store.values[:].ravel().tolist() == [0, 1, 2, 3, 4, 7]
        assert store.segments.stop.tolist() == [5, 6]
        with raises("writer-closed"):
            writer.append(TIME + 10**12, np.arange(5))
    with raises("store-exists"), StoreWriter(tmp_path / "store", channels=["a"]):
        pass
    with raises("writer-closed"):
        writer.append(TIME + 10**12, np.arange(5))


def _fail(writer: StoreWriter) -> None:
    writer.append(TIME, VALUES)
    raise ZeroDivisionError


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "store", channels=["a", "b"])
    with pytest.raises(ZeroDivisionError), writer:
        _fail(writer)
    with raises("store-input", "no row"), StoreWriter(tmp_path / "store", channels=["a", "b"]):
        pass
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("time", "values", "code", "facts"),
    [
        (TIME, VALUES, "rows-not-newer", ["row 0", "'one'"]),
        (TIME + 4 * 10**9, VALUES, "time-repeated", ["1970-01-01T00:00:04"]),
        (TIME[::-1] + 10**12, VALUES, "rows-not-newer", ["row 1"]),
        (TIME + 10**12, VALUES[:, :1], "store-input", ["(5, 1)", "(5, 2)"]),
        (TIME + 10**12, VALUES[:3], "store-input", ["(3, 2)"]),
        ((TIME + 10**12)[:, None], VALUES, "store-input", ["(5, 1)"]),
        ((TIME + 10**12) / 1e9, VALUES, "option-value", ["float64"]),
        (np.array(["3000-01-01", "3000-01-02"], "datetime64[s]"), VALUES[:2], "option-value", ["2261"]),
        (TIME + 10**12, VALUES.astype(str), "store-input", ["<U"]),
        (TIME + 10**12, VALUES * 1e300, "value-rounded", ["b is 1e+300"]),
        (TIME + 10**12, VALUES + np.inf, "value-rounded", ["a is inf", "NaN"]),
        (TIME + 10**12, np.ma.masked_array(VALUES, VALUES > 2), "array-format", ["filled"]),
        (np.ma.masked_array(TIME + 10**12, TIME > 0), VALUES, "array-format", ["time"]),
        (TIME + 10**12, (VALUES + 2**24).astype(int), "value-rounded", ["16777217", "float64"]),
        (TIME + 10**12, -(VALUES + 2**24).astype(int), "value-rounded", ["-16777217"]),
    ],
)
def test_rows_that_are_refused_change_nothing(
    time: Any, values: Any, code: str, facts: list[str], tmp_path: Path
) -> None:
    with StoreWriter(tmp_path / "store", channels=["a", "b"]) as writer:
        writer.series("one")
        writer.append(TIME, VALUES)
        with raises(code, *facts):
            writer.append(time, values)
        with raises("store-input"):
            writer.append(TIME + 10**12, VALUES, np.zeros(5, bool))
    store = open(tmp_path / "store")
    assert store.values[:].tolist() == VALUES.tolist()
    assert store.time[:].tolist() == TIME.tolist()


def test_series_and_labels_that_are_refused(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", channels=["a", "b"], labels=["bad"]) as writer:
        with raises("store-input", "labels"):
            writer.append(TIME, VALUES)
        with raises("store-input", "127"):
            writer.append(TIME, VALUES, TIME)
        for name in ("one", "without rows", "two"):
            writer.series(name)
            if name != "without rows":
                writer.append(TIME, VALUES, np.array([0, 1, 0, -1, 127]))
        with raises("store-input", "'one'", "'two'"):
            writer.series("one")
        with raises("option-value", "5"):
            writer.series(5)  # type: ignore[arg-type]
    assert open(tmp_path / "store").series == ("one", "two")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"channels": "ab"}, "option-value"),
        ({"channels": [1]}, "option-value"),
        ({"channels": []}, "store-input"),
        ({"channels": ["a", "a"]}, "store-input"),
        ({"channels": ["a"], "units": ["m", "m"]}, "store-input"),
        ({"channels": ["a"], "labels": "bad"}, "option-value"),
        ({"channels": ["a"], "dtype": "int8"}, "store-input"),
        ({"channels": ["a"], "max_gap": 5}, "option-value"),
        ({"channels": ["a"], "max_gap": timedelta(0)}, "option-value"),
    ],
)
def test_options_that_are_refused(options: dict[str, Any], code: str, tmp_path: Path) -> None:
    with raises(code):
        StoreWriter(tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()
