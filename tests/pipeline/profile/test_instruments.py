"""Logs as instruments and terminals write them: a unit below a name, brackets around a time, lists in a field."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, profile
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, ingest, propose

START = datetime(2024, 3, 1, 8)


def made(tmp_path: Path, text: str) -> tuple[Proposal, SeriesStore]:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    return propose(path), ingest(path, out=tmp_path / "made.zarr")


def stamps(format_: str, count: int = 40) -> list[str]:
    return [(START + number * timedelta(seconds=10)).strftime(format_) for number in range(count)]


def times_of(store: SeriesStore) -> list[int]:
    return np.asarray(store.time[:]).astype("int64").tolist()


@pytest.mark.parametrize(
    "head", ["Source,CH1,CH2\nSecond,Volt,Volt", "x-axis,1,2\nsecond,Volt,Volt", "X,1,2\ns,V,V"]
)
def test_the_unit_of_a_scope_makes_an_elapsed_time(tmp_path: Path, head: str) -> None:
    rows = [f"{(number - 20) * 4e-6:.11f},{number % 9 / 8},{number % 5}" for number in range(60)]
    found, store = made(tmp_path, "\n".join([head, *rows]))
    assert found.settings["time-format"] == "s"
    assert doubted(found, "is an elapsed time in s")
    assert times_of(store) == [(number - 20) * 4000 for number in range(60)]
    assert store.units == tuple(head.splitlines()[1].split(",")[1:])
    np.testing.assert_array_equal(store.values[:, 0], [number % 9 / 8 for number in range(60)])


def test_a_unit_of_time_makes_no_time_where_there_is_a_clock(tmp_path: Path) -> None:
    rows = [f"{time},{number * 0.5},{number % 5}" for number, time in enumerate(stamps("%Y-%m-%d %H:%M:%S"))]
    _, store = made(tmp_path, "\n".join(["When,Run,Level", "-,s,m", *rows]))
    assert tuple(store.channels) == ("Run", "Level")


def test_exponents_of_three_digits_in_an_elapsed_time(tmp_path: Path) -> None:
    rows = [f"{number % 3}\t{3.5 + number / 4:.6E}\t{number % 7}" for number in range(40)]
    text = "\n".join(["mode\ttime/s\tEwe/V", *rows]).replace("E+0", "E+00")
    _, store = made(tmp_path, text)
    assert times_of(store) == [3_500_000_000 + number * 250_000_000 for number in range(40)]


def test_times_in_brackets(tmp_path: Path) -> None:
    rows = [f"[{time}.575] ,{number / 4},{number % 7}" for number, time in enumerate(stamps("%Y-%m-%d %H:%M:%S"))]
    found, store = made(tmp_path, "\n" + "\n".join(rows))
    assert found.settings["time-format"] == "[%Y-%m-%d %H:%M:%S%.f]"
    assert times_of(store)[1] == int(np.datetime64("2024-03-01T08:00:10.575", "ns").astype(int))
    assert store.num_rows == 40


@pytest.mark.parametrize("mark", ["/", "-"])
def test_months_of_years(tmp_path: Path, mark: str) -> None:
    rows = [f"{2017 + number // 12}{mark}{number % 12 + 1},{number / 4}" for number in range(40)]
    _, store = made(tmp_path, "\n".join(["Date,Rain", *rows]))
    assert np.asarray(store.time[9:10]).astype("datetime64[ns]")[0] == np.datetime64("2017-10-01")


def test_dates_of_long_ago_in_columns_without_names(tmp_path: Path) -> None:
    days = [datetime(1890, 12, 1) + timedelta(days=number) for number in range(60)]
    rows = [f"30710;{day.year};{day.month:2};{day.day:2};0;{number / 8}" for number, day in enumerate(days)]
    found, store = made(tmp_path, "\n".join(rows))
    assert found.settings["time"] == ["a2", "a3", "a4"]  # a5 changes nothing
    assert tuple(store.channels) == ("a6",)
    assert np.asarray(store.time[59:]).astype("datetime64[ns]")[0] == np.datetime64("1891-01-29")


def test_a_list_of_five_is_no_number(tmp_path: Path) -> None:
    rows = [f'{time},{number / 4},"{number + 100},118,118,118,120"' for number, time in enumerate(stamps("%FT%T"))]
    found, store = made(tmp_path, "\n".join(["time,v,status", *rows]))
    assert tuple(store.channels) == ("v",)
    assert doubted(found, "'status'")


def test_numbers_that_may_be_lists_are_in_doubt(tmp_path: Path) -> None:
    rows = [f'{time},{number / 4},"{number + 100},118,120"' for number, time in enumerate(stamps("%FT%T"))]
    (tmp_path / "log.csv").write_text("\n".join(["time,v,status", *rows]))
    found = propose(tmp_path / "log.csv")
    assert doubted(found, "'100,118,120' in 'status' is read as one number: if it is a list of 3")


@pytest.mark.parametrize(
    ("texts", "step"), [("{0}:{1:02}:{2:02}", 1), ("{0}:{1:02}:{2:02}.250", 1), ("{0:02}:{1:02}", 60)]
)
def test_a_clock_without_a_date(tmp_path: Path, texts: str, step: int) -> None:
    counts = [number * 20 * step for number in range(60)]
    rows = [f"{texts.format(s // 3600, s // 60 % 60, s % 60)},{s / 8}" for s in counts]
    found, store = made(tmp_path, "\n".join(["time,volt", *rows]))
    assert found.settings["time-format"] == "h:m:s"
    assert doubted(found, "without a date")
    part = 250_000_000 if ".250" in texts else 0
    assert times_of(store) == [s * 10**9 + part for s in counts]
    later = ingest(tmp_path / "a.csv", out=tmp_path / "b.zarr", edits='start = "2024-03-01"\n')
    assert times_of(later)[0] == int(np.datetime64("2024-03-01", "ns").astype(int)) + part


def test_a_clock_that_passes_midnight_needs_a_date(tmp_path: Path) -> None:
    rows = [f"{number // 6 % 24:02}:{number % 6}5:00,{number}" for number in range(130, 190)]
    (tmp_path / "a.csv").write_text("\n".join(["time,volt", *rows]))
    assert "--start 2024-03-01" in str(profile(str(tmp_path / "a.csv")).question)


@pytest.mark.parametrize(("name", "hour"), [("CET", 7), ("timestamp", 8)])
def test_a_date_and_a_time_below_one_name(tmp_path: Path, name: str, hour: int) -> None:
    lines = [f"{number % 3:2} {9000 + number:6} {time}" for number, time in enumerate(stamps("%Y-%m-%d %H:%M:%S"))]
    head = f"procs --memory--\n r   free                 {name}\n"
    found, store = made(tmp_path, head + "\n".join(lines) + "\n")
    assert found.settings["time"] == [f"{name} date", f"{name} time"]
    assert tuple(store.channels) == ("r", "free")
    assert times_of(store)[1] == int(np.datetime64(f"2024-03-01T0{hour}:00:10", "ns").astype(int))


def test_a_missing_value_with_a_unit(tmp_path: Path) -> None:
    texts = [f'"{number},4°C"' if number > 9 else '"err°C"' for number in range(40)]
    rows = [
        f'"{time}";{text};{number}' for number, (time, text) in enumerate(zip(stamps("%FT%T"), texts, strict=True))
    ]
    found, store = made(tmp_path, "\n".join(["time;temp;n", *rows]))
    assert found.settings["null"] == ["temp=err°C"]
    assert np.isnan(store.values[:10, 0]).all()
    assert store.values[39, 0] == np.float32(39.4)


def test_morning_and_afternoon_in_a_column_of_their_own(tmp_path: Path) -> None:
    times = [START + timedelta(days=14, minutes=20 * number) for number in range(60)]
    (tmp_path / "log.txt").write_text(
        "\n".join(f"{time:%I:%M:%S %p} all {time.minute / 8}" for time in times[15:40])
    )
    found = profile(str(tmp_path / "log.txt"))
    assert found.settings["start"] == "?"
    assert found.settings["time"] == ["a1", "a2"]  # as 8 and 20 o'clock would be the same
    rows = [f"{time:%m/%d/%Y %I:%M:%S %p} {number / 8}" for number, time in enumerate(times[15:40])]
    found, store = made(tmp_path, "\n".join(["date time half v", *rows]))
    assert found.settings["time-format"] == "%m/%d/%Y %I:%M:%S %p"
    assert np.asarray(store.time[:1]).astype("datetime64[ns]")[0] == np.datetime64("2024-03-15T13:00")
