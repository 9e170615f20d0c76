"""A query is written again from allowed words: what it gives is what Polars gives for the original."""

import re
import threading
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.query import Query
from longstride.pipeline.ingest.sql.statement import RowQuery
from longstride.pipeline.ingest.sql.vocabulary import FUNCTIONS
from tests.helpers.errors import raises

COLUMNS = ("time", "a", "b", "t")
FRAME = pl.DataFrame(
    {
        "time": pl.Series([0, 10**9, 86_400 * 10**9, 10**18]).cast(pl.Datetime("ns")),
        "a": [1.5, -2.0, None, float("nan")],
        "b": [0.25, 3.0, 2.0, 0.0],
        "t": ["x", "2024-01-31", None, "Ä'\\\""],
    }
)


def given_by_polars(sql: str, frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    with pl.SQLContext({"rows": frame.lazy()}) as context:
        return context.execute(sql, eager=True)


def written(sql: str) -> str:
    query = RowQuery.of(sql, COLUMNS)
    return f"SELECT {query.items} FROM rows" + (f" WHERE {query.where}" if query.where else "")


EXPRESSIONS = [
    "a + b * 2 - -a / 3 % 2",
    "b // 2",
    "a > 1 AND NOT b <= 2 OR a <> b AND a != 1 AND a == a",
    "a <=> b",
    "a IS DISTINCT FROM b",
    "a IS NOT DISTINCT FROM b",
    "a IS NULL OR b IS NOT NULL",
    "(a > 1) IS TRUE",
    "(a > 1) IS NOT FALSE",
    "a BETWEEN 1 AND 2 AND b NOT BETWEEN .5 AND 1e3",
    "a IN (1.5, 2) OR t NOT IN ('x', 'it''s')",
    "t LIKE 'x%' OR t NOT ILIKE 'X'",
    "t ~ 'x' OR t ~* 'X' OR t !~ 'x' OR t !~* 'x' OR t ^@ 'x'",
    "t RLIKE 'x' OR t REGEXP 'x'",
    "t || '-' || t",
    "t = 'Ä''\\\"'",
    "CASE WHEN a > 1 THEN a WHEN b IS NULL THEN 0 ELSE NULL END",
    "CASE t WHEN 'x' THEN 1 ELSE CASE WHEN b > 1 THEN 2 END END",
    "CAST(a AS TEXT)",
    "CAST(b AS DECIMAL(10, 2))",
    "TRY_CAST(t AS DOUBLE PRECISION)",
    "b::INTEGER + 1",
    "COALESCE(a, b, 0)",
    "NULLIF(b, 0)",
    "IF(b > 1, 1, 0)",
    "IFNULL(a, 0)",
    "GREATEST(a, b) - LEAST(a, b)",
    "ROUND(a, 1) + ABS(b) + FLOOR(b) + CEIL(b) + SIGN(b)",
    "MOD(b, 2) + POW(b, 2) + SQRT(b) + EXP(b) + LN(b) + LOG(b, 2) + LOG2(b) + LOG10(b)",
    "ATAN2(a, b) + SIN(a) + PI()",
    "LEFT(t, 1) || RIGHT(t, 1) || SUBSTR(t, 1, 2) || REPLACE(t, 'x', 'y')",
    "SUBSTRING(t FROM 1 FOR 1)",
    "TRIM(BOTH 'x' FROM t)",
    "POSITION('x' IN t)",
    "CONCAT_WS('-', t, t)",
    "EXTRACT(HOUR FROM time) + DATE_PART('hour', time)",
    "STRFTIME(time, '%Y')",
    "time > '1970-01-01T00:00:01'",
    "time >= TIMESTAMP '1970-01-02 00:00:00' OR time < DATE '1960-01-01'",
    "time - INTERVAL '1 day'",
    'rows.a + "rows"."b" + `a`',
    "1 /* a ' \" comment */ + 2 -- and another; '",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_gives_what_polars_gives(expression: str) -> None:
    sql = f"SELECT time, {expression}\n AS found FROM rows"
    assert given_by_polars(written(sql)).equals(given_by_polars(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM rows",
        "select rows.* from rows where a > 0;",
        'SELECT r.*, r.a + 1 "b c" FROM rows AS r WHERE r.b > 0',
        "SELECT * EXCLUDE (a, b), a AS c, b 'd' FROM rows",
        "SELECT * EXCEPT a FROM rows",
        "SELECT * REPLACE (REPLACE(t, 'x', 'y') AS t, a * 2 AS a) FROM rows",
        'SELECT * RENAME (a AS A, b AS "the b") FROM rows',
        "SELECT * ILIKE 't%' FROM rows",
    ],
)
def test_a_query_gives_what_polars_gives(sql: str) -> None:
    assert given_by_polars(written(sql)).equals(given_by_polars(sql))


CALLS = {
    "CAST": "CAST(a AS TEXT)",
    "TRY_CAST": "TRY_CAST(t AS DOUBLE)",
    "EXTRACT": "EXTRACT(YEAR FROM time)",
    "DATE_PART": "DATE_PART('year', time)",
    "POSITION": "POSITION('x' IN t)",
    "STRFTIME": "STRFTIME(time, '%Y')",
    "STRPTIME": "STRPTIME('2024', '%Y')",
    "TIMESTAMP": "TIMESTAMP('2024-01-01', '%Y-%m-%d')",
    "DATE": "DATE('2024-01-01', '%Y-%m-%d')",
    "PI": "PI()",
    "IF": "IF(a > 1, 1, 2)",
    "REPLACE": "REPLACE(t, 'x', 'y')",
    "MOD": "MOD(a, 2)",
    "DIV": "DIV(b, 2)",
    "CONCAT_WS": "CONCAT_WS('-', t, 'x')",
    "LOG": "LOG(b, 2)",
}
TWO_NUMBERS = {"ATAN2", "ATAN2D", "POW", "POWER", "NULLIF", "IFNULL", "COALESCE", "GREATEST", "LEAST"}
TEXT_AND_TEXT = {"CONCAT", "ENDS_WITH", "STARTS_WITH", "STRPOS", "REGEXP_LIKE"}
TEXT_AND_NUMBER = {"LEFT", "RIGHT", "SUBSTR", "SUBSTRING"}
TEXTS = {
    "BIT_LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "INITCAP", "LENGTH", "LOWER", "LTRIM", "OCTET_LENGTH",
    "REVERSE", "RTRIM", "TRIM", "UPPER",
}  # fmt: skip


def call(function: str) -> str:
    if function in CALLS:
        return CALLS[function]
    if function in TEXT_AND_TEXT:
        return f"{function}(t, 'x')"
    if function in TEXT_AND_NUMBER:
        return f"{function}(t, 2)"
    return f"{function}({'a, b' if function in TWO_NUMBERS else 't' if function in TEXTS else 'b'})"


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_each_allowed_function_looks_at_one_row(function: str) -> None:
    sql = written(f"SELECT *, {call(function)} AS found FROM rows")
    whole = given_by_polars(sql)
    assert whole.height == FRAME.height
    parts = [given_by_polars(sql, FRAME[row : row + 1]) for row in range(FRAME.height)]
    assert pl.concat(parts).equals(whole)
    with pl.SQLContext({"rows": FRAME.lazy()}) as context:
        plan = context.execute(sql).explain(optimized=False)
    assert not re.search(
        r"AGGREGATE|WINDOW|\.over\(|EXPLODE|^ *SLICE|SORT|JOIN", plan, re.IGNORECASE | re.MULTILINE
    )


FILE = "secret.csv"
READS_ELSEWHERE = [
    "SELECT * FROM rows, read_csv('{file}')",
    "SELECT * FROM rows, READ_CSV ('{file}') AS s",
    "SELECT * FROM rows/**/,/**/read_csv('{file}')",
    "SELECT * FROM rows CROSS JOIN read_csv('{file}')",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM \"read_csv\"('{file}')",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "SELECT *, (SELECT MAX(x) FROM read_csv('{file}')) AS m FROM rows",
    "SELECT *, (/**/SELECT MAX(x) FROM read_csv('{file}')) AS m FROM rows",
    "SELECT *, (\nSELECT MAX(x) FROM read_csv('{file}')) AS m FROM rows",
    "SELECT *, a IN (SELECT x FROM read_csv('{file}')) AS m FROM rows",
    "SELECT * FROM rows WHERE a IN (SELECT x FROM read_csv('{file}'))",
    "SELECT * FROM rows WHERE EXISTS (SELECT 1 FROM read_csv('{file}'))",
    "SELECT * FROM rows WHERE EXISTS(FROM read_csv('{file}'))",
    "SELECT *, CASE WHEN (SELECT TRUE FROM read_csv('{file}')) THEN 1 END AS m FROM rows",
    "SELECT *, ABS((SELECT x FROM read_csv('{file}'))) AS m FROM rows",
    "SELECT *, TRIM((FROM read_csv('{file}'))) AS m FROM rows",
    "SELECT *, (TABLE rows) AS m FROM rows",
    "SELECT *, (VALUES (1)) AS m FROM rows",
    "WITH s AS (SELECT * FROM read_csv('{file}')) SELECT * FROM rows",
    "SELECT * FROM rows UNION ALL SELECT * FROM read_csv('{file}')",
    "SELECT * FROM rows; SELECT * FROM read_csv('{file}')",
    "SELECT * FROM rows -- \n; DROP TABLE rows",
    "SELECT * FROM (SELECT * FROM read_csv('{file}')) AS rows",
    "SELECT * FROM rows, LATERAL (SELECT * FROM read_csv('{file}')) AS l",
    "SELECT * FROM rows AS r, UNNEST([1, 2]) AS u",
    "FROM rows SELECT *",
    "FROM read_csv('{file}')",
    "TABLE rows",
    "EXPLAIN SELECT * FROM rows",
    "CREATE TABLE rows AS SELECT * FROM read_csv('{file}')",
    "DROP TABLE rows",
    "DELETE FROM rows",
    "TRUNCATE TABLE rows",
    "SELECT '*/' /* ' */ FROM read_csv('{file}') -- ' FROM rows",
    "SELECT * /* /* */ FROM rows -- */ FROM read_csv('{file}')",
    "SELECT *, $$ FROM rows -- $$ AS x FROM read_csv('{file}')",
    "SELECT *, E'\\' FROM rows --' FROM read_csv('{file}')",
    "SELECT *, U&'\\0027' AS x FROM read_csv('{file}')",
    "SELECT * FROM rows WHERE t = 'it\\' OR a IN (SELECT x FROM read_csv('{file}')) --'",
    "SELECT * FROM rows # '\n, read_csv('{file}')",
    "SELECT * FROM rows WHERE 'unterminated",
    'SELECT * FROM rows WHERE "unterminated',
    "SELECT * FROM rows /* unterminated",
    "SELECT [a] FROM rows",
    "SELECT *, {{'x': a}} AS s FROM rows",
    "\ufeffSELECT * FROM rows",
    "SELECT * INTO x FROM rows",
]


@pytest.mark.parametrize("sql", READS_ELSEWHERE)
def test_what_is_not_the_table_is_refused(sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / FILE
    file.write_text("x\n1\n")
    opened: list[object] = []

    def look(*args: object, **kwargs: object) -> None:
        opened.append(args)

    monkeypatch.setattr(pl, "SQLContext", look)
    columns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a", "b"), unused=())
    with pytest.raises(RecipeError) as caught:
        Query(sql.format(file=file), columns, {"t": pl.String()})
    assert caught.value.code in ("sql-invalid", "sql-spans-rows")
    assert not opened  # Polars, which opens files while it plans, has not seen it
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "AVG(a)", "FIRST(a)", "LAST(a)", "first (a)", "RANK() OVER (ORDER BY a)", "RANK() OVER w", "ROW_NUMBER()",
        "COUNT(*)", "SUM(DISTINCT a)", "SUM(a) FILTER (WHERE a > 1)", "LAG(a) OVER ()", "UNNEST(t)",
        "COLUMNS('a')", "EXPLODE(a)", "(SELECT 1)", "(/**/SELECT MAX(a) FROM rows)", "DISTINCT a", "a ORDER BY a",
        "a OVER w", "ANY_VALUE(a)", "NTILE(4)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["SELECT *, {} AS x FROM rows", "SELECT * FROM rows WHERE ({}) > 0"])
def test_what_spans_rows(expression: str, place: str) -> None:
    with raises("sql-spans-rows"):
        RowQuery.of(place.format(expression), COLUMNS)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("RANDOM()", "random"), ("RAND()", "rand"), ("NOW()", "now"), ("CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
        ("CURRENT_DATE", "CURRENT_DATE"), ("LOCALTIME", "LOCALTIME"), ("UUID()", "uuid"), ("MY_OWN(a)", "my_own"),
        ('"abs"(a)', "abs"), ("ABS(*)", "*"), ("COALESCE(*)", "*"), ("a * *", "*"), ("rows.nope", "nope"),
        ("other.a", "other"), ("a.b", "a"), ("rows.rows.a", "rows"), ("a b c", "b"), ("a 'x' b", "'x'"),
        ("(a AS b)", "b"),
        ("CAST(a AS BYTEA)", "BYTEA"), ("CAST(a AS DECIMAL(b))", "b"), ("a AS \"^.*$\"", "^.*$"), ("(a", "SELECT"),
        ("a)", "SELECT"), ("CASE WHEN a > 1 THEN 2", "CASE"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("?", "?"),
        ("@a", "@"), (":a", ":"), ("", "missing"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named(expression: str, name: str) -> None:
    with raises("sql-invalid", name):
        RowQuery.of(f"SELECT *, {expression} FROM rows", COLUMNS)


def test_names_of_the_language_are_names_in_quotes() -> None:
    names = ("select", "from", "order", "limit", 'a"b', "FILTER", "naïve")
    items = '"select", "from", "order", limit, "a""b", FILTER, naïve, "naïve" AS where'
    sql = f'SELECT {items} FROM rows WHERE "from" > 1'
    query = RowQuery.of(sql, names)
    frame = pl.DataFrame({name: [1.0, 2.0] for name in names})
    found = given_by_polars(f"SELECT {query.items} FROM rows WHERE {query.where}", frame)
    assert found.columns == [*names, "where"]
    assert found.height == 1


@pytest.mark.parametrize(
    "expression",
    ["a" + " + a" * 20_000, "(" * 5000 + "a" + ")" * 5000, "ABS(" * 100 + "a" + ")" * 100,
     "NOT " * 5000 + "(a > 1)",
     "a > 1" + " OR a > 1" * 4000, "CASE WHEN a > 1 THEN " * 60 + "a" + " END" * 60, "- " * 9000 + "a",
     "a" + "::DOUBLE" * 9000],
)  # fmt: skip
def test_an_expression_that_would_end_the_program(expression: str) -> None:
    with raises("sql-invalid", "more than"):
        RowQuery.of(f"SELECT *, {expression} AS x FROM rows", COLUMNS)


def test_the_largest_that_is_allowed() -> None:
    expressions = ["a" + " + a" * 200, "(" * 40 + "a" + ")" * 40, "ABS(" * 40 + "a" + ")" * 40]
    expressions += ["CASE WHEN a > 1 THEN " * 40 + "a" + " END" * 40]
    items = ", ".join(f"{expression} AS x{number}" for number, expression in enumerate(expressions))
    many = ", ".join(f"a + {number} AS c{number}" for number in range(5000))
    sql = written(f"SELECT *, {items}, {many}, a IN (1{', 1' * 5000}) AS among FROM rows")
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(given_by_polars(sql).width))
    thread.start()
    thread.join()
    assert found == [len(COLUMNS) + 4 + 5000 + 1]


CHANNELS = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a", "b"), unused=())
NUMBERS = st.sampled_from(["a", "b", "rows.a", '"b"', "1", "2.5", "NULLIF(b, 2)"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner).map(" ".join).map("({})".format),
        st.tuples(inner, inner).map(lambda two: f"COALESCE({two[0]}, {two[1]})"),
        st.tuples(inner, inner, inner).map(lambda three: "CASE WHEN {} > {} THEN {} END".format(*three)),
        st.tuples(st.sampled_from(["ABS", "SQRT", "FLOOR", "SIN"]), inner).map(lambda two: f"{two[0]}({two[1]})"),
        inner.map(lambda one: f"CAST({one} AS DOUBLE)"),
    )


@given(st.recursive(NUMBERS, deeper, max_leaves=8), st.integers(0, 4))
@example("(a / b)", 2)
@example("(a / 2.5)", 1)
def test_a_piece_gives_what_it_gives_in_the_whole(expression: str, cut: int) -> None:
    made = Query(f"SELECT time, {expression} AS found FROM rows", CHANNELS, {})
    rows = FRAME.select(pl.col("time").to_physical(), "a", "b")
    infinite = pl.col("found").cast(pl.Float64).is_infinite().fill_null(False)
    whole, _ = made._found(rows)
    many = pl.concat([rows] * 16)
    by_polars = given_by_polars(f"SELECT time, {expression} AS found FROM rows", many)
    assert whole.equals(by_polars.head(rows.height))
    pieces = [made._found(rows[:cut])[0], made._found(rows[cut:])[0]]
    assert pl.concat(pieces).equals(whole)
    if not whole.select(infinite.any()).item():
        made.check_alone(rows)


TEXT_OF_WORDS = """
    SELECT FROM rows WHERE a b t * , ( ) . AS AND NOT IS DISTINCT IN (SELECT read_csv ( 'x' ) MAX( ABS( COALESCE(
    CASE WHEN THEN END OVER UNION LATERAL TABLE ; -- /* */ ' \" ` $$ E' [ ] :: DOUBLE REPLACE EXCLUDE 1 .5 - FROM(
    EXTRACT( HOUR TRIM( SUBSTRING( FOR
"""
WORDS = st.sampled_from(TEXT_OF_WORDS.split())


@given(st.lists(WORDS, max_size=14).map(" ".join))
@example("SELECT * , TRIM( FROM a ) FROM rows")
def test_no_mix_of_words_gets_through(text: str) -> None:
    for sql in (text, f"SELECT * , {text} FROM rows", f"SELECT * FROM rows WHERE {text}"):
        query = allowed(sql)
        for written_again in () if query is None else (query.items, query.where or "1"):
            bare = re.sub(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""", " ", written_again).upper()
            assert not re.search(r"['\"`;]|SELECT|WHERE|OVER|UNION|TABLE|LATERAL|READ_CSV|MAX|--|/\*", bare)
            with suppress(pl.exceptions.PolarsError):
                assert given_by_polars(f"SELECT {written_again} FROM rows").height == FRAME.height


def allowed(sql: str) -> RowQuery | None:
    try:
        return RowQuery.of(sql, COLUMNS)
    except RecipeError:
        return None
