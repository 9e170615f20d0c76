"""What else a batch holds: the same as brute force says, in every way of serving it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from longstride import WindowBatch, WindowDataset, WindowLoader, from_array
from longstride.pipeline.packing.pack import pack
from longstride.storage.arrays.data import ArrayData
from longstride.storage.open import open_store
from longstride.storage.series.data import SeriesData
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.extras import check
from tests.helpers.stores.segments import brute_force

Make = Callable[..., SeriesStore]
WAYS = ["mapped", "packed", "cached", "on cpu", "packed, on cpu", pytest.param("on cuda", marks=pytest.mark.gpu)]
RULES = ["any", "share", "first", "last", "majority", "rows"]
EVERYTHING: dict[str, Any] = {
    "future": ["c1"],
    "time": "rows",
    "calendar": ["week", "day"],
    "series": True,
    "label": "majority",
}
NAMES = ("ant", "bee", "cat")
STATIC = {"ant": [1.5, 0], "bee": [2.5, 1], "cat": [-3, 2], "dog": [0, 0]}


def rows_of(seed: int, num_rows: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    values = random.standard_normal((num_rows, 2)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    labels = random.integers(-2, 3, (num_rows, 2)).astype(np.int8)
    time = np.int64(10**18) + random.integers(1, 10**14, num_rows).cumsum()
    return {"values": values, "labels": labels, "time": time}


@st.composite
def series_segments(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Segments of up to three series."""
    row = 0
    bounds = []
    for number in range(draw(st.integers(1, 3))):
        for gap, length in draw(
            st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), min_size=1, max_size=3)
        ):
            bounds.append((row + gap, row + gap + length, number))
            row += gap + length
    return bounds


def array_of(bounds: list[tuple[int, int, int]], seed: int) -> ArrayData:
    rows = rows_of(seed, bounds[-1][1])
    last = {number: stop for _, stop, number in bounds}
    edges = [0, *last.values()]
    return from_array(
        rows["values"],
        time=rows["time"],
        labels={"odd": rows["labels"][:, 0], "fault": rows["labels"][:, 1]},
        segments=[bound[:2] for bound in bounds],
        series={NAMES[number]: edges[number + 1] - edges[number] for number in last},
    )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_extra_of_arrays(data: st.DataObject) -> None:
    datas: list[SeriesData] = [
        array_of(data.draw(series_segments()), seed) for seed in range(data.draw(st.integers(1, 2)))
    ]
    window, horizon = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 3))
    stride, gap = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3)) if horizon else 0
    dilation = data.draw(st.integers(1, 3))
    bounds = [zip(one.segments.start.tolist(), one.segments.stop.tolist(), strict=True) for one in datas]
    number = sum(len(brute_force(list(pairs), window, stride, gap + horizon, dilation)) for pairs in bounds)
    world_size = data.draw(st.sampled_from([1, 2, 4]))
    if number < 4:
        return
    asked = {
        "future": data.draw(st.sampled_from([(), ("c1",), ("c1", "c0")])) if horizon else (),
        "time": data.draw(st.sampled_from([None, "start", "rows"])),
        "calendar": data.draw(st.lists(st.sampled_from(["day", "week", "year"]), unique=True)),
        "series": data.draw(st.booleans()),
        "static": data.draw(st.sampled_from([None, STATIC])),
        "label": data.draw(st.sampled_from([None, *RULES])),
    }
    if asked["label"]:
        asked["label_names"] = data.draw(st.sampled_from([None, ["fault"], ["fault", "odd"]]))
    options: dict[str, Any] = {
        "window": window,
        "stride": stride,
        "horizon": horizon,
        "gap": gap,
        "dilation": dilation,
        "batch_size": 4,
        "shuffle": data.draw(st.booleans()),
        "channels": data.draw(st.sampled_from([None, ["c0"]])),
        "device": data.draw(st.sampled_from([None, "cpu"])),
    }
    served = 0
    for rank in range(world_size):
        loader = WindowLoader(datas, rank=rank, world_size=world_size, **options, **asked)
        plain = WindowLoader(datas, rank=rank, world_size=world_size, **options)
        for batch, without in zip(loader, plain, strict=True):
            served += check(batch, datas, loader.series_names, window, horizon, asked, gap, dilation)
            assert torch.equal(batch.start, without.start)
            assert torch.equal(batch.values.nan_to_num(-7), without.values.nan_to_num(-7))
    assert served == number - loader.num_dropped


@pytest.fixture(scope="module")
def stores(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[SeriesData]]:
    """Two stores of the same channels and labels, mapped and packed."""
    folder = tmp_path_factory.mktemp("extras")
    made: dict[str, list[SeriesData]] = {"mapped": [], "packed": []}
    for seed, bounds in enumerate([[(0, 1500, 0), (1500, 3000, 1)], [(0, 700, 0), (710, 1400, 0)]]):
        rows = rows_of(seed, bounds[-1][1])
        store = make_store(
            folder / f"{seed}.zarr",
            rows["values"],
            labels=rows["labels"],
            label_names=("odd", "fault"),
            time=rows["time"],
            segments=bounds,
            series=NAMES[seed * 2 : seed * 2 + 2 - seed],
            chunk_rows=1024,
        )
        pack(store, folder / f"{seed}-packed.zarr")
        made["mapped"].append(store)
        made["packed"].append(open_store(folder / f"{seed}-packed.zarr"))
    return made


def as_bytes(batches: Iterator[WindowBatch]) -> list[dict[Any, Any]]:
    """What batches hold of each window, by its store and start; NaN compares as equal."""
    return [
        {
            (None if batch.store is None else int(batch.store[place]), int(batch.start[place])): [
                None if field is None else field[place].cpu().numpy().tobytes() for field in batch
            ]
            for place in range(len(batch.start))
        }
        for batch in batches
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_way_of_serving(
    stores: dict[str, list[SeriesData]], way: str, number: int, shuffle: bool, tmp_path: Path
) -> None:
    served = stores["packed" if "packed" in way or way == "cached" else "mapped"][:number]
    more = {"cache_dir": tmp_path} if way == "cached" else {"device": way.split()[-1]} if "on" in way else {}
    asked = {**EVERYTHING, "static": STATIC}
    options: dict[str, Any] = {
        "window": 16,
        "stride": 23,
        "horizon": 3,
        "gap": 2,
        "batch_size": 32,
        "shuffle": shuffle,
    }
    small = {"pool_rows": 1024, "block_rows": 128}
    for _ in range(1 + (way == "cached")):  # the second time, the values are in the cache
        loader = WindowLoader(served, **options, **small, **more, **asked)
        for batch in loader:
            check(batch, stores["mapped"][:number], loader.series_names, 16, 3, asked, gap=2)


@pytest.mark.parametrize("kind", ["mapped", "packed"])
def test_a_resume_in_the_middle_serves_the_same(stores: dict[str, list[SeriesData]], kind: str) -> None:
    options: dict[str, Any] = {"window": 16, "stride": 5, "horizon": 3, "batch_size": 32, "pool_rows": 1024}
    loader = WindowLoader(stores[kind], **options, **EVERYTHING, static=STATIC)
    batches = iter(loader)
    for _ in range(len(loader) // 2):
        next(batches)
    state = loader.state_dict()
    expected = as_bytes(batches)
    for world_size in (1, 2, 4):
        ranks = []
        for rank in range(world_size):
            again = WindowLoader(
                stores[kind], rank=rank, world_size=world_size, **options, **EVERYTHING, static=STATIC
            )
            again.load_state_dict(state)
            ranks.append(as_bytes(iter(again)))
        assert [
            {key: value for part in parts for key, value in part.items()} for parts in zip(*ranks, strict=True)
        ] == (expected)


def test_a_state_says_what_differs(stores: dict[str, list[SeriesData]]) -> None:
    options: dict[str, Any] = {"window": 16, "batch_size": 32}
    plain = WindowLoader(stores["mapped"], **options)
    asked = WindowLoader(stores["mapped"], **options, label="any", static=STATIC, time="start")
    with raises("state-differs", "label is 'any' here and was None", "static", "time"):
        asked.load_state_dict(plain.state_dict())
    other = WindowLoader(stores["mapped"], **options, label="any", static={**STATIC, "ant": [9, 9]}, time="start")
    with raises("state-differs", "other values of static"):
        other.load_state_dict(asked.state_dict())
    assert not plain.dataset.settings.keys() & {"label", "static", "time", "series", "calendar", "future"}


@pytest.mark.parametrize("kind", ["mapped", "packed"])
def test_workers_serve_the_same(stores: dict[str, list[SeriesData]], kind: str) -> None:
    options: dict[str, Any] = {"window": 16, "horizon": 3, "stride": 7, "batch_size": 32, **EVERYTHING}
    expected = as_bytes(iter(WindowLoader(stores[kind], **options, static=STATIC)))
    assert as_bytes(iter(WindowLoader(stores[kind], **options, static=STATIC, num_workers=1))) == expected
    plain = DataLoader(
        WindowDataset(stores[kind], **options, static=STATIC),
        batch_size=None,
        num_workers=1,
        multiprocessing_context="forkserver",
    )
    assert as_bytes(iter(plain)) == expected


def test_rows_that_nothing_stores_times_of() -> None:
    values = np.zeros((500, 1), np.float32)
    start, step = np.datetime64("2024-02-28T12:00"), timedelta(minutes=10)
    data = from_array(values, start=start, step=step)
    for device in (None, "cpu"):
        loader = WindowLoader(data, window=5, batch_size=8, time="rows", calendar="year", device=device)
        for batch in loader:
            check(batch, [data], loader.series_names, 5, 0, {"time": "rows", "calendar": ["year"]})
    counted = from_array(values)
    batch = next(iter(WindowLoader(counted, window=5, batch_size=8, time="start")))
    assert batch.time is not None
    assert torch.equal(batch.time, batch.start * 10**9)
    with raises("option-value", "calendar", "start="):
        WindowLoader(counted, window=5, batch_size=8, calendar="day")


def test_arrays_that_lie_in_other_ways() -> None:
    """Labels and times that torch cannot look at are copied once."""
    values = np.random.default_rng(0).standard_normal((300, 1)).astype(np.float32)
    table = np.zeros(300, [("flag", "i1"), ("time", "i8")])
    table["time"] = np.arange(300)[::-1] ** 2
    table["flag"] = np.arange(300) % 3
    data = from_array(values, time=table["time"][::-1], labels=table["flag"][::-1])
    loader = WindowLoader(data, window=4, batch_size=8, label="rows", time="rows")
    for batch in loader:
        check(batch, [data], loader.series_names, 4, 0, {"label": "rows", "time": "rows"})


def test_what_a_batch_shows(stores: dict[str, list[SeriesData]]) -> None:
    loader = WindowLoader(stores["mapped"], window=16, horizon=3, batch_size=8, **EVERYTHING, static=STATIC)
    assert loader.series_names == ("ant", "bee", "cat")
    assert loader.label_names == ("odd", "fault")
    shown = repr(next(iter(loader)))
    for text in (
        "future: float32 (8, 3, 1), ",
        "time: int64 (8, 19);",
        "calendar: float32 (8, 19, 4);",
        "series: int64 (8,);",
        "static: float32 (8, 2);",
        "label: int8 (8, 2)",
    ):
        assert text in shown


def test_a_future_channel_leaves_the_windows_as_they_are() -> None:
    values = np.zeros((200, 2), np.float32)
    values[50:150, 1] = np.nan
    options: dict[str, Any] = {"window": 8, "horizon": 2, "batch_size": 8, "channels": ["c0"], "max_missing": 0.1}
    assert WindowLoader(values, **options, future="c1").num_windows == 191


@pytest.mark.parametrize(
    ("options", "code", "facts"),
    [
        ({"future": "c1"}, "option-value", ["future", "horizon="]),
        ({"future": "wind", "horizon": 1}, "column-missing", ["'wind'"]),
        ({"gap": 2}, "option-value", ["gap", "horizon="]),
        ({"gap": -1, "horizon": 1}, "option-value", ["gap=-1"]),
        ({"time": "end"}, "option-value", ["time='end'", "start or rows"]),
        ({"calendar": ["day", "hour"]}, "option-value", ["calendar='hour'", "day, week or year"]),
        ({"label": "most"}, "option-value", ["label='most'", "majority"]),
        ({"label": "any", "label_names": ["broken"]}, "column-missing", ["'broken'", "odd, fault"]),
        ({"label_names": ["odd"]}, "option-value", ["label='any'"]),
        ({"label": "any", "label_names": []}, "option-value", ["label_names"]),
        ({"static": {"ant": 1}}, "option-value", ["static", "'bee'"]),
        ({"static": {**STATIC, "bee": [1]}}, "option-value", ["1 values for 'bee' and 2"]),
        ({"static": [1, 2]}, "option-value", ["(2, 1)", "3 series"]),
        ({"static": np.zeros((3, 0))}, "option-value", ["(3, 0)"]),
        ({"static": ["a", "b", "c"]}, "option-value", ["static holds"]),
        ({"static": [[1], [2, 3], [4]]}, "option-value", ["static"]),
    ],
)
def test_what_cannot_be_given_is_refused(
    stores: dict[str, list[SeriesData]], options: dict[str, Any], code: str, facts: list[object]
) -> None:
    with raises(code, *facts):
        WindowLoader(stores["mapped"], **{"window": 16, "batch_size": 8, **options})
    with raises("option-value", "no labels"):
        WindowLoader(np.zeros((50, 1), np.float32), window=4, batch_size=4, label="any")


def test_static_values_of_whole_numbers_stay_so(stores: dict[str, list[SeriesData]]) -> None:
    options: dict[str, Any] = {"window": 16, "batch_size": 8, "series": True}
    for values in ([2**40, 7, 9], np.array([[2**40], [7], [9]]), torch.tensor([2**40, 7, 9])):
        batch = next(iter(WindowLoader(stores["mapped"], **options, static=values)))
        assert batch.static is not None
        assert batch.series is not None
        assert batch.static[:, 0].tolist() == [[2**40, 7, 9][number] for number in batch.series.tolist()]
