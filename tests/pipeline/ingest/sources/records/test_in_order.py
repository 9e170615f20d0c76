"""Waveforms of several values a line: each value is a row, at the time that the head tells."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.records.in_order import is_in_order
from tests.helpers.logs.small_logs import doubted, propose

VALUES = [int(1000 * np.sin(row / 9)) for row in range(203)]


def lines(values: list[int], width: int) -> str:
    rows = (values[place : place + width] for place in range(0, len(values), width))
    return "".join("".join(f"{value:9d}" for value in row) + "\n" for row in rows)


def knet(rate: int = 100) -> str:
    facts = {
        "Origin Time": "2011/03/11 14:46:00",
        "Lat.": "38.103",
        "Long.": "142.860",
        "Depth. (km)": "24",
        "Mag.": "9.0",
        "Station Code": "ABC001",
        "Station Lat.": "38.7292",
        "Station Long.": "141.0217",
        "Station Height(m)": "40",
        "Record Time": "2011/03/11 14:46:36",
        "Sampling Freq(Hz)": f"{rate}Hz",
        "Duration Time(s)": "2",
        "Dir.": "E-W",
        "Scale Factor": "7845(gal)/8223790",
        "Max. Acc. (gal)": "1.5",
        "Last Correction": "2011/03/11 14:46:21",
        "Memo.": "",
    }
    return "".join(f"{key:<18}{value}\n" for key, value in facts.items()) + lines(VALUES, 8)


def peer(step: str) -> str:
    return (
        f"PEER STRONG MOTION DATABASE\nSOMEWHERE 01/02/79\nACCELERATION IN UNITS OF G\n{step}\n{lines(VALUES, 5)}"
    )


def slist(name: str = "XX_A__BHZ_R", start: str = "2008-01-15T00:00:00.025", rate: str = "40") -> str:
    head = f"TIMESERIES {name}, {len(VALUES)} samples, {rate} sps, {start}, SLIST, INTEGER, Counts"
    return f"{head}\n{lines(VALUES, 6)}"


@pytest.mark.parametrize(
    ("text", "channel", "begin", "rate"),
    [
        (knet(), "E-W", "2011-03-11T05:46:36", 100),
        (knet(200), "E-W", "2011-03-11T05:46:36", 200),
        (peer("NPTS=   203, DT= .00500 SEC"), "acceleration", "1970-01-01", 200),
        (peer("  203   0.0100   NPTS, DT"), "acceleration", "1970-01-01", 100),
        (slist(), "value", "2008-01-15T00:00:00.025", 40),
        (slist(rate="30"), "value", "2008-01-15T00:00:00.025", 30),
    ],
)
def test_each_value_is_a_row(tmp_path: Path, text: str, channel: str, begin: str, rate: int) -> None:
    file = tmp_path / "wave.txt"
    file.write_text(text)
    found = propose(file)
    assert doubted(found, "each line holds several values")
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    assert store.channels == (channel,)
    assert store.values[:, 0].tolist() == VALUES
    first = np.datetime64(begin, "ns").astype(np.int64)
    expected = first + np.round(np.arange(len(VALUES)) * (10**9 / rate)).astype(np.int64)
    assert np.abs(np.asarray(store.time) - expected).max() <= 1


def test_waveforms_below_each_other(tmp_path: Path) -> None:
    file = tmp_path / "wave.txt"
    file.write_text(slist() + slist("XX_A__BHN_R") + slist(start="2008-01-15T01:00:00"))
    found = propose(file)
    longstride.ingest([file], tmp_path / "log.zarr", found.recipe)
    store = longstride.open(tmp_path / "log.zarr")
    assert "waveform" in (found.settings.get("pivot"), found.settings.get("series"))
    assert int(np.isfinite(store.values).sum()) == 3 * len(VALUES)


def test_a_word_among_values_is_a_reject(tmp_path: Path) -> None:
    file = tmp_path / "wave.txt"
    file.write_text(slist() + "    12   ***   13\n")
    run = longstride.ingest([file], tmp_path / "log.zarr", propose(file).recipe)
    assert (run.num_rows, run.files[0].rejected) == (len(VALUES) + 2, {"no number": 1})


def test_numbers_that_touch_are_a_value_each(tmp_path: Path) -> None:
    """Else all later values would have a time that is too early."""
    file = tmp_path / "wave.txt"
    below = "  -.4E-02-.5E-02 1.5-101 +.25 7\n" * 3
    file.write_text(peer("NPTS= 218, DT= .00500 SEC") + below + lines(VALUES, 5))
    rows = longstride.ingest(
        [file], tmp_path / "log.zarr", replace(propose(file).recipe, max_rejects="3")
    ).num_rows
    store = longstride.open(tmp_path / "log.zarr")
    assert rows == 2 * len(VALUES) + 12
    assert store.values[len(VALUES) : len(VALUES) + 4, 0].tolist() == pytest.approx([-0.004, -0.005, 0.25, 7])
    steps = np.asarray(store.time) // 5_000_000
    assert steps[len(VALUES) : len(VALUES) + 4].tolist() == [203, 204, 206, 207]
    assert steps[-1] == 2 * len(VALUES) + 14


@pytest.mark.parametrize(
    "text",
    [
        knet().replace("100Hz", "100"),
        knet(0),
        knet().replace("100Hz", "1.0.0Hz"),
        peer("NPTS=   203, DT= .000 SEC"),
        slist(rate="0"),
        slist(rate="1.2.3"),
        slist(start="2008-13-15T00:00:00"),
        slist(start="2008-01-15T0:0:0"),
    ],
)
def test_a_head_that_tells_no_times_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "wave.txt"
    file.write_text(text)
    with pytest.raises(SourceError) as raised:
        propose(file)
    assert raised.value.code == "source-format"


@pytest.mark.parametrize(
    ("text", "below", "reason"),
    [
        (slist(), slist(rate="0"), "no times"),
        (slist(), slist(start="2008-01-32T00:00:00"), "no times"),
        (knet(), knet(), "no times"),
        (peer("NPTS=   203, DT= .00500 SEC"), peer("NPTS=   203, DT= .00500 SEC"), "no times"),
        (slist(), "1 " * (MAX_RECORD_BYTES // 2) + "2\n" + lines(VALUES, 6), "line too long"),
    ],
)
def test_no_value_has_a_time_by_another_head(tmp_path: Path, text: str, below: str, reason: str) -> None:
    """Nor by one above a line of which the end was not read."""
    file = tmp_path / "wave.txt"
    file.write_text(text)
    recipe = replace(propose(file).recipe, max_rejects="500")
    file.write_text(text + below + slist(start="2008-01-15T01:00:00") * text.startswith("TIME"))
    run = longstride.ingest([file], tmp_path / "log.zarr", recipe)
    assert run.num_rows == len(VALUES) * (1 + text.startswith("TIME"))
    assert run.files[0].rejected[reason] >= 1


def test_other_texts_are_no_waveforms() -> None:
    for text in (
        "",
        lines(VALUES, 8),
        "TIMESERIES a, 2 samples, 1 sps, 2008-01-15T00:00:00, TSPAIR, INTEGER\n",
        "PEER\n1 2\n",
    ):
        assert not is_in_order(text.encode())
