import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.inspect import render, summarise
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter

MakeStore = Callable[..., SeriesStore]
SECOND = 10**9
START = int(np.datetime64("2024-03-01T00:00:00", "ns").astype(np.int64))


@pytest.fixture
def store(make_store: MakeStore, tmp_path: Path) -> SeriesStore:
    """A thousand rows each half second, with a gap of an hour, two series, a channel without a value."""
    values = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    values[::4, 1] = np.nan
    values[:, 2] = np.nan
    time = START + np.arange(1000) * (SECOND // 2)
    time[600:] += 3600 * SECOND
    labels = np.zeros((1000, 1), np.int8)
    labels[10:25] = 1
    labels[50] = -1
    return make_store(
        tmp_path / "plant.zarr",
        values,
        channels=("pressure", "flow", "spare"),
        units=("bar", None, None),
        time=time,
        segments=[(0, 600, 0), (600, 990, 1)],
        series=("pump 1", "pump 2"),
        labels=labels,
        label_names=("anomaly",),
        cadence_ns=SECOND // 2,
    )


def test_summary(store: SeriesStore) -> None:
    summary = summarise(store, window=64, stride=10)
    assert (summary.num_rows, summary.num_channels, summary.dtype) == (1000, 3, "float32")
    assert summary.value_bytes == 12_000
    assert summary.chunk_rows == 524_288
    assert summary.first_time == "2024-03-01T00:00:00"
    assert summary.last_time == "2024-03-01T01:08:14.500000000"
    assert summary.cadence_seconds == 0.5
    assert summary.series == ["pump 1", "pump 2"]
    assert [(segment.series, segment.start, segment.stop) for segment in summary.segments] == [
        ("pump 1", 0, 600),
        ("pump 2", 600, 990),
    ]
    assert summary.segments[0].last_time == "2024-03-01T00:04:59.500000000"
    assert summary.segments[1].first_time == "2024-03-01T01:05:00"
    assert summary.num_windows == len(range(0, 600 - 63, 10)) + len(range(600, 990 - 63, 10))
    assert summary.labels == {"anomaly": 15}


def test_channels(store: SeriesStore) -> None:
    pressure, flow, spare = summarise(store, window=64, stride=1).channels
    assert (pressure.name, pressure.unit, pressure.missing_share) == ("pressure", "bar", 0)
    assert (pressure.minimum, pressure.maximum, pressure.mean) == (0, 2997, 1498.5)
    assert pressure.std == pytest.approx(np.arange(0, 3000, 3).std())
    assert (flow.unit, flow.missing_share) == (None, 0.25)
    assert (spare.missing_share, spare.mean, spare.std, spare.minimum) == (1, None, None, None)


def test_json_says_it_all(store: SeriesStore) -> None:
    summary = summarise(store, window=64, stride=10)
    document = json.loads(json.dumps(summary.as_json(), allow_nan=False))
    assert document.keys() == {
        *("path", "generation", "num_rows", "num_channels", "dtype", "value_bytes", "chunk_rows"),
        *("first_time", "last_time"),
        *("cadence_seconds", "series", "segments", "labels", "channels", "window", "stride", "num_windows"),
    }
    assert document["num_windows"] == summary.num_windows
    assert document["segments"][1] == {
        "series": "pump 2",
        "start": 600,
        "stop": 990,
        "first_time": "2024-03-01T01:05:00",
        "last_time": "2024-03-01T01:08:14.500000000",
    }
    assert document["channels"][2] == {
        "name": "spare",
        "unit": None,
        "missing_share": 1.0,
        **dict.fromkeys(["mean", "std", "minimum", "maximum"]),
    }


def test_text(store: SeriesStore) -> None:
    text = render(summarise(store, window=64, stride=10))
    assert text.splitlines() == [
        str(store.path),
        "  rows x channels   1,000 x 3 float32 (0.0 MiB in chunks of 524,288 rows)",
        "  span              2024-03-01T00:00:00 to 2024-03-01T01:08:14.500000000 UTC",
        "  cadence           0.5 s",
        "  windows           87 of K=64, stride 10",
        "  generation        1",
        "  label             anomaly: 15 rows",
        "  segments          2 in 2 series",
        "    rows            0 to          600 pump 1  2024-03-01T00:00:00 to 2024-03-01T00:04:59.500000000",
        "    rows          600 to          990 pump 2  2024-03-01T01:05:00 to 2024-03-01T01:08:14.500000000",
        "  channel          missing         mean          std      minimum      maximum",
        "  pressure [bar]   0.000%       1498.5      866.025            0         2997",
        "  flow            25.000%         1501      866.022            4         2998",
        "  spare          100.000%            -            -            -            -",
    ]


def test_appended_rows_are_told(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", rows=10, channels=1)
    with StoreLock(store.path, append=True) as lock, StoreWriter.appending(lock) as writer:
        writer.append(store.time + 10 * SECOND, store.values)
        writer.commit(store.segments, store.series, cadence_ns=SECOND)
    summary = summarise(open_store(store.path), window=9, stride=1)
    assert (summary.generation, summary.num_rows) == (2, 20)
    assert "  generation        2 (rows were appended)" in render(summary).splitlines()


def test_many_segments_are_cut_short_in_text_only(make_store: MakeStore, tmp_path: Path) -> None:
    segments = [(row, row + 9, 0) for row in range(0, 1000, 10)]
    summary = summarise(make_store(tmp_path / "plant.zarr", rows=1000, segments=segments), window=9, stride=1)
    assert len(summary.segments) == summary.num_windows == 100
    assert "    and 92 more (--json has all)" in render(summary).splitlines()


def test_without_segments(make_store: MakeStore, tmp_path: Path) -> None:
    summary = summarise(make_store(tmp_path / "plant.zarr", rows=10, segments=[]), window=1, stride=1)
    assert summary.num_windows == 0
    assert (summary.first_time, summary.last_time) == ("2024-03-01T00:00:00", "2024-03-01T00:00:09")
    assert "segments          0 in 1 series" in render(summary)


def test_infinite_values_are_shown(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", np.array([[1, np.inf], [2, 0]], np.float32))
    summary = summarise(store, window=1, stride=1)
    document = json.loads(json.dumps(summary.as_json(), allow_nan=False))
    assert document["channels"][1]["maximum"] == "inf"
    assert document["channels"][1]["minimum"] == 0
    assert render(summary).splitlines()[-1].split() == ["c1", "0.000%", "inf", "-", "0", "inf"]
