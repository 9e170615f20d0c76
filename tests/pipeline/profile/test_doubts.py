"""What a proposal does not decide in silence: each column that it leaves out, and each guess, is told."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal, Recipe, ingest
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, log, propose, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


@pytest.mark.parametrize("words", [("it's on", "it's off"), ("Off", "Auto", "Manual")])
def test_states_come_with_the_setting_that_keeps_them(look: LOOK, tmp_path: Path, words: tuple[str, ...]) -> None:
    found = look("time,v,pump", times(100), wave(100), [words[row // 7 % len(words)] for row in range(100)])
    (doubt,) = (text for text in found.doubts if "'pump'" in text)
    made = tmp_path / "made"
    ingest([tmp_path / "a.csv"], made, Recipe(time="time", states=(doubt.partition('states = ["')[2][:-2],)))
    store = open_store(made)
    assert store.channels == ("v", "pump")
    assert store.values[:, 1].tolist() == [row // 7 % len(words) for row in range(100)]


@pytest.mark.parametrize("write", ["{} kW {} s", "{}/{}", "{}:{}"])
def test_numbers_in_texts_that_are_not_read_are_told(look: LOOK, write: str) -> None:
    found = look("time,v,level", times(100), wave(100), [f'"{write.format(row, row)}"' for row in range(100)])
    assert found.settings["exclude"] == ["level"]
    assert doubted(found, "'level'")


@pytest.mark.parametrize("write", ["{:04x}f{}", "v{}.{}", "pump {}-{}", "2{}b3c{}d"])
def test_other_texts_are_named_in_one_doubt(look: LOOK, write: str) -> None:
    code = [write.format(row, row) for row in range(100)]
    found = look("time,v,code,remark", times(100), wave(100), code, [f"remark {row}" for row in range(100)])
    told = [doubt for doubt in found.doubts if "'code'" in doubt]
    (doubt,) = told
    assert doubt.startswith("left out, for their texts are not numbers: 'code', 'remark'. ")
    assert doubt.endswith('states = ["code=FIRST,SECOND"]')


@pytest.mark.parametrize("text", ["1.200,5", "1200-5", "12:00"])
def test_a_text_of_digits_is_never_missing(look: LOOK, text: str) -> None:
    values = [f'"{text}"' if row in (3, 4, 5) else value for row, value in enumerate(wave(100))]
    found = look("time,flow", times(100), values)
    assert "null" not in found.settings
    assert doubted(found, f"'flow' is {text} 3 times")


def test_names_that_come_twice(look: LOOK, store: STORE) -> None:
    found = look("time,v,v", times(40), wave(40), wave(40, seed=1))
    assert doubted(found, "'v' is the name of more than one column: the second is read as 'v_2'")
    assert store().channels == ("v", "v_2")


def test_names_that_come_twice_beside_what_a_second_would_be_called(look: LOOK, store: STORE) -> None:
    found = look("time,v,v_2,v,v", times(40), *(wave(40, seed=seed) for seed in range(4)))
    (doubt,) = (doubt for doubt in found.doubts if "'v' is the name" in doubt)
    assert "the others are read as 'v_3', 'v_4'" in doubt
    assert 'exclude = ["v_3", "v_4"]' in doubt
    assert store().channels == ("v", "v_2", "v_3", "v_4")


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_above_the_header_names_the_separator(write_log: Callable[..., Path], line: str) -> None:
    rows = [f"{time};{value}" for time, value in zip(times(40), wave(40), strict=True)]
    found = propose(write_log("a.csv", [line, "time;v", *rows]))
    assert found.settings == {"time": "time", "separator": ";"}


@pytest.mark.parametrize(("decimals", "is_fine"), [(7, True), (6, True), (2, False)])
def test_decimals_that_float32_would_make_the_same(look: LOOK, decimals: int, is_fine: bool) -> None:
    found = look("time,latitude", times(100), [f"{48.1 + row * 1.1e-6:.{decimals}f}" for row in range(100)])
    assert ("dtype" in found.settings) == (is_fine and decimals >= 6)


@pytest.mark.parametrize(("every", "is_counter"), [(1, True), (5, True), (20, False)])
def test_a_gauge_that_rises_now_and_then_is_no_counter(look: LOOK, every: int, is_counter: bool) -> None:
    found = look("time,v,memory", times(200), wave(200), [2**26 + 4096 * (row // every) for row in range(200)])
    assert ("rate" in found.settings) == is_counter


def test_a_made_up_number_is_missing_where_it_is_at_the_end_of_all_values(look: LOOK) -> None:
    a, b, c = wave(100), wave(100, seed=1), wave(100, seed=2)
    for column in (a, b):
        column[10:20] = ["-9999"] * 10
    c[4] = c[5] = "-9999"
    found = look("time,a,b,c", times(100), a, b, c)
    assert found.settings["null"] == ["-9999"]


@pytest.mark.parametrize(
    ("name", "use"),
    [("y", "doubt"), ("Class", "doubt"), ("status", "doubt"), ("changepoint", "labels"), ("v2", None)],
)
def test_what_may_be_labels_is_not_an_input_in_silence(look: LOOK, name: str, use: str | None) -> None:
    found = look(f"time,v,{name}", times(100), wave(100), [int(row > 90) for row in range(100)])
    assert (found.settings.get("labels") == [name]) == (use == "labels")
    assert doubted(found, f'labels = ["{name}"]') == (use == "doubt")


@pytest.mark.parametrize(("skip", "gap"), [(2, "2s"), (4, "5s")])
def test_gaps_that_leave_no_window(look: LOOK, store: STORE, skip: int, gap: str) -> None:
    seconds = np.cumsum([skip if row % 30 == 29 else 1 for row in range(400)])
    stamps = [
        times(1, start=datetime(2024, 3, 18, 0, second // 60, second % 60))[0] for second in seconds.tolist()
    ]
    found = look("time,v", stamps, wave(400))
    assert found.settings["max-gap"] == gap
    assert len(store().segments) == 1


@pytest.mark.parametrize(("day", "zone"), [("2024-11-03", "America/New_York"), ("2024-04-07", "Australia/Sydney")])
def test_an_hour_that_comes_twice_in_autumn(look: LOOK, store: STORE, day: str, zone: str) -> None:
    twice = 1 if zone == "America/New_York" else 2
    stamps = [f"{day} {hour:02}:00" for hour in sorted([*range(24), twice])]
    found = look("time,v", stamps, wave(len(stamps)))
    (doubt,) = (text for text in found.doubts if "an hour comes twice" in text)
    edits = f'timezone = "{zone}"\nambiguous = "infer"\n'
    assert all(line in doubt for line in edits.splitlines())
    assert "duplicates" not in found.settings
    assert np.diff(store(edits=edits).time).tolist() == [3600 * 10**9] * 24
    assert doubted(look("time,v", stamps, [0] * len(stamps)), "an hour comes twice")  # as if rows were repeated
    summer = [stamp.replace(day, "2024-07-14") for stamp in stamps]
    assert not doubted(look("time,v", summer, wave(len(stamps))), "an hour comes twice")


@pytest.mark.parametrize(
    ("last", "others", "is_told"),
    [("2", "29.4", True), ("28.7", "29.4", False), ("2.", "29.4", True), ("4", "408", True), ("408", "377", False),
     ("1", "0", False), ("clo", "closed", True), ("9.5", "10.5", False)],
)  # fmt: skip
def test_a_file_that_ends_within_a_line(tmp_path: Path, last: str, others: str, is_told: bool) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{time},{value},{others}" for time, value in zip(times(40), wave(40), strict=True)]
    path.write_text("\n".join(["time,v,w", *rows[:-1], rows[-1].removesuffix(others) + last]))
    assert doubted(propose(path), f"its last value, {last} of 'w', may be cut off") == is_told
    path.write_text(path.read_text() + "\n")
    assert not doubted(propose(path), "cut off")


def test_columns_that_are_empty_in_a_sample(write_log: Callable[..., Path]) -> None:
    lines = ["time,v,Lab", *(f"{time},{value}," for time, value in zip(times(3000), wave(3000), strict=True))]
    path = write_log("a.csv", lines)
    assert doubted(propose(path, rows=300), "the sample holds no value of them: 'Lab'")
    assert not doubted(propose(path), "the sample holds no value")


@pytest.mark.parametrize(
    "text", ["{0},{0}", "{0},{0},{0},{0}", "{0},{0},{0}"], ids=["narrower", "wider", "as wide"]
)
@pytest.mark.parametrize("gap", [[], ["", ""]])
def test_another_table_below_is_left_out_and_told(
    write_log: Callable[..., Path], store: STORE, text: str, gap: list[str]
) -> None:
    rows = log("time,v,w", times(60), wave(60), wave(60, seed=1))
    found = propose(write_log("a.csv", [*rows, *gap, *(text.format(7000 + row) for row in range(12))]))
    assert found.settings["max-rejects"] == "12"
    assert doubted(found, f"the table ends above line {62 + len(gap)}")
    assert store().num_rows == 60


def test_rows_with_times_of_another_form_are_not_left_out(write_log: Callable[..., Path]) -> None:
    later = times(12, start=datetime(2024, 3, 18, 10, 30), form="%d.%m.%Y %H:%M")
    rows = log("time,v", [*times(60), *later], wave(72))
    found = propose(write_log("a.csv", rows))
    assert "max-rejects" not in found.settings
    assert doubted(found, "of rows cannot be read, and an ingest stops")


def test_a_column_of_values_without_a_name(look: LOOK, tmp_path: Path) -> None:
    found = look("time,,w", times(40), wave(40), wave(40, seed=1))
    (doubt,) = (text for text in found.doubts if "'column_2'" in text)
    channels = tuple(json.loads(doubt.rpartition("channels = ")[2]))
    assert channels == ("column_2", "w")
    ingest([tmp_path / "a.csv"], tmp_path / "made", Recipe(time="time", channels=channels))
    assert open_store(tmp_path / "made").channels == channels
