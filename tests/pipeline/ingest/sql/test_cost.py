"""Whatever a query nests, it is refused before Polars sees it, or done in little time and memory."""

import subprocess
import sys

import pytest

from longstride.pipeline.ingest.sql.statement import RowQuery
from tests.helpers.errors import raises
from tests.pipeline.ingest.sql.nesting import NUMBERS, TEXTS, nest

COLUMNS = ("a", "b", "t")
DEEPEST = 200
"""Of a frame without brackets; the others end at 40."""
MEMORY = 2 * 2**30
SECONDS_EACH = 3

WALK = f"""
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
import polars as pl
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.statement import RowQuery
from tests.pipeline.ingest.sql.nesting import NUMBERS, TEXTS, nest

rows = pl.DataFrame({{"a": [1.5, -2.0, 3.0], "b": [0.25, 3.0, 2.0], "t": ["2024", "1999", "2000"]}}).lazy()

def allowed(frame, operand, depth):
    try:
        return RowQuery.of(f"SELECT {{nest(frame, operand, depth)}} AS x FROM rows", ("a", "b", "t")).items
    except RecipeError:
        return None

for frame, operand in [(frame, "a") for frame in NUMBERS] + [(frame, "t") for frame in TEXTS]:
    print(frame, flush=True)
    depth = 1
    while depth < {DEEPEST} and allowed(frame, operand, depth + 1):
        depth += 1
    started = time.perf_counter()
    with pl.SQLContext({{"rows": rows}}) as context:
        try:
            context.execute(f"SELECT {{allowed(frame, operand, depth)}} FROM rows", eager=True)
        except pl.exceptions.PolarsError as error:
            assert "parser" not in str(error), (frame, depth, error)
    seconds = time.perf_counter() - started
    assert seconds < {SECONDS_EACH}, (frame, seconds)
print("all")
"""


def test_each_word_of_the_vocabulary_as_deep_as_it_may_be() -> None:
    found = subprocess.run(
        [sys.executable, "-c", WALK],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "POLARS_MAX_THREADS": "2"},
    )
    frames = found.stdout.splitlines()
    assert (found.returncode, frames[-1:]) == (0, ["all"]), (frames[-1:], found.stderr[-2000:])
    assert frames == [*NUMBERS, *TEXTS, "all"]


@pytest.mark.parametrize(
    "expression",
    [
        nest("NULLIF({}, a)", "a", 30),
        nest("LEFT(t, LENGTH({}))", "t", 19),
        nest("RIGHT(t, LENGTH({}))", "t", 19),
        nest("a BETWEEN 0 AND {}", "1", 60),
        nest("({} BETWEEN 0 AND 1)::DOUBLE", "a", 30),
        nest("CASE {} WHEN 1 THEN 2 WHEN 2 THEN 3 END", "a", 12),
        nest("({} IN (a, b, 2))::DOUBLE", "a", 8),
        f"a IN (b{', b' * 5000})",
        f"COALESCE(a{', b' * 5000})",
        f"CONCAT(t{', t' * 5000})",
    ],
)
def test_what_polars_writes_many_times(expression: str) -> None:
    with raises("sql-invalid"):
        RowQuery.of(f"SELECT {expression} AS x FROM rows", COLUMNS)
    with raises("sql-invalid"):
        RowQuery.of(f"SELECT * FROM rows WHERE {expression} > 0", COLUMNS)
    with raises("sql-invalid"):
        RowQuery.of(f"SELECT * REPLACE ({expression} AS a) FROM rows", COLUMNS)


@pytest.mark.parametrize(
    "expression",
    [
        "LENGTH(" + nest("REPLACE({}, 'x', 'xxxxxxxxxxxx')", "t", 3) + ")",
        "LENGTH(REPLACE(UPPER(REPLACE(t, 'x', 'xxxxxxxxxxxx') || 'x'), 'X', 'xxxxxxxxxxxx'))",
        "REPLACE(t, '', 'x')",
        "REPLACE(t, 'x', t)",
        "REPLACE(t, t, 'x')",
        "REPLACE(t, 'x', 'y' || t)",
        "REPLACE(t, 'x')",
        f"REPLACE(t, 'x', '{'y' * 100}')",
        f"LENGTH(t || '{'y' * 5000}')",
        f"STRFTIME(b, '{'%Y' * 5000}')",
        "t" + " || t" * 100,
        f"CONCAT(t{', t' * 100})",
        f"CONCAT_WS('{'-' * 500}', t, t, t)",
    ],
)
def test_texts_grow_no_more_than_so_many_times(expression: str) -> None:
    with raises("sql-invalid"):
        RowQuery.of(f"SELECT {expression} AS x FROM rows", COLUMNS)


@pytest.mark.parametrize(
    "expression",
    [
        "a BETWEEN 0 AND 1" + " AND b BETWEEN 0 AND 1" * 40,
        f"a IN (1{', 1' * 5000})",
        "NULLIF(NULLIF(NULLIF(a, -200), -999), 9999)",
        "SUBSTR(t, 2, LENGTH(t) - 2)",
        "REPLACE(REPLACE(t, ',', '.'), 'x', '')",
        f"t = '{'y' * 5000}'",
        "CASE" + "".join(f" WHEN a > {number} THEN {number}" for number in range(60)) + " END",
        "CASE t" + "".join(f" WHEN 'x{number}' THEN {number}" for number in range(60)) + " END",
    ],
)
def test_what_is_wide_but_not_deep_is_allowed(expression: str) -> None:
    assert RowQuery.of(f"SELECT {expression} AS x FROM rows", COLUMNS).items
