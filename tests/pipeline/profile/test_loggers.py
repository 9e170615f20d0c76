"""Logs as loggers of several makers write them: heads, clocks and names that were once refused or misread."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, ingest, propose

START = datetime(2024, 3, 1, 8)


def made(tmp_path: Path, text: str, name: str = "a.csv") -> tuple[Proposal, SeriesStore]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return propose(path), ingest(path, out=tmp_path / "made.zarr")


def stamps(format_: str, count: int = 40, step: timedelta = timedelta(minutes=10)) -> list[str]:
    return [(START + number * step).strftime(format_) for number in range(count)]


def seconds(store: SeriesStore, row: int) -> float:
    return float(np.asarray(store.time[row : row + 1]).astype("int64")[0]) / 1e9


def utc(hours: float = 8) -> float:
    return (datetime(2024, 3, 1, tzinfo=UTC) + timedelta(hours=hours)).timestamp()


def rows_of(times: list[str], mark: str = ",") -> list[str]:
    return [mark.join((time, f"{20 + number / 8}", f"{number % 7}")) for number, time in enumerate(times)]


def test_a_header_in_quotes_below_a_title_is_no_line_in_quotes(tmp_path: Path) -> None:
    head = '"Plot Title: Shed"\n"#","Date Time, GMT-05:00","Temp, °C","RH, %","Stopped","End"\n'
    body = "".join(f"{i},{row},,\n" for i, row in enumerate(rows_of(stamps("%m/%d/%y %I:%M:%S %p")), 1))
    found, store = made(tmp_path, "\ufeff" + head + body)
    assert "quote" not in found.settings
    assert tuple(store.channels) == ("Temp, °C", "RH, %")
    assert found.settings["timezone"] == "Etc/GMT+5"
    assert seconds(store, 0) == utc(13)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("time (-0500)", "Etc/GMT+5"),
        ("Time UTC+1", "Etc/GMT-1"),
        ("time (GMT+00:00)", "UTC"),
        ("time (-330)", None),
        ("time (+05:30)", "Asia/Kolkata"),
    ],
)
def test_offsets_in_the_name_of_the_time(tmp_path: Path, name: str, zone: str | None) -> None:
    found, _ = made(tmp_path, f"{name},a,b\n" + "\n".join(rows_of(stamps("%Y-%m-%d %H:%M:%S"))))
    assert found.settings.get("timezone", None) == (zone if zone != "UTC" else found.settings.get("timezone"))
    assert doubted(found, "carry no zone") == (zone is None)


LABVIEW = "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t,\nDate\t2024/03/01\n"
END = "***End_of_Header***\t\n"


def test_labview_measurements(tmp_path: Path) -> None:
    head = (
        f"{LABVIEW}{END}\t\nChannels\t2\t\nSamples\t40\t40\nDelta_X\t0,5\t0,5\n{END}X_Value\tVolt\tLux\tComment\n"
    )
    body = "".join(f"{i / 2:.6f}\t{i / 8:.6f}\t{i % 5},5\n".replace(".", ",") for i in range(40))
    found, store = made(tmp_path, head + body, "a.lvm")
    assert tuple(store.channels) == ("Volt", "Lux")
    assert store.num_rows == 40
    assert seconds(store, 39) == utc(0) + 19.5
    assert store.values[39].tolist() == [4.875, 4.5]
    assert doubted(found, "elapsed time in s")
    assert doubted(found, "line 5, 'Date 2024/03/01', is taken for when 'X_Value' was 0")


def test_units_in_a_comment_below_names(tmp_path: Path) -> None:
    head = "#YY  MM DD hh mm WSPD GST PRES ATMP\n#yr  mo dy hr mn m/s  m/s  hPa degC\n"
    times = stamps("%Y %m %d %H %M")
    body = "".join(
        f"{t} {3 + i % 4}.0 {4 + i / 8 if i not in (7, 9) else 'MM'} {'MM' if i % 6 else 1015 + i % 4} MM\n"
        for i, t in enumerate(times)
    )
    found, store = made(tmp_path, head + body, "a.txt")
    assert tuple(store.channels) == ("WSPD", "GST", "PRES")
    assert "WSPD=m/s" in found.settings["unit"]
    assert np.isnan(store.values[:, 2]).sum() == 33


def test_a_word_that_is_more_frequent_than_numbers_is_missing(tmp_path: Path) -> None:
    body = "".join(
        f"{t},{20 + i / 8},{'M' if i % 8 else 17 + i % 3},{'M' if i == 3 or i == 5 else i % 11}\n"
        for i, t in enumerate(stamps("%Y-%m-%d %H:%M"))
    )
    _, store = made(tmp_path, "valid,tmpf,gust,sknt\n" + body)
    assert tuple(store.channels) == ("tmpf", "gust", "sknt")
    assert store.values[8, 1] == 19
    assert np.isnan(store.values[1, 1])


@pytest.mark.parametrize("clock", ["{0.hour}:{0.minute}:{0.second}", "{0:%H%M} UTC", "{0:%H%M%S} UTC"])
def test_clocks_beside_a_date(tmp_path: Path, clock: str) -> None:
    times = [START + number * timedelta(minutes=7) for number in range(40)]
    body = rows_of([f"{time:%Y/%m/%d},{clock.format(time)}" for time in times])
    _, store = made(tmp_path, "Data,Hora,a,b\n" + "\n".join(body))
    assert store.num_rows == 40
    assert seconds(store, 39) == utc(8) + 39 * 7 * 60


def test_dates_in_digits_before_1990_where_they_are_called_so(tmp_path: Path) -> None:
    times = [(datetime(1951, 1, 1) + timedelta(days=number)).strftime("%Y%m%d") for number in range(40)]
    _, store = made(tmp_path, "STN,YYYYMMDD,RD,SX\n" + "\n".join(f"831,{row}" for row in rows_of(times)))
    assert seconds(store, 0) == datetime(1951, 1, 1, tzinfo=UTC).timestamp()


def test_months_alone_are_their_first_days(tmp_path: Path) -> None:
    body = "".join(f"{1960 + i // 12} {1 + i % 12} {i % 7}.5 {30 + i}.0\n" for i in range(60))
    found, store = made(tmp_path, "yyyy mm tmax rain\n" + body, "a.txt")
    assert found.settings["time"] == ["yyyy", "mm"]
    assert seconds(store, 13) == datetime(1961, 2, 1, tzinfo=UTC).timestamp()


def test_elapsed_times_with_a_decimal_comma(tmp_path: Path) -> None:
    body = "".join(f"{i / 10:.4f}\t{i / 8:.4f}\n".replace(".", ",") for i in range(40))
    _, store = made(tmp_path, "t (s)\tU1(V)\n" + body, "a.txt")
    assert seconds(store, 39) == 3.9


@pytest.mark.parametrize(("step", "unit"), [(1, "s"), (60, "s"), (1013, "ms"), (50, "ms")])
def test_units_of_elapsed_times_that_no_name_says(tmp_path: Path, step: int, unit: str) -> None:
    body = "".join(f"{i * step},{i % 9}.5,{i % 4}.25\n" for i in range(40))
    found, _ = made(tmp_path, "t,a,b\n" + body)
    assert found.settings["time-format"] == unit
    assert doubted(found, f"if it counts {'s' if unit == 'ms' else 'ms'}")


def test_times_with_an_offset_win_over_their_parts(tmp_path: Path) -> None:
    times = [START + number * timedelta(minutes=10) for number in range(40)]
    body = rows_of([f"{time:%Y-%m-%d %H:%M:%S}-07:00,{time:%Y,%m,%d,%H,%M}" for time in times])
    found, store = made(tmp_path, ",Year,Month,Day,Hour,Minute,a,b\n" + "\n".join(body))
    assert found.settings["time"] == "column_1"
    assert seconds(store, 0) == utc(15)


def test_a_footer_of_many_lines_is_left_out(tmp_path: Path) -> None:
    body = "\n".join(rows_of(stamps("%Y-%m-%d %H:%M:%S")))
    footer = "\n".join(["", "a: degree Celsius", "b: count", "Source: a station", "Owner: nobody", "(c) nobody"])
    found, store = made(tmp_path, f"time,a,b\n{body}{footer}\n")
    assert found.settings["max-rejects"] == "5"
    assert store.num_rows == 40


def test_dates_in_a_head_are_no_rows(tmp_path: Path) -> None:
    head = "--- Data File, date format dd/MM/yyyy ---,,\nStart Date 03-01-2024,,\nTimeStamp,axis1,axis2\n"
    _, store = made(tmp_path, head + "\n".join(rows_of(stamps("%Y-%m-%dT%H:%M:%SZ"))))
    assert tuple(store.channels) == ("axis1", "axis2")


def test_rows_of_another_table_above_are_told(tmp_path: Path) -> None:
    times = stamps("%Y/%m/%d %H:%M:%S")
    above = [f"{time},1,2" for time in times[:4]]
    below = [f"{time},1.5,2.5,{number},{number % 3}" for number, time in enumerate(times[4:])]
    (tmp_path / "log.csv").write_text("\n".join(above + below))
    found = propose(tmp_path / "log.csv")
    assert "max-rejects" not in found.settings
    assert doubted(found, "4 rows of the sample cannot be read")
    assert doubted(found, "of rows cannot be read, and an ingest stops")


def test_two_rows_of_names_stand_near_each_other(tmp_path: Path) -> None:
    head = 'Place,Well,Name,Height,From,To\nP1,1,"A",120,,\n,,,,,\nPlace,Well,Date,Level,Note,\n'
    body = "".join(f"P1,1,{t},{i % 9},,\n" for i, t in enumerate(stamps("%d-%m-%Y", 40, timedelta(days=1))))
    _, store = made(tmp_path, head + body)
    assert tuple(store.channels) == ("Level",)


def test_blank_lines_below_names_that_hold_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Export (version 5),,\nFile:,C:\\me.csv,\n,,\n---,,\n,,\nName:,1,\n" + ",,\n" * 40)
    with pytest.raises(LongstrideError, match=r"no row to look at|no column looks like times"):
        propose(path)


def test_seconds_with_a_fraction_in_a_column_of_their_own(tmp_path: Path) -> None:
    times = [START + number * timedelta(seconds=0.4) for number in range(160)]
    body = rows_of([f"{time:%Y,%m,%d,%H,%M},{time.second}.{time.microsecond // 100000}" for time in times])
    found, store = made(tmp_path, "year,month,day,hour,min,sec,a,b\n" + "\n".join(body))
    assert found.settings["time"] == ["year", "month", "day", "hour", "min", "sec"]
    assert store.num_rows == 160
    assert seconds(store, 159) == pytest.approx(utc(8) + 63.6, abs=1e-7)
