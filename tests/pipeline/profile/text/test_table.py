"""Where the table of a text begins, and how its lines are cut, told from small logs of many kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import longstride
from longstride import Proposal
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.profile.text.dialect import sniff
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, propose

TIMES = [f"2025-11-{1 + row // 24:02d} {row % 24:02d}:00:00" for row in range(60)]
TEMPERATURE = [10 + (row * 7 % 23) / 4 for row in range(60)]
FLOW = [300 + (row * 11 % 37) for row in range(60)]
ROWS = list(zip(TIMES, TEMPERATURE, FLOW, strict=True))
Write = Callable[..., Path]


def lines(separator: str = ",", rows: Any = ROWS) -> list[str]:
    return [separator.join(map(str, row)) for row in rows]


def file_of(folder: Path, text: list[str] | str, encoding: str = "utf-8", end: str = "\n") -> Path:
    whole = text if isinstance(text, str) else "".join(line + end for line in text)
    file = folder / "log.txt"
    file.write_bytes(whole.encode(encoding))
    return file


def read(file: Path, folder: Path) -> tuple[Proposal, dict[str, Any]]:
    """The proposal, and the columns of the store that an ingest makes by it, unedited."""
    found = propose(file)
    toml = folder / "recipe.toml"
    toml.write_text(found.as_toml())
    longstride.ingest([file], folder / "log.zarr", Recipe.from_toml(toml))
    store = longstride.open(folder / "log.zarr")
    return found, dict(zip(store.channels, np.asarray(store.values[:]).T, strict=True))


def check(file: Path, folder: Path, temperature: str = "Temp", flow: str = "Flow") -> Proposal:
    found, values = read(file, folder)
    assert list(values) == [temperature, flow]
    np.testing.assert_array_equal(values[temperature], np.array(TEMPERATURE, np.float32))
    np.testing.assert_array_equal(values[flow], np.array(FLOW, np.float32))
    return found


@pytest.mark.parametrize(
    "separator", ["  ", " \t ", "\t", "~", "^", "\x1f", "\x01", "||", "::", "¦", "!", "&", "\\t", ":"]
)
def test_rare_separators(tmp_path: Path, separator: str) -> None:
    quote = '"' if separator == ":" else ""
    rows = [(f"{quote}{time.replace(' ', 'T')}{quote}", *values) for time, *values in ROWS]
    text = lines(separator, [("Time", "Temp", "Flow"), *rows])
    found = check(file_of(tmp_path, text), tmp_path)
    assert found.recipe.separator == {"  ": "blanks", " \t ": "\t"}.get(separator, separator)


def test_columns_of_blanks_around_them(tmp_path: Path) -> None:
    text = ["    Date       Clock      Temp   Flow  "]
    text += [f"  {time}{value:>10.2f}{flow:>7}  " for time, value, flow in ROWS]
    assert check(file_of(tmp_path, text), tmp_path).settings["time"] == ["Date", "Clock"]


@pytest.mark.parametrize("end", ["\r", "\r\r\n"])
def test_other_line_ends(tmp_path: Path, end: str) -> None:
    check(file_of(tmp_path, ["Time,Temp,Flow", *lines()], end=end), tmp_path)


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "Temp"),
        ("utf-16-le", "Temp"),
        ("utf-16-be", "Temp"),
        ("utf-32", "Temp"),
        ("utf-32-be", "Temp"),
        ("gbk", "温度传感器"),
        ("shift_jis", "センサーのあたい"),
        ("euc_kr", "온도센서"),
        ("cp1251", "температура"),
        ("koi8-r", "температура"),
        ("cp1252", "Wärme"),
        ("mac-roman", "Durée"),
        ("cp850", "Größe"),
        ("iso8859-5", "температура"),
        ("euc_jp", "温度と圧力"),
        ("shift_jis", "温度"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, name: str) -> None:
    found = check(file_of(tmp_path, [f"Time,{name},Flow", *lines()], encoding), tmp_path, name)
    assert doubted(found, f"{name!r} is read as") == (not name.isascii())


QUOTED = {
    "loose": ['valve 5" no {}', ' "valve, {}" '],
    "backslash": [r'"seal \"hot\", {}"'],
    "apostrophe": ["'valve, {}'"],
}


@pytest.mark.parametrize(("quote", "text"), [(quote, text) for quote, texts in QUOTED.items() for text in texts])
def test_quotes(tmp_path: Path, quote: str, text: str) -> None:
    rows = [(*row[:2], text.format(number), row[2]) for number, row in enumerate(ROWS)]
    found = check(file_of(tmp_path, ["Time,Temp,Note,Flow", *lines(rows=rows)]), tmp_path)
    assert found.settings["quote"] == quote


def test_a_file_whose_lines_are_in_quotes(tmp_path: Path) -> None:
    text = [f'"{line}"' for line in ["Time,Temp,Flow", *lines()]]
    assert check(file_of(tmp_path, text), tmp_path).settings["quote"] == "lines"


def test_a_slip_among_many_quotes_is_a_bad_row(tmp_path: Path) -> None:
    rows = [(*row[:2], f'"note {number}"', row[2]) for number, row in enumerate(ROWS)]
    text = ["Time,Temp,Note,Flow", *lines(rows=rows)]
    text[20] = text[20].replace('"note', '5" "note')
    found = propose(file_of(tmp_path, text))
    assert "quote" not in found.settings
    assert found.settings["max-rejects"] == "1"


ABOVE = {
    "nothing": [],
    "a title": ["Monthly report of station 7"],
    "a title and a blank line": ["Station 7, north; height 120 m", ""],
    "facts": ["Station:,Alpha", "Serial no,12345,X", "Start,2025-11-01 00:00:00", "", ""],
    "as many fields as rows": ["logger,CR1000,2.3"],
    "groups": [",thermal,"],
}
BELOW = {
    "nothing": [],
    "units": ["-,degC,l/min"],
    "units in brackets": ["[yyyy-mm-dd HH:MM],[°C],[m3/h]"],
    "units and processing": ["TS,Deg C,kg/s", ",Avg,Smp"],
    "a blank line": [""],
}


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("below", BELOW)
def test_lines_above_and_below_the_names(tmp_path: Path, above: str, below: str) -> None:
    text = [*ABOVE[above], "Timestamp,Temp,Flow", *BELOW[below], *lines()]
    found = check(file_of(tmp_path, text), tmp_path)
    assert ("unit" in found.settings) == ("units" in below)
    assert not doubted(found, "cannot be read")


@pytest.mark.parametrize("mark", ["#", "%", "//", "# "])
@pytest.mark.parametrize("names", ["below", "in the last", "in another"])
def test_comments(tmp_path: Path, mark: str, names: str) -> None:
    comments = ["exported by us, 7", "rows: 60", ""]
    place = {"below": None, "in the last": 3, "in another": 1}[names]
    if place is not None:
        comments.insert(place, "Time,Temp,Flow")
    body = lines()
    text = [mark + line for line in comments] + ["Time,Temp,Flow"] * (place is None)
    text += [*body[:30], f'{mark}pause, "begin', *body[30:]]
    found = check(file_of(tmp_path, text), tmp_path)
    assert found.settings["comment"] == mark.strip()


def test_a_column_that_is_called_so_is_no_comment(tmp_path: Path) -> None:
    rows = [(number * 3, *row) for number, row in enumerate(ROWS)]
    found, values = read(file_of(tmp_path, ["#,Time,Temp,Flow", *lines(rows=rows)]), tmp_path)
    assert "comment" not in found.settings
    assert list(values) == ["#", "Temp", "Flow"]


def test_words_of_spreadsheets_are_no_comments(tmp_path: Path) -> None:
    rows = [("#N/A" if number % 9 == 4 else row[1], row[0], row[2]) for number, row in enumerate(ROWS)]
    found, values = read(file_of(tmp_path, ["Temp,Time,Flow", *lines(rows=rows)]), tmp_path)
    assert "comment" not in found.settings
    assert len(values["Temp"]) == 60


@pytest.mark.parametrize("num_rows", [3, 8])
@pytest.mark.parametrize("below", BELOW)
def test_units_above_a_few_rows(tmp_path: Path, below: str, num_rows: int) -> None:
    found = propose(file_of(tmp_path, ["Timestamp,Temp,Flow", *BELOW[below], *lines(rows=ROWS[:num_rows])]))
    assert found.settings["time"] == "Timestamp"
    assert found.settings.get("skip-below-header", "0") == str(len(list(filter(None, BELOW[below]))))


@pytest.mark.parametrize("units", ["yyyy-mm-dd hh:mm:ss,°C,m3/h", "ts,avg,max"])
def test_units_above_the_names(tmp_path: Path, units: str) -> None:
    check(file_of(tmp_path, [units, "Time,Temp,Flow", *lines()]), tmp_path)


def test_separators_with_a_meaning_of_comments_begin_a_row_of_names(tmp_path: Path) -> None:
    rows = [(number, *row) for number, row in enumerate(ROWS)]
    text = [";Time;Temp;Flow", *(line.replace(",", ";") for line in lines(rows=rows))]
    found = check(file_of(tmp_path, text), tmp_path)
    assert "comment" not in found.settings


def test_names_of_several_levels_above_that_of_the_time(tmp_path: Path) -> None:
    text = [",T,P", ",mean,max", "time,,", *lines()]
    assert list(read(file_of(tmp_path, text), tmp_path)[1]) == ["T mean", "P max"]


def test_groups_tell_names_apart_rather_than_units(tmp_path: Path) -> None:
    text = ["Meta,Boiler,Boiler,Pump,Pump", "Time,T,P,T,P", ",degC,bar,degC,bar"]
    text += lines(rows=[(*row, row[1] + 50, row[2] + 5) for row in ROWS])
    values = read(file_of(tmp_path, text), tmp_path)[1]
    assert list(values) == ["T Boiler", "P Boiler", "T Pump", "P Pump"]


def test_names_in_two_rows(tmp_path: Path) -> None:
    text = ["time,T,T,P,P", ",mean,max,mean,max"]
    text += lines(rows=[(*row, row[1] + 50, row[2] + 5) for row in ROWS])
    found, values = read(file_of(tmp_path, text), tmp_path)
    assert list(values) == ["T mean", "T max", "P mean", "P max"]
    assert found.settings["skip-lines"] == "2"


def test_a_logger_that_restarts_writes_all_above_its_rows_again(tmp_path: Path) -> None:
    above = ['"TOA5","site","CR1000"', '"TIMESTAMP","Temp","Flow"', '"TS","Deg C","l/s"', '"","Avg","Smp"']
    body = [f'"{time}",{value},{flow}' for time, value, flow in ROWS]
    found = check(file_of(tmp_path, [*above, *body[:30], *above, *body[30:]]), tmp_path)
    assert "max-rejects" not in found.settings
    assert found.settings["unit"] == ["Temp=Deg C", "Flow=l/s"]


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("Time,Temp", ROWS),
        ("Time,TempFlow", ROWS),
        ("Time,Temp,Flow", [(time + ",500", value, flow) for time, value, flow in ROWS]),
        ("Time,Temp,Flow,Note", [(*row, "on, off") for row in ROWS]),
        ("Time,Temp,Flow,Note", ROWS),
    ],
    ids=["a name less", "a separator lost", "a comma in the time", "a comma in a text", "a name more"],
)
def test_names_that_do_not_fit_are_refused(tmp_path: Path, names: str, rows: Any) -> None:
    with raises("rows-not-found", "--header", "--skip-lines 1", "line 2"):
        propose(file_of(tmp_path, [names, *lines(rows=rows)]))


@pytest.mark.parametrize("end", [",", ",,", ',""', ", ", ',"\n"'])
@pytest.mark.parametrize("often", [1, 2])
def test_separators_at_the_end_of_rows(tmp_path: Path, end: str, often: int) -> None:
    if often == 2 and end.strip(","):
        end = ","
    body = [line + (end if number % often == 0 else "") for number, line in enumerate(lines())]
    check(file_of(tmp_path, ["Time,Temp,Flow", *body]), tmp_path)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_line_of_names_with_another_separator(tmp_path: Path, separator: str) -> None:
    found = check(file_of(tmp_path, [separator.join(["Time", "Temp", "Flow"]), *lines()]), tmp_path)
    assert (found.settings["header"], found.settings["skip-lines"]) == (["Time", "Temp", "Flow"], "1")


DAMAGED = {
    "another separator": "2025-11-01 00:00:00;11.75;309",
    "a stray quote": '2025-11-01 00:00:00,11".75,309',
    "too few fields": "2025-11-01 00:00:00,11.75",
    "quotes of another kind": "'2025-11-01 00:00:00','11.75','309'",
}


@pytest.mark.parametrize("damaged", DAMAGED)
@pytest.mark.parametrize("above", [[], ["Time,Temp,Flow"], ["Time,Temp,Flow", "-,degC,l/min"]])
def test_a_damaged_first_row_is_no_line_to_skip(tmp_path: Path, damaged: str, above: list[str]) -> None:
    names = ("Temp", "Flow") if above else ("a2", "a3")
    found = check(file_of(tmp_path, [*above, DAMAGED[damaged], *lines()]), tmp_path, *names)
    assert found.settings["max-rejects"] == "1"
    assert found.settings.get("skip-below-header", "0") == str(max(0, len(above) - 1))
    assert "skip-lines" not in found.settings


def test_names_are_invented_with_a_doubt_where_a_line_could_be_meant_for_them(tmp_path: Path) -> None:
    found = check(file_of(tmp_path, ["Station 7", *lines()]), tmp_path, "a2", "a3")
    assert doubted(found, "names are invented: line 1")


def test_units_behind_numbers_do_not_make_blanks_the_separator(tmp_path: Path) -> None:
    rows = [(time, f"{value} degree_Celsius", f"{flow} revolutions_per_minute") for time, value, flow in ROWS]
    found = check(file_of(tmp_path, ["Time,Temp,Flow", *lines(rows=rows)]), tmp_path)
    assert found.settings["unit"] == ["Temp=degree_Celsius", "Flow=revolutions_per_minute"]


def test_names_of_the_first_columns_alone_are_kept_in_doubt(tmp_path: Path) -> None:
    text = ["Time,Temp", *lines(rows=[(*row, row[2] + 1) for row in ROWS])]
    found, values = read(file_of(tmp_path, text), tmp_path)
    assert found.recipe.header == ("Time", "Temp", "column_3", "column_4")
    assert doubted(found, "line 1 has 2 names for 4 columns")
    np.testing.assert_array_equal(values["column_3"], np.array(FLOW, np.float32))


def test_fewer_names_are_not_taken_where_no_time_stands_below_its_name(tmp_path: Path) -> None:
    found = propose(file_of(tmp_path, ["Temp,Flow", *lines(rows=[(*row, row[2] + 1) for row in ROWS])]))
    assert found.recipe.header == ("a1", "a2", "a3", "a4")


def test_rows_of_another_width_behind_each_other_are_named(tmp_path: Path) -> None:
    text = ["Time,Temp,Flow", *lines()[:30], *lines(rows=[row[:2] for row in ROWS[30:]])]
    assert doubted(propose(file_of(tmp_path, text)), "lines 32 to 61, one behind the other")


def test_a_first_field_that_names_the_kind_of_a_row(tmp_path: Path) -> None:
    text = [f"$ACC,{row},{row / 2}" if row % 4 else f"$GPS,120000,{row},5,6" for row in range(40)]
    with raises("times-not-found", "--only-lines", "'$ACC'"):
        propose(file_of(tmp_path, text))


def test_a_header_that_comes_again_below_the_first_row_hides_none() -> None:
    rows = [f"2024-03-01 08:0{n}:00,{n}.5,word" for n in range(8)]
    text = "\n".join(["time,flow,remark", rows[0], "time,flow,remark", *rows[1:]]) + "\n"
    assert sniff(text.encode()).settings["skip-lines"] == "0"
    assert sniff(text.encode()).settings["skip-below-header"] == "0"


def test_a_separator_behind_values_alone(tmp_path: Path) -> None:
    rows = [f"{time} {value}C, {flow / 4}C, {value + 1}C" for time, value, flow in ROWS]
    found, values = read(file_of(tmp_path, rows), tmp_path)
    assert found.settings["time"] == ["a1", "a2"]
    assert found.settings["unit"] == ["a3=C", "a4=C", "a5=C"]
    np.testing.assert_array_equal(values["a3"], np.array(TEMPERATURE, np.float32))


def test_names_near_the_rows_win_over_facts_of_as_many_words(tmp_path: Path) -> None:
    facts = ["TAG CORPOT x", *(f"FACT{number} LABEL a b c" for number in range(5)), "TITLE LABEL Test"]
    path = file_of(
        tmp_path, [*facts, *("NOTES none",) * 6, "T Vf Vm", *(f"{row}.5 {row / 8} 7.{row}" for row in range(20))]
    )
    assert set(longstride.profile([str(path)]).columns) == {"T", "Vf", "Vm"}


def test_events_between_names_and_rows_are_no_names(tmp_path: Path) -> None:
    events = [f"{number},,Alert,Rise,," for number in range(9)]
    rows = [f"{number},{time},EGV,,{value},{flow}" for number, (time, value, flow) in enumerate(ROWS, 9)]
    path = file_of(tmp_path, ["Index,Time,Event,Kind,Temp,Flow", *events, *rows])
    assert longstride.profile([str(path)]).settings["time"] == "Time"
