"""Of which zone times are: their header, a column beside them, a line above the table, other times say it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

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
    return find_times(found, pl.Series([0] * len(MOMENTS)))[0]


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
        ("Zeit MEZ/MESZ", "Europe/Berlin"),
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
