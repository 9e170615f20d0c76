"""EDF: rates, gaps of EDF+D, and headers that do not fit the file."""

from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride import Recipe, ingest, open, profile
from tests.helpers.errors import raises

edfio = pytest.importorskip("edfio")

RECIPE = Recipe(time="time")
VALUES = np.arange(240.0) % 50


def signal(label: str, rate: int, values: Any = VALUES) -> Any:
    return edfio.EdfSignal(values, rate, label=label, physical_range=(-32768, 32767), physical_dimension="uV")


def write(path: Path, *signals: Any, **options: Any) -> Path:
    recording = edfio.Recording(startdate=date(2024, 3, 1))
    edfio.Edf(signals, starttime=time(8), recording=recording, **options).write(path)
    return path


def seconds_of(store: Path) -> list[float]:
    times = open(store).time[:].astype("datetime64[ns]") - np.datetime64("2024-03-01T08:00:00", "ns")
    return (times / np.timedelta64(1, "s")).tolist()


def test_signals_of_other_rates_are_tables(tmp_path: Path) -> None:
    path = write(tmp_path / "log.edf", signal("a", 8), signal("t", 2, VALUES[:60]), signal("b", 8, -VALUES))
    with raises("table-unnamed", "'8 Hz' (240 rows)", "'2 Hz' (60 rows)"):
        ingest(path, tmp_path / "none", Recipe(time="time"))
    for rate, names in ((8, ("a", "b")), (2, ("t",))):
        proposed = profile(path, table=f"{rate} Hz")
        assert proposed.settings["unit"] == [f"{name}=uV" for name in names]
        ingest(path, tmp_path / str(rate), proposed.recipe)
        assert open(tmp_path / str(rate)).channels == names
        assert seconds_of(tmp_path / str(rate)) == (np.arange(30 * rate) / rate).tolist()


def test_gaps_of_a_recording_are_gaps_of_the_store(tmp_path: Path) -> None:
    notes = [edfio.EdfAnnotation(3, None, "spike")]
    path = write(tmp_path / "log.edf", signal("a", 8), annotations=notes, data_record_duration=1)
    assert any("1 annotation" in text for text in profile(path).seen)
    data = path.read_bytes().replace(b"EDF+C", b"EDF+D")
    for record in range(20, 30):
        data = data.replace(b"+%d\x14\x14" % record, b"+%d\x14\x14" % (record + 50))
    path.write_bytes(data)
    ingest(path, tmp_path / "store", RECIPE)
    first, second = np.arange(160) / 8, 70 + np.arange(80) / 8
    assert seconds_of(tmp_path / "store") == [*first.tolist(), *second.tolist()]
    assert len(open(tmp_path / "store").segments) == 2
    path.write_bytes(data.replace(b"+75\x14", b"+x5\x14"))
    with raises("source-damaged", "+x5"):
        ingest(path, tmp_path / "other", RECIPE)


DAMAGED = [(236, "31"), (236, "-1"), (236, "-2"), (184, "900"), (168, "32.03.24"), (176, "08.99.00"), (244, "0")]


@pytest.mark.parametrize(("place", "text"), DAMAGED)
def test_a_header_that_does_not_fit(tmp_path: Path, place: int, text: str) -> None:
    path = write(tmp_path / "log.edf", signal("a", 8))
    data = bytearray(path.read_bytes())
    data[place : place + 8] = text.ljust(8).encode()
    path.write_bytes(data)
    with raises("source-format" if place == 244 else "source-damaged", "log.edf"):
        ingest(path, tmp_path / "store", RECIPE)


def test_a_signal_without_a_range_has_no_unit(tmp_path: Path) -> None:
    """The package would give its numbers as they are."""
    path = write(tmp_path / "log.edf", signal("a", 8))
    path.write_bytes(path.read_bytes().replace(b"32767   ", b"-32768  ", 1))
    with raises("source-damaged", "'a'", "-32768"):
        ingest(path, tmp_path / "store", RECIPE)
