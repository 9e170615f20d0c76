"""What a query makes of times: never another year than was meant, and never what another row has decided."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.query import Query
from longstride.pipeline.ingest.sql.vocabulary import PARTS_OF_TIME, TYPED_TEXTS
from tests.helpers.errors import raises

COLUMNS = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a",), unused=("t", "far"))
UNUSED = {"t": pl.String(), "far": pl.Datetime("us")}
MIXED = ["05-01-2024", "2024-01-06", "07-01-2024", "2024-01-08"]


def frame(year: int = 2024) -> pl.DataFrame:
    time = [dt.datetime(year, 1, day, 23, 59, 58) for day in range(1, 5)]
    return pl.DataFrame(
        {
            "time": pl.Series(time, dtype=pl.Datetime("ns")).to_physical(),
            "a": [1.0, 2.0, 3.0, 4.0],
            "t": MIXED,
            "far": [dt.datetime(9999, 12, 31)] * 4,
        }
    )


def query(sql: str) -> Query:
    return Query(sql, COLUMNS, UNUSED)


@pytest.mark.parametrize("dtype", sorted(TYPED_TEXTS - {"INTERVAL"}))
@pytest.mark.parametrize("cast", ["TRY_CAST(t AS {})", "CAST(t AS {})", "t::{}", "CAST(time AS {})"])
def test_a_cast_to_a_time_is_refused(cast: str, dtype: str) -> None:
    with raises("sql-invalid", dtype, "STRPTIME"):
        query(f"SELECT *, EXTRACT(DAY FROM {cast.format(dtype)}) AS day FROM rows")


@pytest.mark.parametrize(
    "expression",
    ["DATE(t)", "TIMESTAMP(t)", "STRPTIME(t)", "DATE(t, t)", "STRPTIME(t, t || '')", "TIMESTAMP('2024-01-01')"],
)
def test_a_time_of_a_text_needs_its_form(expression: str) -> None:
    with raises("sql-invalid", "'%Y-%m-%d'"):
        query(f"SELECT *, EXTRACT(DAY FROM {expression}) AS day FROM rows")


@pytest.mark.parametrize(
    "expression",
    [
        "EXTRACT(YEAR FROM t)", "DATE_PART('year', t)", "t > time", "time = t", "t < DATE '2024-01-06'",
        "time - t",
        "t BETWEEN DATE '2024-01-01' AND DATE '2025-01-01'", "t IN (DATE '2024-01-06')", "NULLIF(t, time)",
        "COALESCE(t, time)", "GREATEST(t, time)", "IF(a > 2, t, time)", "time IN (t)", "STRFTIME(t, '%Y')",
        "TRY_CAST(t AS DOUBLE)", "TRY_CAST(t AS DECIMAL)", "TRY_CAST(t AS DECIMAL(10, 2))",
        "TRY_CAST(t AS BIGINT)",
        "TRY_CAST(t AS BOOLEAN)", "TRY_CAST(LEFT(t, 2) AS BIGINT)", "t > '2024'", "time > '2024-01-02'",
        "CASE t WHEN '2024-01-06' THEN time END", "EXTRACT(DAY FROM STRPTIME(t, '%Y-%m-%d'))",
    ],
)  # fmt: skip
def test_no_text_decides_how_another_is_read(expression: str) -> None:
    """It is refused, or gives of each row what it gives of all."""
    sql = f"SELECT time, a, LENGTH(CAST({expression} AS TEXT)) AS n, ({expression}) IS NULL AS none FROM rows"

    codes: list[str] = []

    def found(rows: pl.DataFrame) -> list[tuple[object, ...]] | None:
        try:
            return query(sql).run(rows)[0].rows()
        except RecipeError as error:
            codes.append(error.code)
            return None

    whole, rows = found(frame()), [found(frame()[row : row + 1]) for row in range(4)]
    assert set(codes) <= {"sql-invalid"}
    assert (whole is None) == any(row is None for row in rows)
    assert whole is None or whole == [row[0] for row in rows if row is not None]


@pytest.mark.parametrize(
    "expression",
    [
        "time + INTERVAL '250 years'",
        "time - INTERVAL '290 years'",
        "time + INTERVAL '100 years' + INTERVAL '100 years' + INTERVAL '90 years'",
        "(time + INTERVAL '200 years') + INTERVAL '90 years'",
        "COALESCE(NULL, time + INTERVAL '200 years') + INTERVAL '3000 months'",
        "CASE WHEN a > 1 THEN time + INTERVAL '250 years' ELSE time END",
        "IF(a > 1, time, time) + INTERVAL '13000 weeks'",
        "time + (time - DATE '1700-01-01')",
        "time + (time - DATE '1970-01-01') + (time - DATE '1970-01-01') + (time - DATE '1970-01-01')"
        " + (time - DATE '1970-01-01') + (time - DATE '1970-01-01')",
    ],
)
def test_a_time_out_of_reach_is_refused(expression: str) -> None:
    with raises("sql-result", "1678", "2261", '"time"'):
        query(f"SELECT * REPLACE ({expression} AS time) FROM rows").run(frame())
    with raises("sql-result", "1678", "2261"):
        query(f"SELECT * FROM rows WHERE {expression} > TIMESTAMP '2000-01-01 00:00:00'").run(frame())
    with raises("sql-result", "1678", "2261"):
        query(f"SELECT *, EXTRACT(YEAR FROM {expression}) AS year FROM rows").run(frame())


@pytest.mark.parametrize(
    "expression",
    [
        "CAST(time - DATE '1700-01-01' AS DOUBLE)",
        "CAST(time - '1700-01-01' AS DOUBLE)",
        "(time - TIMESTAMP '1680-01-01 00:00:00')::BIGINT",
        "CAST(far - time AS DOUBLE)",
    ],
)
def test_a_duration_out_of_reach_is_refused(expression: str) -> None:
    with raises("sql-result", "1678", "2261"):
        query(f"SELECT *, {expression} AS since FROM rows").run(frame())


@pytest.mark.parametrize(
    ("expression", "fact"),
    [
        ("(time - DATE '2000-01-01') * 1000", "CAST"),
        ("2 * (time - DATE '2000-01-01')", "CAST"),
        ("(time - DATE '2000-01-01') / 0.001", "CAST"),
        ("DIV(time - DATE '2000-01-01', 2)", "CAST"),
        ("INTERVAL '1 day' * 99999999", "CAST"),
        ("time < '9999-01-01'", "9999"),
        ("time < DATE '9999-01-01'", "9999"),
        ("time BETWEEN DATE '0001-01-01' AND DATE '2024-01-01'", "0001"),
        ("time + INTERVAL '9999999999 days'", "9999999999"),
        ("time + INTERVAL '99999999999999999999999999 days'", "99999999"),
        ("time + INTERVAL 'x'", "'x'"),
        ("time + INTERVAL '1 fortnight'", "fortnight"),
    ],
)
def test_times_that_no_store_can_hold(expression: str, fact: str) -> None:
    with raises("sql-invalid", fact):
        query(f"SELECT *, {expression} AS x FROM rows")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST(time - TIMESTAMP '2024-01-01 00:00:00' AS DOUBLE) / 1e6", 86_398.0),
        ("CAST((time + INTERVAL '1 day 2 hours') - time AS DOUBLE)", 26 * 3600e9),
        ("IF(time BETWEEN DATE '2024-01-01' AND DATE '2025-01-01', 2, 3) * 4", 8.0),
        ("CASE WHEN time > DATE '2024-01-01' THEN 2 ELSE 3 END * 4", 8.0),
        ("EXTRACT(YEAR FROM time - INTERVAL '100 years') + 1", 1925.0),
        ("(far > time)::DOUBLE", 1.0),
        ("EXTRACT(HOUR FROM time) * 3600 + EXTRACT(MINUTE FROM time) * 60 + EXTRACT(SECOND FROM time)", 86_398.0),
        ("DATE_PART('hour', time) * 60", 1380.0),
        ("EXTRACT(YEAR FROM time) * 10000000", 20_240_000_000.0),
        ("LENGTH(t) - 20", -10.0),
        ("STRPOS(t, '2') * 1000000000 - POSITION('4' IN t)", 6_999_999_990.0),
        ("CAST(a AS TINYINT) * 1000", 1000.0),
        ("(a > 1) + (a > 2) - 5", -5.0),
        ("IF(a = 1, 1, 2) * 2147483647 * 100", 214_748_364_700.0),
        ("100 - CASE WHEN a > 1 THEN 1 ELSE 2147483647 END - 100", -2_147_483_647.0),
        ("LENGTH(LEFT(t, -2)) + ROUND(a * 1234, 1) + 1", 1243.0),
        ("a::SMALLINT * 1000000", 1e6),
        ("CAST(time AS BIGINT) * 10 / 1e19", 1.704153598),
        ("CAST(time AS BIGINT) * CAST(time AS BIGINT) / 1e36", 1.704153598**2),
    ],
)
def test_what_is_within_reach_is_exact(expression: str, expected: float) -> None:
    found, _ = query(f"SELECT *, {expression} AS x FROM rows").run(frame())
    assert found["x"][0] == pytest.approx(expected, rel=1e-12)


def test_each_part_of_a_time_can_be_multiplied() -> None:
    for part in sorted(PARTS_OF_TIME - {"TIME"}):
        sql = f"SELECT *, EXTRACT({part} FROM time) AS x, EXTRACT({part} FROM time) * 100000 AS y FROM rows"
        found, _ = query(sql).run(frame())
        assert (found["x"] * 100_000).to_list() == pytest.approx(found["y"].to_list()), part


def test_a_row_that_the_query_drops_may_be_far_away() -> None:
    rows = pl.concat([frame(), frame(2255)])
    sql = "SELECT * REPLACE (time + INTERVAL '150 years' AS time) FROM rows"
    with raises("sql-result", "1678"):
        query(sql).run(rows)
    found, _ = query(f"{sql} WHERE time < DATE '2100-01-01'").run(rows)
    assert found.height == 4


def test_an_ingest_with_times_out_of_reach_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,v\n2024-01-01,1\n2024-01-02,2\n")
    with raises("sql-result", "1678"):
        sql = "SELECT * REPLACE (time + INTERVAL '250 years' AS time) FROM rows"
        ingest([log], tmp_path / "out", Recipe(time="time", sql=sql))
