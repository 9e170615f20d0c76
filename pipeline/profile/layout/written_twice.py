"""Rows that were written twice: no column tells them apart, and none has to."""

import polars as pl

from longstride.pipeline.profile.column import FEW, MOST, Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.key_names import KEY_NAME
from longstride.pipeline.profile.words.time_names import plain

__all__ = ["differ"]


def differ(draft: Proposal) -> pl.Series:
    """Whether rows differ from all before them in more than their number: others were written twice."""
    rows = draft.rows.select("group", "time")
    if not rows.is_duplicated().any():
        return pl.repeat(True, len(rows), eager=True)
    said = [
        column.texts.alias(f"text {column.name}")
        for column in draft.columns.values()
        if column.is_flat and not _numbers_rows(draft, column)
    ]
    rows = rows.with_columns(said)
    of_time = (
        rows.group_by(pl.all())
        .len()
        .group_by("group", "time")
        .agg(pl.col("len"))
        .filter(pl.col("len").list.len() > 1, pl.col("len").list.max() > 1)
    )
    # Readings of a slow sensor are alike too, but not each as often as others of its time.
    are_as_often = of_time.select((pl.col("len").list.min() == pl.col("len").list.max()).mean()).item()
    if are_as_often is not None and are_as_often < MOST:
        return pl.repeat(True, len(rows), eager=True)
    return rows.select(pl.struct(pl.all()).is_first_distinct()).to_series()


def _numbers_rows(draft: Proposal, column: Column) -> bool:
    """Whether it is the number or the name of each row."""
    if column.is_number and not column.is_whole:
        return False
    is_named = not column.is_number or KEY_NAME.fullmatch(plain(column.name)) is not None
    if is_named and len(column.values) >= (1 - FEW) * len(column.texts):
        return True
    return column.is_number and bool((draft.steps(column.numbers).abs() == 1).all())
