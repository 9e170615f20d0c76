"""Lines above the rows that hold names, and lines that only look so."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.text import iso_time
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, ingest, propose, times, wave


def seen(tmp_path: Path, head: str, mark: str, *, every: str | None = None, width: int = 3) -> Proposal:
    """What is found of rows below a head: a time (unless they are counted), and waves."""
    columns = [wave(40, seed=seed) for seed in range(width - (every is None))]
    if every is None:
        columns = [times(40), *columns]
    path = tmp_path / "log.txt"
    path.write_text(head + "".join(f"{mark.join(row)}\n" for row in zip(*columns, strict=True)))
    return propose(path)


def header(found: Proposal) -> tuple[str, ...]:
    return tuple(found.settings.get("header", ()))


@pytest.mark.parametrize("key", ["Name:", "Labels:", "Channel names:", "Signals ="])
def test_names_behind_the_key_that_says_so(tmp_path: Path, key: str) -> None:
    head = f"Serial:,a1,a1\n{key},Acceleration,Light\n\nGroup:,0,1\nBinning mode:,Sum,Average\nBits:,8,8\n\n"
    assert header(seen(tmp_path, head, ",")) == ("Time", "Acceleration", "Light")


@pytest.mark.parametrize("mark", ["", "# "])
def test_keys_cut_at_blanks_are_no_names(tmp_path: Path, mark: str) -> None:
    rows = [
        f"{time} {value} 7{value}" for time, value in zip(times(40, form="%Y-%m-%dT%H:%M"), wave(40), strict=True)
    ]
    path = tmp_path / "log.txt"
    for head in (["station = X1", "fields = timestamp TA RH"], ["fields = timestamp TA RH", "place = west hill"]):
        path.write_text("\n".join([*(mark + line for line in head), *rows]) + "\n")
        assert header(propose(path)) == ("timestamp", "TA", "RH")


def test_a_row_in_the_line_of_the_names_is_told(tmp_path: Path) -> None:
    rows = [f"{1627194706 + 10 * row}.5,{value},7{value}" for row, value in enumerate(wave(40))]
    path = tmp_path / "log.txt"
    path.write_text("T,C,F" + "\n".join(rows) + "\n")
    assert doubted(propose(path), "a row seems to begin in it, 'F1627194706.5', and is left out")


def test_names_behind_a_key_in_a_comment(tmp_path: Path) -> None:
    head = "# Sampling Rate (Hz):= 100.00\n# Resolution:= 12\n# Labels:= x\ty\tz\n"
    found = seen(tmp_path, head, "\t", every="100hz")
    assert (header(found), found.settings["every"]) == (("x", "y", "z"), "100hz")


def test_a_single_name_behind_a_key_in_a_comment(tmp_path: Path) -> None:
    found = seen(tmp_path, "# Rate (Hz):= 50\n# Labels:= ECG\n", ",", every="50hz", width=1)
    assert header(found) == ("ECG",)


def test_names_that_all_end_with_a_colon_are_names(tmp_path: Path) -> None:
    found = seen(tmp_path, "Sensor:,Temperature:,Humidity:\n", ",")
    assert (found.settings["time"], header(found)) == ("Sensor:", ())


def test_names_at_the_end_of_which_stands_a_mark(tmp_path: Path) -> None:
    head = (
        " Interval   filtered 1-minute (00:15-01:45)  |\n # of a station |\nDATE       TIME     BOUH  BOUD   |\n"
    )
    found = seen(tmp_path, head, "  ")
    assert header(found) == ("DATE", "TIME", "BOUH", "BOUD")


def test_a_line_that_tells_when_the_log_began_holds_no_names(tmp_path: Path) -> None:
    found = seen(tmp_path, "TIMESERIES OF A STATION, 635 samples, began 2008-01-15T00:00:00\n", ",")
    assert header(found) == ("a1", "a2", "a3")
    assert doubted(found, "names are invented")


def test_a_comment_that_tells_colours_holds_no_names(tmp_path: Path) -> None:
    head = "## Axis\t3\tSound Velocity(m/sec)\t$00404080\tFALSE\n## Recorder\t1\tDST CTD\t11412\n"
    assert header(seen(tmp_path, head, "\t", width=5)) == ("a1", "a2", "a3", "a4", "a5")


@pytest.mark.parametrize("brackets", ["()", "[]", "<>"])
@pytest.mark.parametrize("mark", [",", ";"])
def test_a_name_over_values_in_brackets_is_spread(tmp_path: Path, brackets: str, mark: str) -> None:
    first, last = brackets
    clock, temp, heat = times(40), wave(40), wave(40, seed=2)
    rows = [
        f"{clock[row]},{row},{first}{row + 7}, {row * 3 % 5}, {row % 9}{last},{temp[row]},{heat[row]}"
        for row in range(40)
    ]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(["time,n,RGB,temp,heat", *rows]).replace(",", mark) + "\n")
    found = propose(path)
    assert header(found) == ("time", "n", "RGB_1", "RGB_2", "RGB_3", "temp", "heat")
    assert doubted(found, "'RGB_1', 'RGB_2', 'RGB_3' are read as columns of their own")


def test_fewer_names_than_numbers_that_commas_may_cut_are_refused(tmp_path: Path) -> None:
    rows = [f"{clock},0,{row % 90 + 10},0,{row % 70 + 11},{row % 5}" for row, clock in enumerate(times(40))]
    (tmp_path / "log.csv").write_text("\n".join(["time,a,b,c", *rows]) + "\n")
    with raises("rows-not-found", "6 fields, expected 4"):
        propose(tmp_path / "log.csv")


def test_fewer_names_than_numbers_with_points_are_the_first(tmp_path: Path) -> None:
    rows = [f"{clock},{row / 4},{row % 7},{row % 5}.5,{row}" for row, clock in enumerate(times(40))]
    (tmp_path / "log.csv").write_text("\n".join(["time,a,b", *rows]) + "\n")
    assert doubted(propose(tmp_path / "log.csv"), "3 names for 5 columns")


HEADS = (
    "Logger,DX-7,v1.2\n",
    "Serial number,0012,A\n",
    "Operator: Kim,Room: 4,Run: 7\n",
    "Binning mode:,Sum,Average\n",
    "Gain:,1,4\nUnits:,mV,degC\n",
    "Calibration,0.5,1.5\n",
    "Offset,0.0,0.1\nSlope,1.0,1.2\n",
    "Channel,1,2\nEnabled,yes,yes\n",
    "Report of,2024-03-01T08:00:00,DX-7\n",
    "Station=roof,Height=10 m,Lat=48.1\n",
    "[Settings]\nRange,High,Low\n[Data]\n",
    "Interval:,1 min,fixed\n",
    "Project,Bridge,North\n",
    "Firmware;3.1;stable\n",
    "Filter=,Kaiser,Hann\n",
    "# made by tool,x,y\n",
    "Sampling mode:,Continuous,Single\nTrigger:,Rising,Falling\n",
    "Alarm high:,85,90\nAlarm low:,5,10\n",
    "Probe type:,PT100,PT1000\n",
    "Battery:,OK,OK\n",
)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("names", ["time,temp,press", ""])
def test_facts_of_a_head_are_never_names_without_a_doubt(tmp_path: Path, head: str, names: str) -> None:
    found = seen(tmp_path, head + (names + "\n" if names else ""), ",")
    columns = set(found.described())
    assert columns == {"time", "temp", "press"} if names else columns == {"a1", "a2", "a3"} or found.doubts
    taken = columns & set(head.replace(":", "").replace("\n", ",").split(","))
    assert not taken or any("names" in doubt or "header" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("units", ["", ",m/s,deg,ppm,ppb\n"])
@pytest.mark.parametrize("head", ["Date,Wind,,Gas,\n,v,dir,co2,ch4\n", "Date,Wind,Wind,Gas,Gas\n,v,dir,co2,ch4\n"])
def test_names_below_those_of_groups(tmp_path: Path, head: str, units: str) -> None:
    found = seen(tmp_path, head + units, ",", width=5)
    assert header(found) == ("Date", "Wind v", "Wind dir", "Gas co2", "Gas ch4")
    assert found.settings.get("unit") == (
        ["Wind v=m/s", "Wind dir=deg", "Gas co2=ppm", "Gas ch4=ppb"] if units else None
    )


@pytest.mark.parametrize(
    ("names", "is_doubted"),
    [
        ("When,temp,hum", False),
        ("Trial,flow_rate,inletTemp", False),
        ("Trial,a [bar],b (m/s)", False),
        ("Trial,left,walking", True),
        ("Subject 12,Height 180,Weight 70", True),
    ],
)
def test_names_of_channels_are_no_facts(tmp_path: Path, names: str, is_doubted: bool) -> None:
    found = seen(tmp_path, f"{names}\n", ",")
    assert any(doubt.startswith("header: ") for doubt in found.doubts) == is_doubted


SAR = "Linux 6.1.0-18 (web1) \t{date} \t_x86_64_\t(16 CPU)\n\n"
COLUMNS = ["CPU", "%user", "%nice", "rxpck/s", "ldavg-1"]


def sar(tmp_path: Path, head: str, half: str = "", count: int = 60) -> Path:
    """What sar, mpstat or vmstat write: names behind a time, again after a restart, and means at the end."""
    clocks = [
        f"{(10 if half else 20) + (57 + row) // 60}:{(57 + row) % 60:02}:24{half}" for row in range(count + 1)
    ]
    names = "        ".join(COLUMNS)
    lines = [
        f"{clock}     all      {row % 7}.5  {row}.00   0.{row % 9}   1.{row:02}"
        for row, clock in enumerate(clocks)
    ]
    path = tmp_path / "sar.txt"
    path.write_text(head + f"{clocks[0]}   {names}\n" + "\n".join(lines[1:]) + "\n")
    return path


@pytest.mark.parametrize(("date", "day"), [("11/25/15", "2015-11-25"), ("2024-01-15", "2024-01-15")])
@pytest.mark.parametrize("half", ["", " AM"])
def test_names_in_a_line_that_begins_with_a_time(tmp_path: Path, date: str, day: str, half: str) -> None:
    path = sar(tmp_path, SAR.format(date=date), half)
    found = propose(path)
    assert header(found) == ("Time", *half.split(), *COLUMNS)
    assert found.settings["start"] == day
    assert doubted(found, "is taken for the date of all rows")
    assert doubted(found, "header: line 3")
    store = ingest(path, out=tmp_path / "log.zarr")
    assert iso_time(int(store.time[0])) == f"{day}T{'10' if half else '20'}:58:24"
    np.testing.assert_allclose(store.values[:3, list(store.channels).index("%user")], [1.5, 2.5, 3.5])


@pytest.mark.parametrize(
    "head", ["", "Firmware of 2024-01-15\n", "Linux (web1) 01/15/24 and 01/16/24\n", "10.0.2 1/2\n"]
)
def test_a_date_among_words_that_may_be_another_is_not_taken(tmp_path: Path, head: str) -> None:
    found = propose(sar(tmp_path, head))
    assert "start" not in found.settings
    assert doubted(found, "without a date")


def test_words_behind_a_time_below_names_are_a_row(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    rows = [f"2024-03-01 10:{row:02}:00 {row}.5 {row % 7} {row % 5}" for row in range(40)]
    path.write_text("day clock temp wind rain\n2024-03-01 09:59:00 sensor not ready\n" + "\n".join(rows) + "\n")
    assert set(propose(path).described()) == {"day", "clock", "temp", "wind", "rain"}


def test_names_behind_a_time_that_come_again_are_rejects(tmp_path: Path) -> None:
    path = sar(tmp_path, SAR.format(date="2024-01-15"))
    lines = path.read_text().splitlines()
    again = lines[2].replace("20:57:24", "21:24:30")
    path.write_text("\n".join([*lines[:30], again, *lines[30:]]) + "\n")
    found = propose(path)
    assert "null" not in found.settings
    assert doubted(found, "1 row of the sample cannot be read")
    store = ingest(path, out=tmp_path / "log.zarr")
    assert len(store.time) == 60


def test_blank_lines_below_names_and_units(tmp_path: Path) -> None:
    """As MoTeC writes them."""
    head = '"Venue","Spa","x"\n"Driver","a","b"\n\n"Time","Speed","RPM"\n"day","km/h","rpm"\n\n\n'
    found = seen(tmp_path, head, ",")
    assert set(found.described()) == {"Time", "Speed", "RPM"}
    assert found.settings["unit"] == ["Speed=km/h", "RPM=rpm"]


@pytest.mark.parametrize("title", ["[column names]", "[Channels]"])
def test_names_in_a_section_of_their_own(tmp_path: Path, title: str) -> None:
    head = f"[comments]\nmade by hand\n\n{title}\nclock temp wind\n\n[data]\n"
    assert header(seen(tmp_path, head, ",")) == ("clock", "temp", "wind")


def test_a_line_of_units_that_says_how_times_are_written(write_log: Callable[..., Path]) -> None:
    head = ["sep=;", ";Plant 1;Plant 1", ";Yield;Power", ";Counter;Analog", "dd.MM.yyyy HH:mm;kWh;kW"]
    rows = [f"{time};{one};{two}" for time, one, two in zip(_moments(40), wave(40), wave(40, seed=1), strict=True)]
    found = propose(write_log("a.csv", [*head, *rows]))
    assert found.recipe.time == "column_1"
    assert found.settings["unit"] == ["Yield=kWh", "Power=kW"]
    assert not doubted(found, "header:")


def test_a_line_of_units_holds_the_names_where_nothing_else_does(write_log: Callable[..., Path]) -> None:
    rows = [f"{time};{one};{two}" for time, one, two in zip(_moments(40), wave(40), wave(40, seed=1), strict=True)]
    found = propose(write_log("a.csv", ["dd.MM.yyyy HH:mm;kWh;kW", *rows]))
    assert found.recipe.time == "dd.MM.yyyy HH:mm"


def test_most_columns_without_a_name_are_kept(write_log: Callable[..., Path]) -> None:
    columns = [wave(40, seed=seed) for seed in range(4)]
    rows = [",".join(row) for row in zip(_moments(40), *columns, strict=True)]
    found = propose(write_log("a.csv", ["time,T,,,", *rows]))
    assert found.settings["header"] == ["time", "T", "column_3", "column_4", "column_5"]
    assert doubted(found, "header: line 1 names 2 of 5 columns")
    assert "header" not in propose(write_log("b.csv", ["time,T,u,v,", *rows])).settings


def _moments(count: int) -> list[str]:
    return times(count, form="%d.%m.%Y %H:%M")
