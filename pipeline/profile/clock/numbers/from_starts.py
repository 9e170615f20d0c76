"""Runs of rows that share the time at which they began, beside a column that counts from there."""

import re
from collections.abc import Iterator, Mapping

import polars as pl

from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.words.time_names import elapsed_unit, names_unit

__all__ = ["with_elapsed_column"]

FEWEST_RUNS, FEWEST_ROWS = 2, 3
"""Of a log, and of its usual run."""
NEAR_ZERO = 2
"""Steps after its beginning at which a run has its first row, at most."""
BASES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
)
A_UNIT = re.compile(r"%[HI]")


def with_elapsed_column(times: Times, columns: Mapping[str, Column]) -> Iterator[Times]:
    """Times at which runs began, with a column that starts again from zero where each of them begins."""
    recipe = times.recipe
    begins = times.nanoseconds
    if len(recipe.time_columns) != 1 or recipe.epoch is not None or times.is_elapsed or begins.null_count():
        return
    bases = BASES if recipe.time_format is None else (recipe.time_format,)
    if not all(map(A_UNIT.search, bases)) or recipe.interval != "none":
        return
    raw = columns[recipe.time_columns[0]].raw
    for name, column in columns.items():
        unit = elapsed_unit(name)
        if unit is None or not column.is_plain or not _counts_from(begins, column.numbers):
            continue
        for base in bases:
            found = read_as([raw, column.raw], f"{base} + {unit}")
            if found is not None and not found.nanoseconds.null_count() and _follow(begins, found.nanoseconds):
                doubt = (
                    f"{raw.name!r} is taken for when a run of rows began, and {name!r} for the {unit} since "
                    "then, as it starts again where the other changes"
                )
                if names_unit(name) is None:
                    doubt += f"; its name says no unit: if it counts ms, say time-format = {_in_ms(base)}"
                yield found._replace(doubt="; ".join(filter(None, (times.doubt, doubt))), rival=None)
                return


def _in_ms(base: str) -> str:
    return f'"{base} + ms"'


def _counts_from(begins: pl.Series, numbers: pl.Series) -> bool:
    """Whether numbers rise within a run, from about zero, and fall where the next one begins."""
    if numbers.null_count() or not numbers.len():
        return False
    is_new = begins != begins.shift()
    steps = numbers.diff()
    falls, within = steps.filter(is_new.fill_null(False)), steps.filter((~is_new).fill_null(False))
    num_runs = 1 + len(falls)
    if num_runs < FEWEST_RUNS or len(numbers) < FEWEST_ROWS * num_runs or not len(within):
        return False
    firsts = numbers.filter(is_new.fill_null(True))
    usual = float(within.median() or 0)  # type: ignore[arg-type]
    return bool(
        usual > 0 and (within > 0).all() and (falls < 0).all() and firsts.is_between(0, NEAR_ZERO * usual).all()
    )


def _follow(begins: pl.Series, times: pl.Series) -> bool:
    """Whether each run has ended when the next one begins."""
    is_last = (begins != begins.shift(-1)).fill_null(False)
    return bool((times.filter(is_last) <= begins.shift(-1).filter(is_last)).all())
