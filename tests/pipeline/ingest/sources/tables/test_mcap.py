"""MCAP: topics, clocks and fields."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from longstride import Recipe, ingest, open, profile
from tests.helpers.errors import raises

writer_of = pytest.importorskip("mcap.writer").Writer

START = 1_700_000_000_000_000_000
STEP = 10_000_000


def write(path: Path, encoding: str = "json", **topics: Iterable[Any]) -> Path:
    with path.open("wb") as file:
        writer = writer_of(file)
        writer.start()
        schema = writer.register_schema("any", "jsonschema", b"{}")
        for topic, messages in topics.items():
            channel = writer.register_channel(f"/{topic}", encoding, schema)
            for number, message in enumerate(messages):
                ns = START + number * STEP
                writer.add_message(channel, ns, json.dumps(message).encode(), ns)
        writer.finish()
    return path


def test_a_topic_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "log.mcap", imu=[{"a": {"x": n, "y": [n, -n]}} for n in range(90)], gps=[{"b": 1.5}] * 9
    )
    with raises("table-unnamed", "'/imu' (90 rows)", "'/gps' (9 rows)"):
        ingest(path, tmp_path / "none", Recipe(time="time"))
    assert profile(path).settings["table"] == "/imu"
    ingest(path, tmp_path / "store", Recipe(time="time", table="/imu"))
    store = open(tmp_path / "store")
    assert store.channels == ("a.x", "a.y.0", "a.y.1")
    assert store.values[:].tolist() == [[n, n, -n] for n in range(90)]
    assert store.time[:].tolist() == [START + n * STEP for n in range(90)]


def test_stamps_are_the_time_where_the_clock_was_set(tmp_path: Path) -> None:
    for first in (0, 5):
        stamps = [{"sec": first, "nanosec": n} for n in range(90)]
        path = write(tmp_path / f"{first}.mcap", imu=[{"header": {"stamp": stamp}, "a": 1} for stamp in stamps])
        assert profile(path).settings["time"] == "time"
        ingest(path, tmp_path / str(first), Recipe(time="time", channels=("a",)))
        expected = [first * 10**9 + n for n in range(90)] if first else [START + n * STEP for n in range(90)]
        assert open(tmp_path / str(first)).time[:].tolist() == expected


def test_fields_come_late_or_not_at_all(tmp_path: Path) -> None:
    path = write(tmp_path / "late.mcap", imu=[{"a": 1}, {"a": 2, "b": 3}])
    with raises("source-format", "message 2", "'b'"):
        ingest(path, tmp_path / "store", Recipe(time="time"))
    path = write(tmp_path / "some.mcap", imu=[{"a": 1, "b": 1}, {"a": 2.5}, {"a": 10**17, "b": None}])
    ingest(path, tmp_path / "store", Recipe(time="time", dtype="float64"))
    assert str(open(tmp_path / "store").values[:].tolist()) == "[[1.0, 1.0], [2.5, nan], [1e+17, nan]]"


def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "log.mcap", "protobuf", imu=[{"a": 1}])
    with raises("source-format", "'protobuf'"):
        profile(path)
    path = write(tmp_path / "log.mcap", imu=[[1] * 100] * 5)
    with raises("source-damaged"):
        profile(path)
    path.write_bytes(write(tmp_path / "log.mcap", imu=[{"a": 1}] * 50).read_bytes()[:-40])
    with raises("source-damaged", "log.mcap"):
        profile(path)
