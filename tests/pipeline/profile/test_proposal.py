"""The text of a proposal, the command, and logs for which there is none."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Proposal
from longstride.__main__ import main
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.logs.small_logs import log, propose, times, wave

WRITE = Callable[..., Path]


def test_the_text_of_a_proposal(look: Callable[..., Proposal]) -> None:
    found = look("No,time,v,station", range(40), times(40), wave(40, now_and_then="NA"), ["A1"] * 40)
    assert (
        found.as_toml()
        == """\
# A proposal of `longstride profile`: look it over, save it, and run
#   longstride ingest SOURCE... --recipe FILE --out STORE
#
# Seen in 40 rows of 1 file:
#   times from 2024-03-18 09:30:00 to 2024-03-18 10:09:00
#   the median step is 1m, all steps are the same
#   0 windows of 64 rows, in 1 segment
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


def test_the_text_for_a_wide_log(look: Callable[..., Proposal]) -> None:
    text = look(",".join(["time", *(f"v{number}" for number in range(300))]), times(9), *[wave(9)] * 300).as_toml()
    assert "#   and 101 more columns\n" in text
    assert "v198 " in text
    assert "v199" not in text


def test_the_command(write_log: WRITE) -> None:
    path = write_log("a.csv", log_lines(50))
    run = CliRunner().invoke(main, ["profile", str(path), "--json", "--rows", "100"], catch_exceptions=False)
    found = json.loads(run.stdout)
    assert found["recipe"] == {"time": "time", "labels": ["fault"]}
    assert found["rows"] == 50
    assert found["columns"]["fault"] == "labels, 10.0% of them set"


@pytest.mark.parametrize(
    ("files", "code", "facts"),
    [
        ([["time,v"]], "source-empty", ("0.csv: ",)),
        ([["time,v"], ["time,v"]], "source-empty", ("0.csv, ", "1.csv: ")),
        ([["a,b", "1,2", "3,4"]], "times-not-found", ()),
        ([log("time,note", times(5), "x" * 5)], "no-channels", ("'time'", "'note'")),
        (
            [log("time,v", times(9), wave(9)), log("time;v", times(9), wave(9), mark=";")],
            "dialects-differ",
            ("1.csv: ", "separator", "';'", "0.csv", "','"),
        ),
        (
            [log("time,v", times(9), wave(9)), log("time,v", times(9), wave(9))[1:]],
            "dialects-differ",
            ("1.csv: ", "header", "0.csv"),
        ),
    ],
    ids=["no rows", "no rows of two", "no times", "no numbers", "separators", "headers"],
)
def test_logs_for_which_there_is_no_recipe(
    write_log: WRITE, files: list[list[str]], code: str, facts: tuple[str, ...]
) -> None:
    paths = [write_log(f"{number}.csv", lines) for number, lines in enumerate(files)]
    with raises(code, *facts):
        propose(*paths)
    run = CliRunner().invoke(main, ["profile", *map(str, paths)])
    assert run.exit_code == 1
    assert_refused(run.output, code, *facts)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="only Linux has files without a size")
def test_a_file_that_has_no_size_is_named() -> None:
    with raises("times-not-found", "/proc/cpuinfo: "):
        propose(Path("/proc/cpuinfo"))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12).map(str.strip).filter(bool), min_size=2, max_size=4, unique=True))
def test_any_names_and_texts_make_a_recipe(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    names = [name for name in names if name.encode(errors="ignore").decode() == name]
    frame = pl.DataFrame({"time": times(20), "v": wave(20), **{f"{name} ": [f"{name} x"] * 20 for name in names}})
    path = tmp_path_factory.mktemp("names") / "a.parquet"
    frame.with_columns(pl.col("v").cast(pl.Float64)).write_parquet(path)
    assert propose(path).settings["exclude"] == [f"{name} " for name in names]
