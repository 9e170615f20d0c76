"""The series that several columns say together, against one column that says the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from longstride import Recipe, SourceError, append, ingest
from longstride.__main__ import main
from longstride.pipeline.ingest.sources.shapes.joined import joined
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import times, write_frame

TEXTS = st.text(alphabet="ab/\\", min_size=1, max_size=4)
BOTH = ("zone", "nr")


def frame(rows: int = 40) -> pl.DataFrame:
    """Numbers of machines are written 01 and 1, which are two machines."""
    whose = [(zone, nr) for zone in ("north", "a/b") for nr in ("01", "1")]
    return pl.DataFrame(
        {
            "time": [stamp for stamp in times(rows) for _ in whose],
            "zone": [zone for zone, _ in whose] * rows,
            "nr": [nr for _, nr in whose] * rows,
            "v": [float(number) for number in range(rows * len(whose))],
        }
    )


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1))
def test_different_parts_give_different_texts(rows: list[tuple[str, str, str]]) -> None:
    found = joined([pl.Series(list(part), dtype=pl.String) for part in zip(*rows, strict=True)])
    assert found.n_unique() == len(set(rows))
    plain = [row for row in rows if not any(mark in "".join(row) for mark in "/\\")]
    assert {"/".join(row) for row in plain} <= set(found)


def test_a_missing_part_is_a_missing_series() -> None:
    found = joined([pl.Series(["a", None, "", "b"]), pl.Series([1, 2, 3, None])])
    assert found.to_list() == ["a/1", None, None, None]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "ndjson", "parquet", "feather"])
def test_two_columns_are_one_series(tmp_path: Path, kind: str) -> None:
    write_frame(frame(), tmp_path / f"log.{kind}")
    ingest([tmp_path / f"log.{kind}"], tmp_path / "out", Recipe(time="time", series=BOTH), piece_bytes=300)
    made = open_store(tmp_path / "out")
    assert made.series == ("a\\/b/01", "a\\/b/1", "north/01", "north/1")
    assert made.channels == ("v",)
    one = frame().filter(pl.col("zone") == "north", pl.col("nr") == "1")
    at = made.segments.series.tolist().index(made.series.index("north/1"))
    rows = slice(made.segments.start[at], made.segments.stop[at])
    assert made.values[rows, 0].tolist() == one["v"].to_list()


def test_a_query_sees_the_parts_and_an_append_knows_them(tmp_path: Path) -> None:
    write_frame(frame(), tmp_path / "log.csv")
    recipe = Recipe(time="time", series=BOTH, sql="SELECT * FROM rows WHERE zone = 'north'")
    ingest([tmp_path / "log.csv"], tmp_path / "out", recipe)
    assert open_store(tmp_path / "out").num_rows == 80
    later = frame(80).slice(160)
    write_frame(later, tmp_path / "later.csv")
    append([tmp_path / "later.csv"], tmp_path / "out")
    made = open_store(tmp_path / "out")
    assert (made.num_rows, made.series) == (160, ("north/01", "north/1"))


def test_the_flag_takes_several_columns(tmp_path: Path) -> None:
    write_frame(frame(), tmp_path / "log.csv")
    command = ["ingest", str(tmp_path / "log.csv"), "--time", "time", "--out", str(tmp_path / "out"), "--series"]
    run = CliRunner().invoke(main, [*command, "zone,nr"], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    assert len(open_store(tmp_path / "out").series) == 4


@pytest.mark.parametrize(
    ("settings", "code", "facts"),
    [
        ({"series": ()}, "recipe-value", ("series",)),
        ({"series": ("zone", "zone")}, "recipe-conflict", ("zone",)),
        ({"series": BOTH, "pivot": "nr"}, "recipe-conflict", ("nr",)),
        ({"series": BOTH, "channels": ("nr", "v")}, "recipe-conflict", ("nr",)),
        ({"series": BOTH, "series_from": "(?P<machine>log)"}, "recipe-conflict", ("zone", "series-from")),
        ({"series": ("zone", "nope")}, "column-missing", ("nope",)),
    ],
)
def test_misuse(tmp_path: Path, settings: dict[str, object], code: str, facts: tuple[str, ...]) -> None:
    write_frame(frame(), tmp_path / "log.csv")
    with raises(code, *facts):
        ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(**{"time": "time", **settings}))  # type: ignore[arg-type]


def test_a_query_changes_the_series_and_not_its_parts(tmp_path: Path) -> None:
    write_frame(frame(), tmp_path / "log.csv")
    recipe = Recipe(time="time", series=BOTH, sql="SELECT * REPLACE (upper(zone) AS zone) FROM rows")
    with raises("sql-result", "'zone'", "'zone/nr'"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", recipe)
    changed = """SELECT * REPLACE (upper("zone/nr") AS "zone/nr", CAST(nr AS DOUBLE) AS nr) FROM rows"""
    whole = replace(recipe, sql=changed)
    report = ingest([tmp_path / "log.csv"], tmp_path / "out", whole)
    assert report.files[0].unused == ()
    made = open_store(tmp_path / "out")
    assert made.series == ("A\\/B/01", "A\\/B/1", "NORTH/01", "NORTH/1")
    assert sorted(made.channels) == ["nr", "v"]


def test_a_column_of_the_same_name(tmp_path: Path) -> None:
    write_frame(frame().with_columns(pl.lit("x").alias("zone/nr")), tmp_path / "log.csv")
    with raises("column-repeated", "zone/nr", kind=SourceError):
        ingest([tmp_path / "log.csv"], tmp_path / "out", Recipe(time="time", series=BOTH))


def test_rows_without_a_part_are_rejected(write_log: Callable[..., Path], tmp_path: Path) -> None:
    log = write_log("log.csv", ["time,zone,nr,v", "2024-03-01 00:00:00,a,1,2", "2024-03-01 00:00:01,a,,3"])
    report = ingest([log], tmp_path / "out", Recipe(time="time", series=BOTH, max_rejects="1"))
    assert report.files[0].rejected == {"series missing": 1}
