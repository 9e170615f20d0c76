"""Logs whose rows hold no time, or a part of it: told by the head, by the owner, or asked for."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from longstride import Proposal, Recipe, RecipeError, SourceError, profile
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.small_logs import doubted, ingest, log, propose, times, wave

WRITE = Callable[..., Path]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], catch_exceptions=False)


def moments(store: SeriesStore) -> np.ndarray:
    return np.asarray(store.time[:]).view("datetime64[ns]")


def values(count: int = 40) -> list[str]:
    return [f"{number % 7}.5,{number % 5}" for number in range(count)]


def test_a_recipe_to_fill_in(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("a.csv", ["a,b", *values()])
    found = run("profile", path)
    assert found.exit_code == 1
    assert_refused(
        found.stderr, "times-not-found", f"longstride profile {path} --every 50us", "--start", "'a': '0.5'"
    )
    assert 'every = "?"' in found.stdout
    assert 'start = "1970-01-01"' in found.stdout
    recipe = tmp_path / "r.toml"
    recipe.write_text(found.stdout)
    refused = run("ingest", path, "--recipe", recipe, "--out", tmp_path / "s")
    assert refused.exit_code == 1
    assert_refused(refused.stderr, "recipe-unfinished", "r.toml", 'every = "?"', "--every")
    assert run("ingest", path, "--recipe", recipe, "--every", "50us", "--out", tmp_path / "s").exit_code == 0
    with raises("recipe-unfinished", "every", kind=RecipeError):
        _ = profile([path]).recipe
    assert json.loads(run("profile", path, "--json").stdout)["recipe"]["every"] == "?"


def test_what_the_owner_says(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("a.csv", ["a,b", *values()])
    found = profile([path], every="20000hz", start="2024-03-01T08:00+01:00")
    assert found.question is None
    assert found.recipe == Recipe(every="20000hz", start="2024-03-01T08:00+01:00")
    assert not doubted(found, "1970")
    assert doubted(profile([path], every="50us"), "as if from 1970")


def test_rows_are_counted_where_the_owner_says_so_though_they_have_times(
    look: Callable[..., Proposal], tmp_path: Path
) -> None:
    look("time,v", times(40), wave(40))
    found = profile([tmp_path / "a.csv"], every="10s")
    assert found.settings == {"start": "1970-01-01", "exclude": ["time"], "every": "10s"}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"every": "fast"}, "recipe-value"),
        ({"every": "0s"}, "recipe-value"),
        ({"start": "noon"}, "recipe-value"),
        ({"start": "2024-03-01"}, "recipe-conflict"),
    ],
)
def test_what_the_owner_cannot_say(write_log: WRITE, told: dict[str, str], code: str) -> None:
    path = write_log("a.csv", log("time,v", times(40), wave(40)))
    with raises(code, kind=RecipeError):
        profile([path], **told)  # type: ignore[arg-type]


def test_a_step_and_a_start_of_the_head(write_log: WRITE, tmp_path: Path) -> None:
    head = ["Bench 3", "Sampling interval (s): 0.5", "Start time: 2024-03-01 08:00:00", ""]
    path = write_log("a.csv", [*head, "a,b", *values()])
    found, store = propose(path), ingest(path, out=tmp_path / "s")
    assert (found.settings["every"], found.settings["start"]) == ("2hz", "2024-03-01T08:00:00")
    assert doubted(found, "line 2, 'Sampling interval (s): 0.5', says how far apart")
    assert doubted(found, "line 3, 'Start time: 2024-03-01 08:00:00', is taken for the time of the first row")
    assert moments(store)[39] == np.datetime64("2024-03-01T08:00:19.5")
    assert store.values[39].tolist() == [4.5, 4.0]


def test_heads_that_differ(write_log: WRITE) -> None:
    paths = [write_log(f"{n}.csv", [f"Rate: {n}00 Hz", "a,b", *values()]) for n in (1, 2)]
    with raises("dialects-differ", "1.csv", "2.csv", "--every", kind=SourceError):
        profile(paths)
    assert doubted(profile(paths, every="1s"), "the rows of all 2 files are counted one after the other")


def test_heads_that_differ_are_fine_where_rows_have_times(write_log: WRITE) -> None:
    paths = [
        write_log(f"{n}.csv", [f"Start time: 2024-03-0{n} 09:30:00", *log("time,v", times(40), wave(40, seed=n))])
        for n in (1, 2)
    ]
    assert propose(*paths).settings["time"] == "time"


def test_the_date_of_times_of_day_in_the_head(write_log: WRITE, tmp_path: Path) -> None:
    clocks = [f"{datetime(2000, 1, 1, 14) + timedelta(seconds=n / 4):%H:%M:%S.%f}"[:-3] for n in range(40)]
    head = ["Log : 20240301 14:00:00", "Channel : RPM", "ID : 7", "Channel : Gear", "ID : 8"]
    path = write_log("a.csv", [*head, *(f"{clock},{row}" for clock, row in zip(clocks, values(), strict=True))])
    found, store = propose(path), ingest(path, out=tmp_path / "s")
    assert found.settings["start"] == "2024-03-01"
    assert doubted(found, "is taken for the date of all rows")
    assert tuple(store.channels) == ("RPM", "Gear")
    assert moments(store)[39] == np.datetime64("2024-03-01T14:00:09.75")


def test_times_of_day_without_a_date(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("log_3.csv", log("time,v", times(40, form="%H:%M:%S"), wave(40)))
    found = profile([path])
    assert found.settings == {"time": "time", "time-format": "h:m:s"}
    assert doubted(found, "without a date")
    assert profile([path], start="2024-03-01").recipe.start == "2024-03-01"


def test_times_of_day_that_pass_midnight(write_log: WRITE) -> None:
    clocks = times(40, form="%H:%M:%S")
    path = write_log("log_4.csv", log("time,v", [*clocks[20:], *clocks[:20]], wave(40)))
    found = profile([path])
    assert found.settings == {"time": "time", "time-format": "%H:%M:%S", "start": "?"}
    assert_refused(run("profile", path).stderr, "times-not-found", "--start 2024-03-01", "--date-from")
    with raises("recipe-value", "2024-03-01T08:00", kind=RecipeError):
        profile([path], start="2024-03-01T08:00")


def test_times_of_day_with_their_half_in_a_column_of_its_own(write_log: WRITE) -> None:
    rows = [f"{clock[:8]},{clock[9:]}" for clock in times(40, form="%I:%M:%S %p")]
    path = write_log("log_5.csv", log("time,half,v", rows, wave(40)))
    assert profile([path]).settings["start"] == "?"
    assert "date of the rows" in str(profile([path]).question)
    told = profile([path], start="2024-03-01").recipe
    assert (told.time_columns, told.time_format) == (("time", "half"), "%I:%M:%S %p")


def test_times_that_are_not_understood_are_named_where_rows_are_to_be_counted(write_log: WRITE) -> None:
    clocks = [f"{row}th of May" for row in range(40)]
    found = profile([write_log("log_6.csv", log("Time,v", clocks, wave(40)))])
    assert found.settings["every"] == "?"
    assert doubted(found, "'Time' may be a time that is not understood")
    assert doubted(found, 'time = "Time"')
    assert not doubted(profile([write_log("log_7.csv", log("kind,v", clocks, wave(40)))]), "not understood")


def test_days_of_a_year_that_the_head_tells(write_log: WRITE, tmp_path: Path) -> None:
    head = ["# name 0 = timeJ: Julian Days", "# name 1 = t0C: Temperature [deg C]"]
    head += ["# name 2 = flow: Flow [l/s]", "# start_time = Mar 01 2024 12:00:00", "*END*"]
    rows = [f"{61.5 + n * 5 / 86400:11.6f} {n % 7}.5 {n % 5}" for n in range(40)]
    path = write_log("a.cnv", [*head, *rows])
    found, store = propose(path), ingest(path, out=tmp_path / "s")
    assert doubted(found, "days of the year 2024")
    assert found.settings["unit"] == ["t0C=deg C", "flow=l/s"]
    assert moments(store)[39] == np.datetime64("2024-03-01T12:03:15")


def test_days_with_too_few_digits_for_the_rate_begin_rows_that_are_counted(
    write_log: WRITE, tmp_path: Path
) -> None:
    head = ["# name 0 = timeJ: Julian Days", "# name 1 = t0C: T", "# name 2 = c: C", "# interval = seconds: 0.02"]
    rows = [f"{61.5 + n * 0.02 / 86400:.6f} {n % 7}.5 {n % 5}" for n in range(40)]
    path = write_log("a.cnv", [*head, "# start_time = Mar 01 2024 11:55:00", "*END*", *rows])
    found, store = propose(path), ingest(path, out=tmp_path / "s")
    assert found.settings["every"] == "50hz"
    assert tuple(store.channels) == ("t0C", "c")
    assert moments(store)[39] == np.datetime64("2024-03-01T12:00:00.78")


def test_cycles_of_machines(look: Callable[..., Proposal], store: Callable[[], SeriesStore]) -> None:
    unit = [number for number in (1, 2, 3) for _ in range(80)]
    found = look("unit,cycle,v", unit, [*range(1, 81)] * 3, wave(240))
    assert found.settings == {"time": "cycle", "time-format": "s", "series": "unit"}
    assert doubted(found, "counts cycles")
    assert store().num_rows == 240


def test_counters_that_show_what_counted_rows_hide(write_log: WRITE) -> None:
    unit = [number for number in (1, 2, 3) for _ in range(30)]
    rows = log("1 1 20.5", unit[1:], [*range(1, 31), *range(1, 31), *range(1, 31)][1:], wave(89), mark=" ")
    found = profile([write_log("a.txt", rows)], every=None)
    assert doubted(found, "'a2' counts rows and starts again in 2 places, where 'a1' changes")
    assert doubted(found, "--time a2 --time-format s --series a1")
    numbers = [number for number in range(60) if number not in (20, 21, 40)]
    found = profile([write_log("b.csv", log("n,v", numbers, wave(57)))], every="1s")
    assert doubted(found, "'n' counts rows and leaves numbers out in 2 places")
    wrapped = profile([write_log("c.csv", log("n,v", [*range(50)] * 3, wave(150)))], every="1s")
    assert not doubted(wrapped, "counts rows")


def test_clocks_that_were_never_set(write_log: WRITE) -> None:
    start = datetime(2000, 1, 1)
    assert doubted(propose(write_log("a.csv", log("time,v", times(40, start=start), wave(40)))), "never set")
    assert doubted(
        propose(write_log("b.csv", log("time,v", times(40, step=0), wave(40)))), "all rows have the time"
    )
    path = write_log("c.csv", log("day,clock,v", ["45/25/2165"] * 40, ["45:85:85"] * 40, wave(40)))
    assert_refused(run("profile", path).stderr, "times-not-found", "'45/25/2165 45:85:85'", "never set", "--every")


def test_an_elapsed_time_in_the_unit_below_its_name(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("a.csv", ["Time,Channel A", "(ms),(V)", "", *(f"{n * 0.5},{n % 7}.5" for n in range(40))])
    assert propose(path).settings["time-format"] == "ms"
    assert moments(ingest(path, out=tmp_path / "s"))[39] == np.datetime64("1970-01-01T00:00:00.0195")


def test_a_head_of_two_rows_of_numbers(write_log: WRITE, tmp_path: Path) -> None:
    path = write_log("a.csv", ["1709280000.0, 1709280000.0", "32.0, 32.0", *values()])
    found, store = propose(path), ingest(path, out=tmp_path / "s")
    assert found.settings["every"] == "32hz"
    assert moments(store)[32] == np.datetime64("2024-03-01T08:00:01")
    assert store.num_rows == 40


@pytest.mark.parametrize(
    "head",
    [
        ["X,CH1,Start,Increment,", "Sequence,Volt,-1.0e-05,2.0e-07,"],
        ["CH0,CH1,t0 = -1e-5, tInc = 2e-07"],
    ],
)
def test_heads_of_oscilloscopes(write_log: WRITE, tmp_path: Path, head: list[str]) -> None:
    path = write_log("a.csv", [*head, *(f"{n},{n % 7}.5,," for n in range(40))])
    store = ingest(path, out=tmp_path / "s")
    assert moments(store)[39] == np.datetime64("1970-01-01T00:00:00.0000078")
    assert store.channels[-1] == "CH1"


def test_names_below_facts_that_look_like_rows(write_log: WRITE) -> None:
    head = ["Label,CH1", "Horizontal Units,s", "Sample Interval,4e-06", "Vertical Offset,0.5", "Vertical Units,V"]
    path = write_log("a.csv", [*head, "TIME,CH1", *(f"{n * 4e-6:.6e},{n % 7}.5" for n in range(40))])
    assert propose(path).settings["time"] == "TIME"


@pytest.mark.parametrize(("seconds", "is_doubted"), [("8.0", False), ("60", True), ("2", True)])
def test_rows_that_do_not_last_as_long_as_the_head_tells(write_log: WRITE, seconds: str, is_doubted: bool) -> None:
    head = ["% Samples per second,5", f"% Cast duration (Seconds),{seconds}", "depth,v"]
    found = profile([write_log("a.csv", [*head, *values()])])
    assert found.recipe.every == "5hz"
    assert doubted(found, "how long the log lasts") is is_doubted


def test_more_rows_than_the_head_tells(write_log: WRITE) -> None:
    found = propose(write_log("a.csv", ["Rate: 100 Hz", "Samples: 20", "a,b", *values()]))
    assert doubted(found, "line 2, 'Samples: 20', says 20 rows, and there are more")


@pytest.mark.parametrize(("num_last", "is_doubted"), [(3, True), (5, False)])
def test_a_last_line_that_is_shorter_may_end_a_list_of_values(
    write_log: WRITE, num_last: int, is_doubted: bool
) -> None:
    """Lines of a waveform hold values in reading order, and the last one those that are left."""
    lines = [" ".join(wave(5, seed=row)) for row in range(40)]
    last = " ".join(wave(num_last))
    found = propose(write_log("a.txt", ["# sampling rate: 100 Hz", *lines, last]))
    assert doubted(found, "in reading order") == is_doubted


@pytest.mark.parametrize("zulu_first", [True, False])
def test_of_two_zones_the_date_of_the_first_row_is_taken(write_log: Callable[..., Path], zulu_first: bool) -> None:
    zones = ["Local Time: 2026/04/21 20:58:10", "Zulu Time: 2026/04/22 03:58:10"]
    clocks = [f"{20 + (58 + row) // 60}:{(58 + row) % 60:02}:10" for row in range(40)]
    found = propose(write_log("a.csv", [*zones[:: -1 if zulu_first else 1], "", *log("TIME,v", clocks, wave(40))]))
    assert found.settings["start"] == "2026-04-21"
    assert doubted(found, "2026/04/22 03:58:10")


@pytest.mark.parametrize(
    ("text", "start", "other"),
    [
        ("180223", "2018-02-23", "2023-02-18"),
        ("230218", "2023-02-18", "2018-02-23"),
        ("310124", "2024-01-31", None),
    ],
)
def test_a_date_of_six_digits_above_times_of_day(
    write_log: WRITE, text: str, start: str, other: str | None
) -> None:
    rows = log("time;u", times(60, form="%H:%M:%S"), wave(60), mark=";")
    found = propose(write_log("a.csv", ["[info]", "Plant=", f"Datum={text}", "[values]", *rows]))
    assert found.settings["start"] == start
    assert doubted(found, f"Datum={text}")
    assert other is None or doubted(found, f'start = "{other}"')
