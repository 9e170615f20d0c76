"""What a query may do with rows: drop them, and compute with the values of each."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.query import Query
from tests.helpers.errors import raises

COLUMNS = Columns(
    time=("time",), series="key", pivot=None, labels=("fault",), channels=("a", "b"), unused=("note",)
)
ROWS = 40


def frame(rows: int = ROWS, **columns: Any) -> pl.DataFrame:
    random = np.random.default_rng(0)
    schema = {
        "time": pl.Series(np.arange(rows), dtype=pl.Int64),
        "key": ["pump", "fan"] * (rows // 2),
        "fault": pl.Series([0] * rows, dtype=pl.Int8),
        "a": random.random(rows),
        "b": random.random(rows),
        "note": ["x", "y"] * (rows // 2),
    }
    return pl.DataFrame(schema | columns)


def query(sql: str) -> Query:
    return Query(sql, COLUMNS, {"note": pl.String()})


@pytest.mark.parametrize(
    ("sql", "channels"),
    [
        ("SELECT * FROM rows", ("a", "b")),
        ("SELECT *, a - b AS spread FROM rows", ("a", "b", "spread")),
        ("  select *, a - b as spread from rows where a > 0.5", ("a", "b", "spread")),
        ("SELECT * REPLACE (a * 2 AS a) FROM rows", ("a", "b")),
        ("SELECT * EXCLUDE (b) FROM rows", ("a",)),
        ("SELECT time, key, fault, b, a FROM rows", ("b", "a")),
        ("select\ttime, key, fault, a > b AS above FROM rows", ("above",)),
        (
            "SELECT *, CASE WHEN note = 'x' THEN a END AS a_of_x FROM rows WHERE key <> 'limit 3'",
            ("a", "b", "a_of_x"),
        ),
        ('SELECT *, a AS "order by" FROM rows', ("a", "b", "order by")),
        ("SELECT *, a AS group_by, b AS limits FROM rows -- LIMIT 3", ("a", "b", "group_by", "limits")),
        ("SELECT *, note IS DISTINCT FROM 'x' AS other FROM rows", ("a", "b", "other")),
    ],
)
def test_channels(sql: str, channels: tuple[str, ...]) -> None:
    made = query(sql)
    assert made.channels == channels
    made.check_alone(frame())
    found, kept = made.run(frame())
    assert len(kept) == found.height > 0
    assert found["time"].to_list() == kept.tolist()


SPANNING = [
    "SELECT *, AVG(a) OVER () AS m FROM rows",
    "SELECT *, LAG(a) OVER (ORDER BY time) AS m FROM rows",
    "SELECT *, a - AVG(a) OVER(PARTITION BY key) AS m FROM rows",
    "SELECT *, SUM(a) OVER w AS m FROM rows WINDOW w AS (ORDER BY time)",
    "SELECT *, AVG(a) AS m FROM rows",
    "SELECT time, key, fault, AVG(a) AS a FROM rows",
    "SELECT COUNT(*) FROM rows",
    "SELECT time, key, fault, AVG(a) AS a FROM rows GROUP BY time, key, fault",
    "SELECT *, SUM(a) AS s FROM rows GROUP BY ALL",
    "SELECT * FROM rows ORDER BY time",
    "SELECT * FROM rows ORDER  BY a DESC",
    "SELECT * FROM rows LIMIT 1000000",
    "SELECT * FROM rows OFFSET 1",
    "SELECT * FROM rows FETCH FIRST 5 ROWS ONLY",
    "SELECT DISTINCT * FROM rows",
    "SELECT * FROM rows WHERE a > (SELECT AVG(a) FROM rows)",
    "SELECT *, (SELECT MAX(a) FROM rows) AS m FROM rows",
    "SELECT * FROM rows UNION ALL SELECT * FROM rows",
    "SELECT r.* FROM rows AS r JOIN rows AS s ON r.time = s.time",
]


@pytest.mark.parametrize("sql", SPANNING)
def test_what_spans_rows_is_refused_before_a_row_is_read(sql: str) -> None:
    with raises("sql-spans-rows", "--every", "--fill", "--rate") as caught:
        query(sql)
    assert "__row" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "code", "facts"),
    [
        ("", "sql-invalid", ()),
        ("nonsense", "sql-invalid", ("'nonsense'", "SELECT ... FROM rows")),
        (
            "SELECT *, nope FROM rows",
            "sql-invalid",
            ('"nope"', '"time"'),
        ),
        ("SELECT * FROM logs", "sql-invalid", ("'logs'",)),
        ("SELECT *, nope(a) AS b FROM rows", "sql-invalid", ("'nope'",)),
        ("SHOW TABLES", "sql-invalid", ("'SHOW TABLES'", "SELECT ... FROM rows")),
        ("SELECT a FROM rows", "sql-result", ("'time', 'key', 'fault'",)),
        ("SELECT * EXCLUDE (fault) FROM rows", "sql-result", ("'fault'",)),
        ("SELECT * REPLACE ('x' AS time) FROM rows", "sql-result", ("'time'", "String", "Datetime")),
        ("SELECT *, note || 'x' AS text FROM rows", "sql-result", ("'text'", "String", "CAST")),
        ("SELECT * EXCLUDE (a, b) FROM rows", "sql-result", ()),
    ],
)
def test_wrong_queries(sql: str, code: str, facts: tuple[str, ...]) -> None:
    with raises(code, *facts) as caught:
        query(sql)
    assert "__row" not in str(caught.value)
    assert "\n" not in str(caught.value)


class Peeking(Query):
    """A query that looks beside a row in a way that its text does not show."""

    def __init__(self, how: pl.Expr) -> None:
        super().__init__("SELECT * FROM rows", COLUMNS, {"note": pl.String()})
        self._how = how

    def _execute(self, items: str, frame: pl.DataFrame) -> pl.DataFrame:
        found = super()._execute(items, frame)
        return found.with_columns(self._how.alias("a")) if hasattr(self, "_how") else found


@pytest.mark.parametrize(
    "how", [pl.col("a").shift(1), pl.col("a").shift(-1), pl.col("a").mean(), pl.col("a").cum_sum(), pl.len()]
)
def test_a_trial_finds_what_the_text_does_not_show(how: pl.Expr) -> None:
    with raises("sql-spans-rows"):
        Peeking(how).check_alone(frame())
    Peeking(pl.col("a") * 2).check_alone(frame())


def test_rows_of_a_short_piece() -> None:
    made = query("SELECT *, a - b AS spread FROM rows WHERE a > 2")
    for rows in (0, 2, 4):
        made.check_alone(frame(rows))
        found, kept = made.run(frame(rows))
        assert found.height == len(kept) == 0


def test_missing_values_stay_missing() -> None:
    rows = frame(4, a=[1.0, None, float("nan"), 4.0], b=[None, 1.0, 1.0, 1.0])
    found, kept = query("SELECT *, a - b AS spread FROM rows").run(rows)
    assert kept.tolist() == [0, 1, 2, 3]
    spread = found["spread"].fill_null(float("nan")).to_numpy()
    np.testing.assert_array_equal(spread, [np.nan, np.nan, np.nan, 3])


def test_infinity_is_refused_and_its_remedies_work() -> None:
    rows = frame(4, b=[1.0, 2.0, 0.0, 1.0])
    with raises("sql-result", "'ratio'", "1970-01-01T00:00:00.000000002"):
        query("SELECT *, a / b AS ratio FROM rows").run(rows)
    found, _ = query("SELECT *, a / NULLIF(b, 0) AS ratio FROM rows").run(rows)
    assert found["ratio"].null_count() == 1
    _, kept = query("SELECT *, a / b AS ratio FROM rows WHERE b <> 0").run(rows)
    assert kept.tolist() == [0, 1, 3]


def test_what_every_row_must_have_stays() -> None:
    with raises("sql-result", "'time'", "missing"):
        query("SELECT * REPLACE (CASE WHEN a > 0.5 THEN time END AS time) FROM rows").run(frame())


def test_any_name_of_a_column_is_no_obstacle() -> None:
    columns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("__row", "a"), unused=())
    rows = pl.DataFrame({"time": [1, 2], "__row": [7.0, 8.0], "a": [1.0, 2.0]})
    found, kept = Query("SELECT *, __row * 2 AS twice FROM rows WHERE __row > 7", columns, {}).run(rows)
    assert kept.tolist() == [1]
    assert found.rows() == [(2, 8.0, 2.0, 16.0)]
    with raises("sql-invalid", "__row"):
        query("SELECT *, __row AS n FROM rows")
    patterns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("^.*$", "a"), unused=())
    with raises("sql-invalid", "pattern"):
        Query('SELECT *, "^.*$" + 1 AS n FROM rows', patterns, {})


def test_a_condition_that_is_neither_true_nor_false() -> None:
    with raises("sql-invalid", "WHERE", "Float64"):
        query("SELECT * FROM rows WHERE a")
    assert not len(query("SELECT * FROM rows WHERE NULL").run(frame())[1])


@pytest.mark.parametrize(
    ("made", "fact"),
    [
        ("CAST(-1 AS TINYINT)", "-1"),
        ("128", "128"),
        ("fault - 1", "-1"),
        ("CAST(a AS INT) + 128", "to 127"),
    ],
)
def test_a_label_that_cannot_be_stored(made: str, fact: str) -> None:
    with raises("sql-result", "'fault'", fact):
        query(f"SELECT * REPLACE ({made} AS fault) FROM rows").run(frame())


def test_a_label_is_never_missing() -> None:
    with raises("sql-result", "'fault'", "missing"):
        query("SELECT * REPLACE (NULLIF(fault, 0) AS fault) FROM rows").run(frame())
    with raises("sql-result", "'fault'"):
        query("SELECT * REPLACE (NULL AS fault) FROM rows")
    with raises("sql-result", "'key'", "missing"):
        query("SELECT * REPLACE (REPLACE(key, 'fan', '') AS key) FROM rows").run(frame())


def test_a_label_may_be_computed() -> None:
    found, _ = query("SELECT * REPLACE (a > 0.5 AS fault), fault * 100 + 28 AS x FROM rows").run(
        frame(4, a=[0.0, 1.0, 0.0, 1.0], fault=pl.Series([100, 2, 3, 4], dtype=pl.Int8))
    )
    assert (found["fault"].to_list(), found.schema["fault"]) == ([0, 1, 0, 1], pl.Int8)
    assert found["x"].to_list() == [10_028, 228, 328, 428]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.UInt64])
def test_whole_numbers_of_few_bits_do_not_wrap(dtype: type[pl.DataType]) -> None:
    columns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a",), unused=("n",))
    rows = pl.DataFrame({"time": [1, 2], "a": [1.0, 2.0], "n": pl.Series([100, 2], dtype=dtype)})
    made = Query("SELECT *, n * 1000000000 AS many, n - 101 AS less FROM rows", columns, {"n": dtype()})
    assert made.channels == ("a", "many", "less")
    found, _ = made.run(rows)
    assert (found["many"].to_list(), found["less"].to_list()) == ([1e11, 2e9], [-1, -99])


@pytest.mark.parametrize(
    ("items", "name"),
    [
        ("*, a AS a", "a"), ("*, b AS a", "a"), ("*, a", "a"), ("time, key, fault, a, a", "a"), ("*, *", "time"),
        ("*, a AS x, b AS x", "x"), ("*, 1, 2", "literal"), ("*, a AS time", "time"),
    ],
)  # fmt: skip
def test_a_name_that_is_there_already(items: str, name: str) -> None:
    with raises("sql-result", repr(name)):
        query(f"SELECT {items} FROM rows")


def test_a_column_may_not_take_the_name_of_another() -> None:
    with raises("sql-invalid", "'b'"):
        query("SELECT * RENAME (a AS b) FROM rows")
    with raises("sql-result", "'x'"):
        query("SELECT * RENAME (a AS x), b AS x FROM rows")


def test_a_name_that_looks_like_a_repeated_one() -> None:
    assert query('SELECT *, b AS "a:1" FROM rows').channels == ("a", "b", "a:1")


@pytest.mark.parametrize(
    "dtype", ["DECIMAL(0, 0)", "DECIMAL(5, 10)", "DECIMAL(99999999999, 1)", "DECIMAL(39, 1)", "DECIMAL()",
              "DECIMAL(1, 1, 1)", "DECIMAL(1 1)", "DECIMAL((1))", "DECIMAL(.5)", "INT(5)", "DOUBLE(2)", "UNSIGNED"]
)  # fmt: skip
def test_types_that_are_none(dtype: str) -> None:
    for cast in ("CAST(b AS {})", "TRY_CAST(b AS {})", "b::{}"):
        with raises("sql-invalid"):
            query(f"SELECT *, {cast.format(dtype)} AS x FROM rows")


def test_what_breaks_polars_off_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(*args: object, **kwargs: object) -> None:
        raise pl.exceptions.PanicException("attempt to add with overflow\nand more")

    made = query("SELECT * FROM rows")
    monkeypatch.setattr(pl.SQLContext, "execute", break_off)
    with raises("sql-invalid", "attempt to add with overflow") as caught:
        made.run(frame())
    assert "\n" not in str(caught.value)
