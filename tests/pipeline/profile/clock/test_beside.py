"""What headers, columns beside the times, lines above the table and other times say of the time of a row."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from longstride import Proposal
from longstride.pipeline.profile.clock.reading import Times
from longstride.pipeline.profile.clock.times import find_times
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.words.zone_words import named_zone
from tests.helpers.logs.small_logs import doubted, propose, wave

MOMENTS = [datetime(2024, 10, 26, 20, tzinfo=UTC) + timedelta(minutes=30 * row) for row in range(30)]
EXPECTED = [int(moment.timestamp()) * 10**9 for moment in MOMENTS]
BERLIN = ZoneInfo("Europe/Berlin")


def first_of(columns: dict[str, list[str]]) -> Times:
    found = {name: Column(pl.Series(name, texts)) for name, texts in columns.items()}
    return find_times(found, pl.Series([0] * len(next(iter(columns.values())))))[0]


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Date Time, GMT-05:00", "Etc/GMT+5"),
        ("Time (UTC+2)", "Etc/GMT-2"),
        ("Time (UTC+05:30)", "Asia/Kolkata"),
        ("Zeit (MEZ)", "Etc/GMT-1"),
        ("TIMESTAMP_PST", "Etc/GMT+8"),
        ("time_cet", "Etc/GMT-1"),
        ("Local time (America/Denver)", "America/Denver"),
        ("Zeit MEZ/MESZ", None),
        ("Time (UTC)", "UTC"),
        ("time_utc", "UTC"),
        ("Time", None),
        ("Time (CST)", None),
        ("Temp/Outside", None),
        ("TIME", None),
        ("Time (+25:00)", None),
    ],
)
def test_names_of_columns(name: str, zone: str | None) -> None:
    assert named_zone(name) == zone


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M"])
@pytest.mark.parametrize("how", ["%Z", "%z"])
def test_a_column_beside_the_times(form: str, how: str) -> None:
    local = [moment.astimezone(BERLIN) for moment in MOMENTS]
    times = first_of(
        {"Time": [f"{at:{form}}" for at in local], "Zone": [f"{at:{how}}" for at in local], "v": ["7"] * 30}
    )
    assert times.recipe.time_columns == ("Time", "Zone")
    assert times.nanoseconds.to_list() == EXPECTED


@pytest.mark.parametrize("name", ["time_utc", "UTC", "created"])
def test_the_same_times_in_utc_win(name: str) -> None:
    form = "%Y-%m-%dT%H:%MZ" if name == "created" else "%Y-%m-%d %H:%M"
    local = [f"{moment.astimezone(BERLIN):%Y-%m-%d %H:%M}" for moment in MOMENTS]
    times = first_of({"Time": local, name: [f"{moment:{form}}" for moment in MOMENTS]})
    assert times.recipe.time_columns == (name,)
    assert times.nanoseconds.to_list() == EXPECTED


def test_other_times_in_utc_do_not_win() -> None:
    later = [f"{moment + timedelta(seconds=7 + row):%Y-%m-%dT%H:%M:%SZ}" for row, moment in enumerate(MOMENTS)]
    times = first_of({"Time": [f"{moment:%Y-%m-%d %H:%M}" for moment in MOMENTS], "sent": later})
    assert times.recipe.time_columns == ("Time",)


@pytest.mark.parametrize(
    ("line", "zone"), [("Timezone: UTC+2", "Etc/GMT-2"), ("# Zeitzone Europe/Berlin", "Europe/Berlin")]
)
def test_a_line_above_the_table_is_a_doubt(tmp_path: Path, line: str, zone: str) -> None:
    rows = [f"{moment:%Y-%m-%d %H:%M},{value}" for moment, value in zip(MOMENTS, wave(30), strict=True)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join([line, "Time,v", *rows]) + "\n")
    assert doubted(propose(log), f'timezone = "{zone}"')


@pytest.mark.parametrize(
    ("name", "digits", "written"), [("ms", 3, "%Y-%m-%d %H:%M:%S"), ("usec", 6, "%d.%m.%Y %H:%M:%S")]
)
def test_a_count_of_milliseconds_beside_the_times(name: str, digits: int, written: str) -> None:
    moments = [MOMENTS[0] + timedelta(milliseconds=125 * row) for row in range(30)]
    counts = [str(moment.microsecond // 10 ** (6 - digits)) for moment in moments]
    times = first_of({"Time": [f"{moment:{written}}" for moment in moments], name: counts, "v": ["7"] * 30})
    assert times.recipe.time_columns == ("Time", name)
    assert times.nanoseconds.to_list() == [EXPECTED[0] + 125 * 10**6 * row for row in range(30)]


def test_a_count_of_milliseconds_beside_seconds_since_1970() -> None:
    seconds = [str(EXPECTED[0] // 10**9 + row // 4) for row in range(30)]
    times = first_of({"sec": seconds, "msec": [str(250 * (row % 4)) for row in range(30)], "v": ["7"] * 30})
    assert times.recipe.time_format == "%s %3f"
    assert times.doubt is None


@pytest.mark.parametrize(("seconds", "nanos"), [("SECONDS", "NANOSECONDS"), ("stamp.secs", "stamp.nsecs")])
def test_seconds_and_their_nanoseconds_go_together(seconds: str, nanos: str) -> None:
    whole = [str(int(at.timestamp())) for at in MOMENTS]
    local = [f"{at + timedelta(hours=2):%Y-%m-%d %H:%M:%S}" for at in MOMENTS]
    times = first_of({seconds: whole, nanos: ["313442945"] * 30, "DATE": local})
    assert times.recipe.time_columns == (seconds, nanos)
    assert [time % 10**9 for time in times.nanoseconds] == [313_442_945] * 30


def test_times_of_whole_seconds_need_no_count() -> None:
    times = first_of({"Time": [f"{at:%Y-%m-%d %H:%M:%S}" for at in MOMENTS], "ms": [*map(str, range(30))]})
    assert times.recipe.time_columns == ("Time",)


def test_the_half_of_the_day_beside_the_times() -> None:
    afternoon = [f"{moment:%Y-%m-%d %I:%M}" for moment in MOMENTS[:8]]
    times = first_of({"Time": afternoon, "AM/PM": ["PM"] * 8})
    assert times.nanoseconds.to_list() == EXPECTED[:8]


@pytest.mark.parametrize("marks", [["P"] * 8, ["a"] * 8, ["A"] * 4 + ["P"] * 4])
def test_a_and_p_alone_are_marks_unless_their_name_says_so(marks: list[str]) -> None:
    """As of values that are approved or provisional."""
    morning = [f"2024-03-{day:02} 08:00" for day in range(1, 9)]
    assert first_of({"Time": morning, "code": marks}).recipe.time_columns == ("Time",)
    named = first_of({"Time": morning, "AM/PM": [f"{mark}m" for mark in marks]})
    assert named.recipe.time_columns == ("Time", "AM/PM")


def test_a_time_that_most_rows_lack_is_not_theirs() -> None:
    received = [f"{at:%Y-%m-%d %H:%M:%S}" for at in MOMENTS]
    failed = [text if row < 4 else None for row, text in enumerate(received)]
    times = first_of({"timestamp": failed, "received at": [None] * 4 + received[4:], "v": ["7"] * 30})
    assert times.recipe.time_columns == ("received at",)


def test_a_date_that_changes_wins_over_one_that_does_not() -> None:
    dates, clocks = ([f"{moment:{form}}" for moment in MOMENTS] for form in ("%Y-%m-%d", "%H:%M"))
    times = first_of({"installed": ["2019-05-17"] * 30, "clock": clocks, "day": dates})
    assert times.recipe.time_columns == ("day", "clock")


def propose_rows(tmp_path: Path, header: str, rows: list[str]) -> Proposal:
    log = tmp_path / "log.csv"
    log.write_text(
        "\n".join([header, *(f"{row},{value}" for row, value in zip(rows, wave(len(rows)), strict=True))])
    )
    return propose(log)


def test_a_zone_with_summer_time_in_the_header_is_a_doubt(tmp_path: Path) -> None:
    found = propose_rows(tmp_path, "MTU (CET/CEST),v", [f"{moment:%Y-%m-%d %H:%M}" for moment in MOMENTS])
    assert "timezone" not in found.settings
    assert doubted(found, 'timezone = "Europe/Berlin"')


def test_two_columns_of_times_are_a_doubt(tmp_path: Path) -> None:
    rows = [f"{at + timedelta(seconds=7):%Y-%m-%d %H:%M:%S},{at:%Y-%m-%d %H:%M:%S}" for at in MOMENTS]
    assert doubted(propose_rows(tmp_path, "received,measured,v", rows), 'time = ["measured"]')


def test_a_column_of_offsets_in_minutes_is_a_doubt(tmp_path: Path) -> None:
    rows = [f"{at:%Y-%m-%d %H:%M},60" for at in MOMENTS]
    assert doubted(propose_rows(tmp_path, "Time,UTC offset (min),v", rows), "'UTC offset (min)' seems to say it")


def test_an_hour_that_is_left_out_in_spring_is_a_doubt(tmp_path: Path) -> None:
    start = datetime(2024, 3, 30, 20, tzinfo=UTC)
    rows = [f"{(start + timedelta(minutes=30 * row)).astimezone(BERLIN):%Y-%m-%d %H:%M}" for row in range(30)]
    assert doubted(propose_rows(tmp_path, "Time,v", rows), 'timezone = "Europe/Berlin"')
    in_utc = [f"{start + timedelta(minutes=30 * row):%Y-%m-%d %H:%M}" for row in range(30)]
    assert not doubted(propose_rows(tmp_path, "Time,v", in_utc), "set forward")


def test_a_flag_of_summer_time_is_no_machine(tmp_path: Path) -> None:
    local = [moment.astimezone(BERLIN) for moment in MOMENTS]
    found = propose_rows(
        tmp_path, "Time,S/W,v", [f"{at:%Y-%m-%d %H:%M},{'S' if at.dst() else 'W'}" for at in local]
    )
    assert "series" not in found.settings
    assert found.settings["ambiguous"] == "infer"


@pytest.mark.parametrize("hours", [-5, 2])
def test_unix_time_beside_local_times_that_are_read_a_moment_later(hours: int) -> None:
    seconds = [1_554_320_767.4 + 15 * row for row in range(200)]
    local = [datetime.fromtimestamp(int(second) + (row % 50 == 7), UTC) for row, second in enumerate(seconds)]
    texts = [(moment + timedelta(hours=hours)).strftime("%a %b %d %H:%M:%S %Y") for moment in local]
    times = first_of({"a1": texts, "a2": [f"{second:.3f}" for second in seconds]})
    assert times.recipe.time == "a2"
