"""Columns that `exclude` leaves out: whether they hold a few values after all, which a sample does not show."""

from collections import Counter
from collections.abc import Iterator, Sequence

import polars as pl

from longstride.pipeline.ingest.staging.part_file import Part
from longstride.storage.text import counted

__all__ = ["count_left_out", "told_of_left_out"]

MAX_KINDS = 3
FEW = 0.05
GLANCE = 1000
MAX_TEXT_SHOWN = 40

Count = tuple[int, str, dict[str, int] | None]
"""How many values, the first of them, and how often each occurs, where there are up to three."""


def count_left_out(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, Count]:
    """Count what the columns of a piece hold, of those that it has."""
    found: dict[str, Count] = {}
    for name in names:
        if name not in frame.columns or frame[name].dtype.is_nested():
            continue
        column = frame[name]
        num_values = len(column) - column.null_count()
        if not num_values:
            continue
        values = column.drop_nulls() if column.null_count() else column
        kinds = None
        # Most columns that are left out are of many kinds, which a glance shows.
        if values[:GLANCE].n_unique() <= MAX_KINDS:
            others = values.filter(values != values[0])  # counting all would take ten times as long
            if others.n_unique() < MAX_KINDS:
                counted_others = others.value_counts().iter_rows() if len(others) else ()
                kinds = {str(values[0]): len(values) - len(others)}
                kinds |= {str(value): int(count) for value, count in counted_others}
        found[name] = num_values, str(values[0])[: MAX_TEXT_SHOWN + 1], kinds
    return found


def told_of_left_out(parts: Sequence[Part], names: Sequence[str]) -> Iterator[str]:
    """Say which columns hold values in a few rows, or another value than usual in a few."""
    for name in names:
        counts = [part.left_out[name] for part in parts if name in part.left_out]
        num_rows = sum(part.rows_in for part in parts)
        num_values = sum(count for count, _, _ in counts)
        if num_values and num_values <= FEW * num_rows:
            first = counts[0][1]
            shown = repr(first) if len(first) <= MAX_TEXT_SHOWN else f"{first[:MAX_TEXT_SHOWN]!r}..."
            yield (
                f"column {name!r} was left out (exclude), but holds {counted(num_values, 'value')} in "
                f"{num_rows:,} rows, such as {shown}"
            )
            continue
        kinds: Counter[str] | None = Counter()
        for _, _, some in counts:
            kinds = None if kinds is None or some is None else kinds + Counter(some)
        if not kinds or len(kinds) > MAX_KINDS:
            continue
        (usual, count), *others = kinds.most_common()
        num_others = sum(other for _, other in others)
        if 0 < num_others <= FEW * num_values:
            yield (
                f"column {name!r} was left out (exclude): it is {usual!r} in {counted(count, 'row')}, but "
                f"{' or '.join(repr(other) for other, _ in others)} in {num_others:,}"
            )
