"""TDMS files, with times in a channel or in the properties of a waveform."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, ingest, open
from tests.helpers.errors import raises

nptdms = pytest.importorskip("nptdms")

START = np.datetime64("2024-03-01", "us")
VALUES = np.arange(100.0)
RECIPE = Recipe(time="time")


def write(path: Path, *channels: tuple[str, str, Any, dict[str, Any]]) -> Path:
    with nptdms.TdmsWriter(path) as writer:
        writer.write_segment([nptdms.ChannelObject(*channel) for channel in channels])
    return path


def waveform(step: float = 0.001) -> dict[str, Any]:
    return {"wf_start_time": START, "wf_increment": step, "wf_start_offset": 0.0}


def test_times_of_a_waveform_and_of_a_channel(tmp_path: Path) -> None:
    times = START + np.arange(100) * np.timedelta64(1000, "us")
    first = write(tmp_path / "a.tdms", ("g", "u", VALUES, waveform()), ("g", "i", -VALUES, waveform()))
    second = write(tmp_path / "b.tdms", ("g", "time", times, {}), ("g", "u", VALUES, {}), ("g", "i", -VALUES, {}))
    for name, path in (("one", first), ("two", second)):
        ingest(path, tmp_path / name, RECIPE)
        store = open(tmp_path / name)
        assert store.channels == ("u", "i")
        assert store.time[:].tolist() == times.astype("datetime64[ns]").astype(np.int64).tolist()
        assert store.values[:].tolist() == np.stack([VALUES, -VALUES], axis=1).tolist()


def test_groups_that_do_not_fit(tmp_path: Path) -> None:
    for name, other in (
        ("length", ("h", "i", VALUES[:50], waveform())),
        ("step", ("h", "i", VALUES, waveform(0.1))),
    ):
        path = write(tmp_path / f"{name}.tdms", ("g", "u", VALUES, waveform()), other)
        with raises("table-unnamed", "'g' (100 rows)", "'h'"):
            ingest(path, tmp_path / "store", RECIPE)
        report = ingest(path, tmp_path / name, Recipe(time="time", table="h"))
        assert (report.num_rows, open(tmp_path / name).channels) == (len(other[2]), ("i",))


def test_channels_of_a_group_that_do_not_fit(tmp_path: Path) -> None:
    for other in (("g", "i", VALUES[:50], waveform()), ("g", "i", VALUES, waveform(0.1))):
        path = write(tmp_path / "log.tdms", ("g", "u", VALUES, waveform()), other)
        with raises("source-format", "'u'", "'i'"):
            ingest(path, tmp_path / "store", RECIPE)
