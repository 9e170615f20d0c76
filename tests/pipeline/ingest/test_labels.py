"""Labels that a query computes, and labels that a file lacks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from longstride import Recipe, append, ingest
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced

WRITE = Callable[..., Path]
ATTACK = Recipe(
    time="time",
    time_format="s",
    labels=("attack",),
    exclude=("State",),
    sql="SELECT *, State <> 'Normal' AS attack FROM rows",
)
STATES = ["time,v,State", *(f"{row},{row},{'Attack' if row % 3 else 'Normal'}" for row in range(30))]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("piece_bytes", [40, 2**20])
def test_a_query_computes_labels(tmp_path: Path, write_log: WRITE, suffix: str, piece_bytes: int) -> None:
    source = write_log("a.csv", STATES)
    if suffix == "parquet":
        pl.read_csv(source).write_parquet(source.with_suffix(".parquet"), row_group_size=7)
        source = source.with_suffix(".parquet")
    store = assert_balanced(ingest([source], tmp_path / "out", ATTACK, piece_bytes=piece_bytes))
    assert store.channels == ("v",)
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [int(row % 3 > 0) for row in range(30)]


@pytest.mark.parametrize(
    ("item", "code", "fact"),
    [
        ("v AS attack", "sql-result", "Float64"),
        ("State AS attack", "sql-result", "String"),
        ("v AS other", "sql-result", "does not give the label 'attack'"),
        ("200 AS attack", "sql-result", "attack"),
        ("NULLIF(State, 'Attack') <> 'Normal' AS attack", "sql-result", "missing"),
    ],
)
def test_what_is_no_label(tmp_path: Path, write_log: WRITE, item: str, code: str, fact: str) -> None:
    recipe = replace(ATTACK, sql=f"SELECT *, {item} FROM rows")
    with raises(code, fact):
        ingest([write_log("a.csv", STATES)], tmp_path / "out", recipe)


def test_a_label_that_no_column_holds_names_the_ways_out(tmp_path: Path, write_log: WRITE) -> None:
    with raises("column-missing", "'attack'", "--sql", "--absent-labels zero"):
        ingest([write_log("a.csv", STATES)], tmp_path / "out", Recipe(time="time", labels=("attack",)))
    recipe = Recipe(time="time", labels=("attack",), absent_labels="zero")
    with raises("column-missing", "'attack'"):
        ingest([write_log("a.csv", STATES)], tmp_path / "out", recipe)
    with raises("recipe-value", "absent-labels"):
        Recipe(time="time", absent_labels="one")  # type: ignore[arg-type]


FLAGS = Recipe(time="time", time_format="s", labels=("fault",), absent_labels="zero")


def test_a_file_without_the_label_has_it_as_0(tmp_path: Path, write_log: WRITE) -> None:
    files = [write_log("a.csv", ["time,v", "0,1", "1,2"]), write_log("b.csv", ["time,fault,v", "2,1,3", "3,0,4"])]
    with raises("column-missing", "a.csv", "'fault'"):
        ingest(files, tmp_path / "out", replace(FLAGS, absent_labels="error"))
    store = assert_balanced(ingest(files, tmp_path / "out", FLAGS))
    np.testing.assert_array_equal(store.labels, [[0], [0], [1], [0]])
    append([write_log("c.csv", ["time,v", "4,5"])], tmp_path / "out")
    filtered = replace(FLAGS, sql="SELECT *, v * 2 AS w FROM rows WHERE v > 1")
    store = assert_balanced(ingest(files, tmp_path / "filtered", filtered))
    np.testing.assert_array_equal(store.labels, [[0], [1], [0]])
    np.testing.assert_array_equal(store.values, [[2, 4], [3, 6], [4, 8]])


def test_a_file_without_what_a_label_is_computed_from(tmp_path: Path, write_log: WRITE) -> None:
    files = [write_log("a.csv", STATES), write_log("b.csv", ["time,v", "100,7", "101,8"])]
    with raises("sql-invalid", "State"):
        ingest(files, tmp_path / "out", ATTACK)
    recipe = replace(ATTACK, absent_labels="zero")
    report = ingest(files, tmp_path / "out", recipe)
    assert report.look_at == (f"{files[1]} has no column 'State': labels made of it are 0 in its rows",)
    store = assert_balanced(report)
    assert store.labels is not None
    assert store.labels[:, 0].tolist() == [*(int(row % 3 > 0) for row in range(30)), 0, 0]
    append([write_log("c.csv", ["time,v", "102,9"])], tmp_path / "out")
    gap = write_log("d.csv", ["time,v,State", "103,1,Attack", "104,2,"])
    with raises("sql-result", "missing"):  # it has the column: what it does not say is not 0
        append([gap], tmp_path / "out")
