"""Proposals of recipes: each finding by a small log that has it and one that nearly has it; what they ingest."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.ingest import Recipe, SourceError
from pipeline.profile import Proposal as Profile, profile
from pipeline.profile.dialect import Dialect, sniff
from pipeline.profile.times import read_times
from storage.store import SeriesStore
from tests.pipeline.ingest.logs import log_lines

START = datetime(2024, 3, 18, 9, 30)
HOUR_NS = 3_600 * 10**9
WRITE = Callable[..., Path]


def times(count: int, *, step: float = 60, start: datetime = START, form: str = "%Y-%m-%d %H:%M:%S") -> list[str]:
    return [(start + timedelta(seconds=step * index)).strftime(form) for index in range(count)]


def wave(count: int, *, seed: int = 0) -> list[str]:
    """Numbers as of a sensor."""
    return [f"{number:.2f}" for number in np.random.default_rng(seed).uniform(10, 20, count)]


def log(header: str, *columns: Iterable[object], mark: str = ",") -> list[str]:
    return [header, *(mark.join(map(str, row)) for row in zip(*columns, strict=True))]


def propose(*paths: Path, rows: int = 10_000) -> Profile:
    """Also checks that the text of a proposal is the recipe that it means."""
    found = profile([str(path) for path in paths], rows=rows)
    recipe = paths[0].with_name("proposed.toml")
    recipe.write_text(found.as_toml(), encoding="utf-8")
    assert Recipe.from_toml(recipe) == found.recipe
    return found


def doubted(found: Profile, text: str) -> bool:
    return any(text in doubt for doubt in found.doubts)


def ingest(folder: Path, *sources: Path, edits: str = "") -> SeriesStore:
    """Save what `profile` prints, with edits below it, and ingest with that."""
    runner = CliRunner()
    proposal = runner.invoke(main, ["profile", *map(str, sources)], catch_exceptions=False)
    assert proposal.exit_code == 0, proposal.output
    recipe, out = folder / "saved.toml", folder / "out.zarr"
    recipe.write_text(proposal.stdout + edits, encoding="utf-8")
    run = runner.invoke(
        main,
        ["ingest", *map(str, sources), "--recipe", str(recipe), "--out", str(out), "--json"],
        catch_exceptions=False,
    )
    assert run.exit_code == 0, run.output
    return SeriesStore.open(out)


def test_a_plain_log_needs_its_time_alone(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", log("time,a", times(50), wave(50))))
    assert found.settings == {"time": "time"}
    assert found.sample.is_whole
    assert tuple(found.seen) == (
        "times from 2024-03-18 09:30:00 to 2024-03-18 10:19:00",
        "the median step is 1m, all steps are the same",
    )
    assert doubted(found, "times carry no zone")


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"plain", None),
        ("Außen °C".encode(), "utf-8"),
        ("Außen °C".encode("latin-1"), "latin-1"),
        ("Außen 5 €".encode("cp1252"), "cp1252"),
        # Most are UTF-8: the others are damage.
        ("°°°°°°°°".encode() + b"\xb0\xb0", "utf-8"),
    ],
)
def test_encodings(data: bytes, encoding: str | None) -> None:
    lines = b"".join(b"2024-01-01 00:00:%02d,%d,x\n" % (second, second) for second in range(20))
    assert sniff(b"time,v," + data + b"\n" + lines).encoding == encoding
    assert sniff(b"time,v,x\n" + lines, data).encoding == encoding


def test_an_encoding_is_told_from_rows_far_below(write_log: WRITE) -> None:
    notes = ["x" * 50] * 9_990 + ["für"] * 10
    lines = [line.encode("latin-1") for line in log("time,v,note", times(10_000), wave(10_000), notes)]
    for name in ("a.csv", "a.csv.gz"):
        assert propose(write_log(name, lines)).settings["encoding"] == "latin-1"
    found = propose(write_log("b.csv", [line.decode("latin-1") for line in lines]), rows=1000)
    assert "encoding" not in found.settings
    assert not doubted(found, "UTF-8")


def test_an_encoding_is_set_where_it_is_not_utf_8(write_log: WRITE) -> None:
    lines = log("time,Außen °C", times(20), wave(20))
    assert (
        propose(write_log("a.csv", [line.encode("latin-1") for line in lines])).settings["encoding"] == "latin-1"
    )
    assert "encoding" not in propose(write_log("b.csv", lines)).settings


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators(write_log: WRITE, mark: str) -> None:
    # What is quoted, and what texts hold now and then, is no separator.
    texts = [
        f'"a{other} b"' if row % 2 else "c; d" if mark == "," else "c, d" for row, other in enumerate(",;|\t" * 5)
    ]
    found = propose(write_log("a.csv", log(f"time{mark}v{mark}text", times(20), wave(20), texts, mark=mark)))
    assert found.recipe.separator == mark
    assert ("separator" in found.settings) == (mark != ",")
    assert found.settings["exclude"] == ["text"]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_texts_that_all_hold_another_separator(write_log: WRITE, mark: str) -> None:
    texts = ["a; b, c\td" if mark == "x" else f"a{'|' if mark != '|' else ';'}b"] * 20
    found = propose(write_log("a.csv", log(f"time{mark}v{mark}text", times(20), wave(20), texts, mark=mark)))
    assert found.recipe.separator == mark


@pytest.mark.parametrize(
    ("numbers", "decimal"),
    [(["1,5", "-0,25", "3"] * 10, ","), ([*wave(29), "1,5"], "."), (["1", "2", "3"] * 10, ".")],
    ids=["commas", "points and a slip", "whole"],
)
def test_decimal_marks(write_log: WRITE, numbers: list[str], decimal: str) -> None:
    found = propose(write_log("a.csv", log("time;v", times(30), numbers, mark=";")))
    assert found.recipe.decimal == decimal
    assert ("decimal" in found.settings) == (decimal == ",")


def test_commas_that_may_group_thousands_are_doubted(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", log("time;v", times(30), ["1,500", "2,250", "12,125"] * 10, mark=";")))
    assert found.recipe.decimal == ","
    assert doubted(found, "may group thousands")


def test_a_log_without_a_header(write_log: WRITE, tmp_path: Path) -> None:
    lines = log("", wave(30), times(30), wave(30, seed=1))[1:]
    found = propose(write_log("a.csv", lines))
    assert found.settings == {"time": "time", "header": ["a1", "time", "a2"]}
    store = ingest(tmp_path, tmp_path / "a.csv")
    assert store.channels == ("a1", "a2")
    np.testing.assert_array_equal(store.values[:, 0], np.array(wave(30), np.float32))


@pytest.mark.parametrize(
    "first", ["time,2023,2024", ",0,1", "when,NA,b", "NA,b"], ids=["years", "pandas", "a word for missing", "R"]
)
def test_headers_that_look_like_rows(write_log: WRITE, first: str) -> None:
    found = propose(write_log("a.csv", log(first, times(30), wave(30), wave(30, seed=1))))
    assert "header" not in found.settings


def test_a_first_row_with_a_missing_value_is_no_header(write_log: WRITE) -> None:
    lines = log("", times(30), ["NA", *wave(29)], wave(30, seed=1))[1:]
    found = propose(write_log("a.csv", lines))
    assert found.settings == {"time": "time", "header": ["time", "a1", "a2"], "null": ["NA"]}


FORMATS = [
    ("%Y-%m-%d %H:%M:%S", None),
    ("%Y-%m-%dT%H:%M:%S.%fZ", None),
    ("%Y-%m-%d %H:%M:%S+01:00", None),
    ("%Y-%m-%d", None),
    ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M"),
    ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
    ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
    ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p"),
    ("%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S%.f"),
    ("%d.%m.%Y %H:%M:%S,%f", "%d.%m.%Y %H:%M:%S,%6f"),
    ("%d.%m.%y %H:%M", "%d.%m.%y %H:%M"),
    ("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S"),
    ("%d %B %Y %H:%M", "%d %B %Y %H:%M"),
    ("%b %d, %Y %I:%M %p", "%b %d, %Y %I:%M %p"),
    ("%d/%b/%Y:%H:%M:%S +0100", "%d/%b/%Y:%H:%M:%S %#z"),
    ("%d/%m/%Y %H:%M:%S UTC", "%d/%m/%Y %H:%M:%S UTC"),
    ("%Y%m%d%H%M%S", "%Y%m%d%H%M%S"),
    ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M%S"),
    ("%Y%m%d", "%Y%m%d"),
]


@pytest.mark.parametrize(("form", "expected"), FORMATS)
def test_formats_of_time(write_log: WRITE, form: str, expected: str | None) -> None:
    step = 86_400 if "%H" not in form and "%I" not in form else 600
    stamps = [f'"{text}"' for text in times(40, step=step, start=datetime(2024, 1, 20), form=form)]
    found = propose(write_log("a.csv", log("stamp,v", stamps, wave(40))))
    assert found.settings.get("time-format") == expected
    assert doubted(found, "no zone") == (not form.endswith(("Z", "0", "UTC")))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([form for form in FORMATS if "%H" in form[0] or "%I" in form[0]]),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.integers(1, 4000),
)
def test_times_are_read_as_they_were_written(form: tuple[str, str | None], start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    stamps = times(40, step=60 * minutes, start=start, form=form[0])
    found = read_times([pl.Series("t", stamps)], pl.Series([0] * 40))
    assert found is not None
    zone = timedelta(hours=1) if "01" in form[0] else timedelta(0)
    wanted = [round((datetime.strptime(text, form[0]).replace(tzinfo=UTC) - zone).timestamp()) for text in stamps]
    if found.doubt is None or "nothing in the sample" not in found.doubt:
        assert (found.nanoseconds // 10**9).to_list() == wanted


@pytest.mark.parametrize(
    ("stamps", "expected", "doubt"),
    [
        (times(40, step=86_400, form="%d/%m/%Y"), "%d/%m/%Y", None),
        (times(40, step=86_400, form="%m/%d/%Y"), "%m/%d/%Y", None),
        (
            [time for day in ("11/02", "12/02", "01/03") for time in times(5, form=f"{day}/2024 %H:%M")],
            "%d/%m/%Y %H:%M",
            "read as %m/%d/%Y %H:%M, more rows would go back",
        ),
        (
            times(40, step=10_800, start=datetime(2024, 2, 8), form="%m/%d/%Y %H:%M"),
            "%m/%d/%Y %H:%M",
            "read as %d/%m/%Y %H:%M, steps would differ",
        ),
        (times(40, start=datetime(2024, 4, 3), form="%d/%m/%Y %H:%M"), "%d/%m/%Y %H:%M", "nothing in the sample"),
    ],
    ids=["day first", "month first", "order", "steps", "neither"],
)
def test_day_and_month(write_log: WRITE, stamps: list[str], expected: str, doubt: str | None) -> None:
    found = propose(write_log("a.csv", log("time,v", stamps, wave(len(stamps)))))
    assert found.settings["time-format"] == expected
    in_doubt = [text for text in found.doubts if text.startswith("time-format")]
    assert len(in_doubt) == (doubt is not None)
    assert doubt is None or doubt in in_doubt[0]


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("year", [1990, 2024, 2099])
def test_numbers_since_1970(write_log: WRITE, tmp_path: Path, unit: str, scale: int, year: int) -> None:
    begin = int(datetime(year, 6, 1, tzinfo=UTC).timestamp())
    stamps = [(begin + 60 * row) * scale for row in range(40)]
    found = propose(write_log("a.csv", log("ts,v", stamps, wave(40))))
    assert found.settings == {"time": "ts", "time-format": unit}
    assert ingest(tmp_path, tmp_path / "a.csv").time[-1] == (begin + 60 * 39) * 10**9


def test_numbers_as_large_as_times_are_none_where_they_do_not_rise(write_log: WRITE) -> None:
    numbers = np.random.default_rng(0).integers(10**9, 2 * 10**9, 40)
    with pytest.raises(SourceError, match=r"a\.csv: no column looks like times; the first row is 'flow': '\d+'"):
        propose(write_log("a.csv", log("flow,v", numbers, wave(40))))
    found = propose(write_log("b.csv", log("flow,v,stamp", numbers, wave(40), times(40))))
    assert found.settings["time"] == "stamp"


def test_time_is_chosen_by_its_name_and_others_are_left_out(write_log: WRITE) -> None:
    received = times(40, start=datetime(2024, 3, 19))
    begin = [1_700_000_000] * 40
    found = propose(write_log("a.csv", log("received,time,start time,v", received, times(40), begin, wave(40))))
    assert found.settings == {"time": "time", "exclude": ["received", "start time"]}
    assert found.why["exclude=start time"] == "another time: '1700000000'"


def test_date_and_time_of_day(write_log: WRITE, tmp_path: Path) -> None:
    days, clocks = times(100, step=3600, form="%d/%m/%Y"), times(100, step=3600, form="%H.%M.%S")
    found = propose(write_log("a.csv", log("Date;Time;v", days, clocks, wave(100), mark=";")))
    assert found.settings["time"] == ["Date", "Time"]
    assert found.settings["time-format"] == "%d/%m/%Y %H.%M.%S"
    np.testing.assert_array_equal(np.diff(ingest(tmp_path, tmp_path / "a.csv").time), [HOUR_NS] * 99)


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [("%Y-%m-%d", "%H:%M", None), ("%Y-%m-%d", "%H", "%Y-%m-%d %H"), ("%Y%m%d", "%H%M", "%Y%m%d %H%M")],
)
def test_other_dates_and_times_of_day(write_log: WRITE, day: str, clock: str, expected: str | None) -> None:
    lines = log("date,hour,v", times(100, step=3600, form=day), times(100, step=3600, form=clock), wave(100))
    if clock == "%H%M":
        # A number with a name of its own is no time of day: it could be anything.
        assert propose(write_log("a.csv", lines)).settings["time"] == "date"
        return
    found = propose(write_log("a.csv", lines))
    assert found.settings["time"] == ["date", "hour"]
    assert found.settings.get("time-format") == expected


def test_numbers_beside_a_date_are_no_times_of_day(write_log: WRITE) -> None:
    quarters = [f"{row % 20}.{25 * (row % 2):02}" for row in range(40)]
    found = propose(write_log("a.csv", log("day,time to fill", times(40, step=86_400, form="%d/%m/%Y"), quarters)))
    assert found.settings == {"time": "day", "time-format": "%d/%m/%Y"}


def test_times_in_parts(write_log: WRITE, tmp_path: Path) -> None:
    moments = [START + timedelta(minutes=10 * row) for row in range(200)]
    parts = zip(*((m.year, m.month, m.day, m.hour, m.minute) for m in moments), strict=True)
    found = propose(write_log("a.csv", log("#YY,MM,DD,hh,mm,v", *parts, wave(200))))
    assert found.settings == {"time": ["#YY", "MM", "DD", "hh", "mm"]}
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 200


def test_parts_beside_a_whole_time_are_left_out(write_log: WRITE) -> None:
    lines = log("year,month,day,v,stamp", [2024] * 50, [3] * 50, [18] * 50, wave(50), times(50))
    assert propose(write_log("a.csv", lines)).settings == {"time": "stamp", "exclude": ["year", "month", "day"]}
    # Without a day, they are numbers like others: those that never change are left out as such.
    lines = log("month,minute,stamp", [3] * 50, np.arange(50) * 7 % 60, times(50))
    assert propose(write_log("b.csv", lines)).why["exclude=month"] == "always 3 in the sample"


def test_a_column_without_a_name_can_be_the_time(write_log: WRITE, tmp_path: Path) -> None:
    found = propose(write_log("a.csv", log(",v", times(40), wave(40))))
    assert found.settings == {"time": "column_1"}
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 40


@pytest.mark.parametrize("name", ["No", "index", "Unnamed: 0", "anything"])
def test_a_count_of_rows_is_left_out(write_log: WRITE, name: str) -> None:
    found = propose(write_log("a.csv", log(f"{name},time,v", range(40), times(40), wave(40))))
    assert found.settings == {"time": "time", "exclude": [name]}
    assert found.why[f"exclude={name}"] == "counts rows"


def test_a_count_of_rows_without_a_name_needs_no_setting(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", log(",time,v", range(40), times(40), wave(40))))
    assert found.settings == {"time": "time"}
    assert found.described()["column_1"] == "left out: counts rows"


def test_what_counts_otherwise_is_a_channel(write_log: WRITE) -> None:
    twice = [2 * row for row in range(40)]
    paused = [min(row, 30) for row in range(40)]
    assert "exclude" not in propose(write_log("a.csv", log("No,time,n", twice, times(40), paused))).settings
    # And where there is nothing else, it is what the log is of.
    assert "exclude" not in propose(write_log("b.csv", log("time,n", times(40), range(40)))).settings


def test_labels(write_log: WRITE, tmp_path: Path) -> None:
    flags = [int(row > 35) for row in range(40)]
    words = ["True" if flag else "False" for flag in flags]
    lines = log("time,v,is_anomaly,EVENT,label", times(40), wave(40), flags, words, [0] * 40)
    found = propose(write_log("a.csv", lines))
    assert found.settings == {"time": "time", "labels": ["is_anomaly", "EVENT", "label"]}
    assert found.why["labels=EVENT"] == "10.0% of them set"
    labels = ingest(tmp_path, tmp_path / "a.csv").labels
    assert labels is not None
    np.testing.assert_array_equal(labels[:, 1], flags)


@pytest.mark.parametrize(
    ("name", "values", "doubt"),
    [
        ("event", ["0", "1", "2", "0"], None),
        ("fan", ["0", "1", "1", "0"], None),
        ("label", ["0", "1", "", "0"], "is missing in some rows"),
        ("fault", ["none", "leak", "none", "leak"], "labels in words"),
    ],
)
def test_what_is_nearly_a_label(write_log: WRITE, name: str, values: list[str], doubt: str | None) -> None:
    found = propose(write_log("a.csv", log(f"time,v,{name}", times(40), wave(40), values * 10)))
    assert "labels" not in found.settings
    assert doubt is None or doubted(found, doubt)


def interleaved(rounds: int, devices: Sequence[str], *, jitter: float = 0) -> list[list[object]]:
    """Rows of several devices in turn: time, device, two numbers."""
    rows: list[list[object]] = []
    numbers = iter(wave(2 * rounds * len(devices)))
    for index in range(rounds):
        for place, device in enumerate(devices):
            moment = START + timedelta(seconds=10 * index + jitter * place)
            rows.append([moment.isoformat(timespec="milliseconds"), device, next(numbers), next(numbers)])
    return rows


@pytest.mark.parametrize("jitter", [0, 0.003], ids=["at the same time", "one after the other"])
def test_series_that_are_interleaved(write_log: WRITE, tmp_path: Path, jitter: float) -> None:
    columns = zip(*interleaved(30, ["fan", "pump", "drive"], jitter=jitter), strict=True)
    found = propose(write_log("a.csv", log("time,device,a,b", *columns)))
    assert found.settings == {"time": "time", "series": "device"}
    assert "the median step of a series is 10s, all steps are the same" in found.seen
    store = ingest(tmp_path, tmp_path / "a.csv")
    assert store.series == ("drive", "fan", "pump")
    assert store.num_rows == 90


def test_series_one_after_the_other(write_log: WRITE) -> None:
    rows = sorted(interleaved(30, ["7", "12", "3"]), key=lambda row: str(row[1]))
    assert propose(write_log("a.csv", log("time,unit_id,a,b", *zip(*rows, strict=True)))).settings == {
        "time": "time",
        "series": "unit_id",
    }


def test_texts_of_a_log_in_order_are_no_series(write_log: WRITE) -> None:
    winds = np.random.default_rng(0).choice(["N", "NE", "S"], 90)
    states = ["open", "shut"] * 45
    # Two states in turn are no two machines where they do not come at a steady pace.
    moments = np.cumsum(np.random.default_rng(0).exponential(100, 90))
    stamps = [(START + timedelta(seconds=float(second))).isoformat() for second in moments]
    found = propose(write_log("a.csv", log("time,wind,v,state", stamps, winds, wave(90), states)))
    assert found.settings == {"time": "time", "exclude": ["wind", "state"]}
    assert found.why["exclude=state"] == "texts: 'open', 'shut'"


def test_each_file_of_a_series(write_log: WRITE, tmp_path: Path) -> None:
    files = [
        write_log(f"{name}.csv", log("time,station,v,w", times(40), [name] * 40, wave(40), wave(40, seed=1)))
        for name in ("north", "south")
    ]
    found = propose(*files)
    assert found.settings == {"time": "time", "series": "station"}
    assert ingest(tmp_path, *files).series == ("north", "south")
    assert propose(files[0]).settings == {"time": "time", "exclude": ["station"]}


def test_files_of_the_same_times_that_nothing_tells_apart(write_log: WRITE) -> None:
    files = [write_log(f"{seed}.csv", log("time,v", times(40), wave(40, seed=seed))) for seed in (0, 1)]
    found = propose(*files)
    assert found.settings == {"time": "time"}
    assert doubted(found, "no column says what a file is of")
    # Files that overlap hold the same.
    later = write_log("2.csv", log("time,v", times(40)[20:], wave(40)[20:]))
    found = propose(files[0], later)
    assert found.settings == {"time": "time", "duplicates": "first"}
    assert not doubted(found, "no column")
    # Files of other columns are joined.
    assert not doubted(
        propose(files[0], write_log("w.csv", log("time,w", times(40), wave(40)))), "what a file is of"
    )


def test_a_long_log_is_pivoted(write_log: WRITE, tmp_path: Path) -> None:
    rows = [row[:3] for row in interleaved(30, ["speed", "heat", "load"])]
    found = propose(write_log("a.csv", log("time,what,value", *zip(*rows, strict=True))))
    assert found.settings == {"time": "time", "pivot": "what"}
    assert doubted(found, "call it series instead")
    store = ingest(tmp_path, tmp_path / "a.csv")
    assert sorted(store.channels) == ["heat", "load", "speed"]
    assert store.num_rows == 30


def test_a_long_log_of_several_machines(write_log: WRITE, tmp_path: Path) -> None:
    rows = [
        [row[0], machine, *row[1:3]]
        for row in interleaved(30, ["speed", "heat", "load"])
        for machine in ("east", "west")
    ]
    found = propose(write_log("a.csv", log("time,machine,sensor,value", *zip(*rows, strict=True))))
    assert found.settings == {"time": "time", "series": "machine", "pivot": "sensor"}
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 60


def test_sensors_at_times_of_their_own_are_series(write_log: WRITE) -> None:
    rows = [row[:3] for row in interleaved(30, ["speed", "heat", "load"], jitter=0.5)]
    rows += [row[:3] for row in interleaved(30, ["speed", "heat", "load"], jitter=0.7)]
    found = propose(write_log("a.csv", log("time,what,value", *zip(*rows, strict=True))))
    assert "pivot" not in found.settings


def test_words_for_missing(write_log: WRITE, tmp_path: Path) -> None:
    a, b, c, d = (wave(100, seed=seed) for seed in range(4))
    a[3] = b[4] = "NA"
    c[5] = c[6] = "sensor off"
    d[7] = "o.5"
    found = propose(write_log("a.csv", log("time,a,b,c,d", times(100), a, b, c, d)))
    assert found.settings == {"time": "time", "null": ["NA", "c=sensor off"]}
    assert found.why["null=NA"] == "2 times in 2 columns"
    assert found.why["null=c=sensor off"].endswith("a missing value?")
    # What is there once is a slip, and rejected.
    assert doubted(found, "1 row of the sample cannot be read: no number in 'd'")
    assert doubted(found, "max-rejects")
    store = ingest(tmp_path, tmp_path / "a.csv", edits='max-rejects = "2%"')
    assert store.num_rows == 99
    assert np.isnan(store.values).sum() == 4


def test_codes_are_no_numbers(write_log: WRITE) -> None:
    codes = np.random.default_rng(0).choice(["7", "A1", "12", "B2", "C3"], 40)
    assert propose(write_log("a.csv", log("time,v,code", times(40), wave(40), codes))).settings["exclude"] == [
        "code"
    ]


def with_now_and_then(value: str, count: int = 100, *, seed: int = 0) -> list[str]:
    return [value if row % 10 == 3 else number for row, number in enumerate(wave(count, seed=seed))]


@pytest.mark.parametrize("value", ["-200", "-999", "-9999.0", "9999", "65535", "-32768", "99.99", "1e32"])
def test_numbers_for_missing(write_log: WRITE, tmp_path: Path, value: str) -> None:
    found = propose(write_log("a.csv", log("time,a,b", times(100), with_now_and_then(value), wave(100, seed=1))))
    (entry,) = found.recipe.null
    assert entry.startswith("a=")
    assert float(entry[2:]) == float(value)
    assert found.described()["a"].endswith("10.0% missing")
    store = ingest(tmp_path, tmp_path / "a.csv")
    assert np.isnan(store.values).sum(axis=0).tolist() == [10, 0]


def test_a_number_for_missing_in_several_columns(write_log: WRITE) -> None:
    a, b = with_now_and_then("-200"), with_now_and_then("-200", seed=1)
    low = [f"{-2 * row}" for row in range(100)]  # where -200 could be as any other
    assert propose(write_log("a.csv", log("time,a,b", times(100), a, b))).settings["null"] == ["-200"]
    assert propose(write_log("b.csv", log("time,a,b,c", times(100), a, b, low))).settings["null"] == ["-200"]
    low[50] = "-200"
    lines = log("time,a,b,c", times(100), a, b, low)
    assert propose(write_log("c.csv", lines)).settings["null"] == ["a=-200", "b=-200"]


@pytest.mark.parametrize(
    ("numbers", "doubt"),
    [
        (["-200", *wave(99)], None),
        ([f"{-200 + row % 150}" for row in range(100)], None),
        (with_now_and_then("0"), None),
        ([str(0 if row % 10 == 3 else 500 + row / 2) for row in range(100)], "'a' is 0 in 10 rows"),
        ([str(-5000 if row % 2 else -200) for row in range(100)], None),
    ],
    ids=["once", "a value as others", "near", "a zero", "two values"],
)
def test_what_is_nearly_a_number_for_missing(write_log: WRITE, numbers: list[str], doubt: str | None) -> None:
    found = propose(write_log("a.csv", log("time,a", times(100), numbers)))
    assert "null" not in found.settings
    assert doubted(found, "means missing") == (doubt is not None)
    assert doubt is None or doubted(found, doubt)


def test_columns_that_never_change(write_log: WRITE) -> None:
    lines = log("time,a,b,c,d", times(40), wave(40), [5] * 40, ["leaf7"] * 40, [""] * 40)
    found = propose(write_log("a.csv", lines))
    assert found.settings == {"time": "time", "exclude": ["b", "c", "d"]}
    assert [found.why[f"exclude={name}"] for name in "bcd"] == [
        "always 5 in the sample",
        "always 'leaf7'",
        "holds nothing",
    ]
    assert doubted(found, "may change elsewhere")
    # A missing value is a change.
    assert (
        "exclude"
        not in propose(write_log("b.csv", log("time,a,b", times(40), wave(40), [5] * 39 + [""]))).settings
    )
    # One that is all there is stays.
    assert "exclude" not in propose(write_log("c.csv", log("time,a", times(40), [5] * 40))).settings


def test_counts_become_rates(write_log: WRITE, tmp_path: Path) -> None:
    counts = [10**7 * row for row in range(1000)]
    restarted = [*counts[:500], *counts[:500]]
    lines = log("time,sent,got,v", times(1000), counts, restarted, wave(1000))
    found = propose(write_log("a.csv", lines))
    assert found.settings == {"time": "time", "rate": ["sent", "got"], "counter-bits": "64"}
    values = ingest(tmp_path, tmp_path / "a.csv").values
    np.testing.assert_allclose(values[1:, 0], 10**7 / 60, rtol=1e-6)


def test_counts_of_each_series(write_log: WRITE) -> None:
    rows = [
        [*row[:2], row[2], 10**7 * index + 10**9 * (row[1] == "pump")]
        for index, row in enumerate(interleaved(100, ["fan", "pump"]))
    ]
    found = propose(write_log("a.csv", log("time,device,v,n", *zip(*rows, strict=True))))
    assert found.settings == {"time": "time", "series": "device", "rate": ["n"]}


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([100 * row for row in range(1000)], None),
        ([10**7 * row + 0.5 for row in range(1000)], None),
        ([10**7 * (row % 10) + row for row in range(1000)], "float64"),
        ([-(10**7) * (row % 10) - row for row in range(1000)], "float64"),
        ([2**25] * 500 + [2**26] * 2 + [2**25] * 498, None),
    ],
    ids=["small", "not whole", "up and down", "below zero", "exact in float32"],
)
def test_what_is_nearly_a_count(write_log: WRITE, tmp_path: Path, numbers: list[float], dtype: str | None) -> None:
    found = propose(write_log("a.csv", log("time,n,v", times(1000), numbers, wave(1000))))
    assert "rate" not in found.settings
    assert found.settings.get("dtype") == dtype
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 1000


def test_whole_numbers_that_no_float_holds_are_left_out(write_log: WRITE, tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(10**17, 10**18, 100)
    found = propose(write_log("a.csv", log("time,v,code", times(100), wave(100), codes)))
    assert found.settings == {"time": "time", "exclude": ["code"]}
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 100


def test_repeated_times(write_log: WRITE, tmp_path: Path) -> None:
    stamps = times(1000)
    stamps[500] = stamps[499]
    found = propose(write_log("a.csv", log("time,v", stamps, wave(1000))))
    assert found.settings == {"time": "time", "duplicates": "first"}
    assert found.why["duplicates"] == "1 row of a time that was before, 1 with other values (see last and mean)"
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 999
    back = times(1000)
    back[500], back[501] = back[501], back[500]
    found = propose(write_log("b.csv", log("time,v", back, wave(1000))))
    assert "duplicates" not in found.settings
    assert "times go back in 1 place" in found.seen


def test_gaps(write_log: WRITE) -> None:
    stamps = times(50) + times(50, start=START + timedelta(hours=2)) + times(2, start=START + timedelta(days=1))
    found = propose(write_log("a.csv", log("time,v", stamps, wave(102))))
    assert "the median step is 1m, 2.0% of steps are others" in found.seen
    assert "2 gaps of over 1.5 times that, the longest 21h11m" in found.seen
    assert not doubted(found, "max-gap")
    moments = np.cumsum(np.random.default_rng(0).exponential(100, 100))
    stamps = [(START + timedelta(seconds=float(second))).isoformat() for second in moments]
    assert doubted(propose(write_log("b.csv", log("time,v", stamps, wave(100)))), "see max-gap")


@pytest.mark.parametrize(
    ("day", "zone", "doubt"),
    [
        (datetime(2024, 10, 27), "", "times go back an hour at 2024-10-27 02:00:00"),
        (datetime(2024, 3, 31), "", "an hour is missing at 2024-03-31 03:00:00"),
        (datetime(2024, 10, 24), "", None),
        (datetime(2024, 3, 31), "Z", None),
    ],
)
def test_changes_of_clocks_are_mentioned(write_log: WRITE, day: datetime, zone: str, doubt: str | None) -> None:
    after = 2 if day.month == 10 else 3
    before = 3 if day.month == 10 else 2
    stamps = times(6 * before, step=600, start=day) + times(100, step=600, start=day + timedelta(hours=after))
    lines = log("time,v", [f"{stamp}{zone}" for stamp in stamps], wave(len(stamps)))
    found = propose(write_log("a.csv", lines))
    assert doubted(found, "clocks are changed") == (doubt is not None)
    assert doubt is None or doubted(found, doubt)


def test_the_newest_row_first(write_log: WRITE, tmp_path: Path) -> None:
    found = propose(write_log("a.csv", log("time,v", times(40)[::-1], wave(40))))
    assert found.settings == {"time": "time"}
    assert "the newest row is first; an ingest puts rows in order" in found.seen
    assert ingest(tmp_path, tmp_path / "a.csv").num_rows == 40


def test_a_long_file_is_looked_at_in_three_places(write_log: WRITE) -> None:
    numbers = [*wave(9_900), *["NA"] * 700, *wave(9_395), *["off"] * 5]
    path = write_log("a.csv", log("time,v", times(20_000), numbers))
    found = propose(path, rows=1000)
    assert found.settings == {"time": "time", "null": ["NA", "v=off"]}
    assert 900 < found.sample.num_rows < 1100
    assert (found.sample.is_whole, found.sample.is_start) == (False, False)
    # The times between its parts are no gaps.
    assert tuple(found.seen[1:]) == ("the median step is 1m, all steps are the same",)


def test_a_compressed_file_is_looked_at_from_the_beginning(write_log: WRITE) -> None:
    found = propose(write_log("a.csv.gz", log("time,v", times(20_000), wave(20_000))), rows=1000)
    assert 900 < found.sample.num_rows < 1100
    assert found.sample.is_start
    assert "(from the beginning)" in found.as_toml()


def test_a_header_that_is_longer_than_the_compressed_file(write_log: WRITE) -> None:
    found = propose(write_log("a.csv.gz", log(f"time,{'v' * 5000}", times(20), [1.5] * 20)))
    assert found.sample.num_rows == 20


def test_some_of_many_files(write_log: WRITE) -> None:
    files = [
        write_log(f"{number:02}.csv", log("time,v", times(50, start=START + timedelta(days=number)), wave(50)))
        for number in range(40)
    ]
    found = propose(*files)
    assert (found.sample.num_files, found.sample.num_files_seen) == (40, 20)
    assert "20 of 40 files" in found.as_toml()
    assert "to 2024-04-26" in found.seen[0]


def test_other_formats(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "when": pl.datetime_range(START, START + timedelta(minutes=99), "1m", eager=True),
            "v": [float(number) for number in wave(100)],
            "fault": [False] * 99 + [True],
            "tags": [["a"]] * 100,
            "note": ["x"] * 100,
        }
    )
    path = tmp_path / "a.parquet"
    frame.write_parquet(path)
    expected = {"time": "when", "labels": ["fault"], "exclude": ["tags", "note"]}
    assert propose(path).settings == expected
    assert ingest(tmp_path, path).num_rows == 100
    path = tmp_path / "seconds.parquet"
    frame.with_columns(pl.col("when").dt.epoch("ms") / 1000).write_parquet(path)
    assert propose(path).settings == {**expected, "time-format": "s"}
    path = tmp_path / "a.ndjson"
    frame.with_columns(pl.col("when").dt.epoch("ms")).write_ndjson(path)
    assert propose(path).settings == {**expected, "time-format": "ms"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([["time,v"]], "there is no row"),
        ([["a,b", "1,2", "3,4"]], "no column looks like times"),
        (
            [["time,note", *(f"{time},x" for time in times(5))]],
            "no column of numbers is left beside the time 'time'",
        ),
        (
            [log("time,v", times(9), wave(9)), log("time;v", times(9), wave(9), mark=";")],
            r"separator is ';', in .* ','",
        ),
        (
            [log("time,v", times(9), wave(9)), log("time,v", times(9), wave(9))[1:]],
            "header is missing, in .* there",
        ),
    ],
    ids=["no rows", "no times", "no numbers", "separators", "headers"],
)
def test_logs_for_which_there_is_no_recipe(write_log: WRITE, files: list[list[str]], message: str) -> None:
    paths = [write_log(f"{number}.csv", lines) for number, lines in enumerate(files)]
    with pytest.raises(SourceError, match=message):
        propose(*paths)
    run = CliRunner().invoke(main, ["profile", *map(str, paths)])
    assert run.exit_code == 1
    assert run.output.startswith("Error: ")


def test_the_command(write_log: WRITE) -> None:
    path = write_log("a.csv", log_lines(50))
    run = CliRunner().invoke(main, ["profile", str(path), "--json", "--rows", "100"], catch_exceptions=False)
    found: dict[str, Any] = json.loads(run.stdout)
    assert found["recipe"] == {"time": "time", "labels": ["fault"]}
    assert found["rows"] == 50
    assert found["columns"]["fault"] == "labels, 10.0% of them set"


def test_the_text_of_a_proposal(write_log: WRITE) -> None:
    lines = log("No,time,v,station", range(40), times(40), with_now_and_then("NA", 40), ["A1"] * 40)
    assert (
        propose(write_log("a.csv", lines)).as_toml()
        == """\
# A proposal of `python -m pipeline profile`: look it over, save it, and run
#   python -m pipeline ingest SOURCE... --recipe FILE --out STORE
#
# Seen in 40 rows of 1 file:
#   times from 2024-03-18 09:30:00 to 2024-03-18 10:09:00
#   the median step is 1m, all steps are the same
#
#   No       left out: counts rows
#   time     time
#   v        10.03 to 19.97, 10.0% missing
#   station  left out: always 'A1'
#
# In doubt:
# - times carry no zone and are read as UTC: if they are local, say timezone = "Europe/Berlin"

time = "time"
exclude = [
    "No",  # counts rows
    "station",  # always 'A1'
]
null = [
    "NA",  # 4 times in 'v'
]
"""
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12).map(str.strip).filter(bool), min_size=2, max_size=4, unique=True))
def test_any_names_and_texts_make_a_recipe(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    names = [
        name for name in dict.fromkeys(names) if name.isascii() or name.encode(errors="ignore").decode() == name
    ]
    frame = pl.DataFrame({"time": times(20), "v": wave(20), **{f"{name} ": [f"{name} x"] * 20 for name in names}})
    path = tmp_path_factory.mktemp("names") / "a.parquet"
    frame.with_columns(pl.col("v").cast(pl.Float64)).write_parquet(path)
    assert propose(path).settings["exclude"] == [f"{name} " for name in names]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_sniffing_never_fails(data: bytes) -> None:
    assert isinstance(sniff(data), Dialect)


class TestRealLogs:
    """The figures are those of INDEX.md."""

    def test_gecco(self, gecco: Path, tmp_path: Path) -> None:
        sources = [gecco / "gecco2018_train.csv.gz", gecco / "gecco2018_test.parquet"]
        assert propose(*sources).settings == {"time": "Time", "labels": ["EVENT"]}
        store = ingest(tmp_path, *sources)
        assert store.num_rows == 279_132
        assert len(store.channels) == 9

    def test_beijing_air(self, gecco: Path, tmp_path: Path) -> None:
        folder = gecco.parent / "beijing_air"
        assert propose(folder).settings == {
            "time": ["year", "month", "day", "hour"],
            "series": "station",
            "exclude": ["No", "wd"],
            "null": ["NA"],
        }
        store = ingest(tmp_path, folder)
        assert store.num_rows == 3 * 35_064
        assert store.series == ("Aotizhongxin", "Dongsi", "Gucheng")
        assert len(store.channels) == 11

    def test_uci_air_quality(self, gecco: Path, tmp_path: Path) -> None:
        source = gecco.parent / "uci_air_quality" / "AirQualityUCI.csv"
        assert propose(source).settings == {
            "time": ["Date", "Time"],
            "time-format": "%d/%m/%Y %H.%M.%S",
            "separator": ";",
            "decimal": ",",
            "null": ["-200"],
        }
        store = ingest(tmp_path, source)
        missing = dict(zip(store.channels, np.isnan(store.values).sum(axis=0).tolist(), strict=True))
        assert store.num_rows == 9_357
        assert len(missing) == 13
        assert (missing["NMHC(GT)"], missing["CO(GT)"]) == (8_443, 1_683)

    @pytest.mark.parametrize(
        ("name", "settings", "rows"),
        [
            (
                "cache_generic-counters",
                {
                    "series": "interface-name",
                    "null": ["4294967295"],
                    "rate": ["bytes-received", "bytes-sent", "packets-received", "packets-sent"],
                    "counter-bits": "64",
                },
                33_732,
            ),
            ("data-rate", {"series": "interface-name", "dtype": "float64"}, 33_732),
            ("node_summary", {"series": "node-name"}, 2_134),
        ],
    )
    def test_cisco_telemetry(
        self, gecco: Path, tmp_path: Path, name: str, settings: dict[str, Any], rows: int
    ) -> None:
        (source,) = (gecco.parent / "cisco_telemetry").glob(f"*{name}.csv.gz")
        found = dict(propose(source).settings)
        excluded = found.pop("exclude")
        assert {"EncodingPath", "Producer"} <= set(excluded)
        assert found == {"time": "column_1", **settings}
        store = ingest(tmp_path, source)
        assert store.num_rows == rows
        assert len(store.series) == (2 if rows == 2_134 else 36)

    def test_machine_temperature(self, gecco: Path, tmp_path: Path) -> None:
        source = gecco.parent / "nab" / "data" / "realKnownCause" / "machine_temperature_system_failure.csv"
        assert propose(source).settings == {"time": "timestamp"}
        # Its only repeated times are outside of the sample; a larger one has them.
        assert propose(source, rows=30_000).settings == {"time": "timestamp", "duplicates": "first"}
        assert ingest(tmp_path, source, edits='duplicates = "first"').num_rows == 22_695 - 12
