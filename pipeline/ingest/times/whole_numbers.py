"""Whole numbers (int64) that are null, and do not wrap, where they are too large."""

import polars as pl

__all__ = ["masked", "none", "scaled"]

LARGEST = 2**63 - 1


def none(num_rows: int) -> pl.Series:
    """Null for each row."""
    return pl.Series([None], dtype=pl.Int64).new_from_index(0, num_rows)


def scaled(numbers: pl.Series, factor: int) -> pl.Series:
    """Multiply; null where the product is out of reach."""
    if factor == 1:
        return numbers
    limit = LARGEST // factor - 1
    return masked(numbers, numbers.is_between(-limit, limit)) * factor


def masked(values: pl.Series, kept: pl.Series) -> pl.Series:
    """Values where `kept` is true; null elsewhere."""
    return pl.select(pl.when(kept).then(values)).to_series()
