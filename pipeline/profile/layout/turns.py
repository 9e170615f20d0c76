"""Rows of machines or sensors that take turns."""

from typing import Any

import polars as pl

from longstride.pipeline.profile.column import MOST, steps

__all__ = ["take_turns"]


def take_turns(rows: pl.DataFrame, texts: pl.Series) -> bool:
    """Whether each text comes again when all others have been, after about the same time."""
    size = texts.n_unique()
    rounds = steps(pl.Series(range(len(texts))), rows["block"], texts)
    seconds = steps(rows["time"], rows["block"], texts)
    return len(rounds) >= size and _is_about(rounds, size, MOST) and _is_about(seconds, seconds.median(), 0.5)


def _is_about(values: pl.Series, usual: Any, least: float) -> bool:
    """Whether enough of the values are near the usual one."""
    return int(values.is_between(0.8 * usual, 1.2 * usual).sum()) >= least * len(values)
