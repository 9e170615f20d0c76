"""Minutes and seconds of times whose hours a spreadsheet has lost: 42:10.0 for 2024-03-01 08:42:10."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.profile.column import MOST, Column
from longstride.storage.text import share

__all__ = ["lost_hours"]

SHOWN = r"^([0-5]?\d):([0-5]\d)(\.\d)$"
"""How Excel shows a time with a fraction of a second, and so saves it."""
FEWEST = 3
USUAL = 0.5


def lost_hours(columns: Mapping[str, Column]) -> str | None:
    """What to do about a column of such times that start again with each hour; None where there is none."""
    for name, column in columns.items():
        if column.is_plain or column.raw.dtype != pl.String:
            continue
        texts = column.texts.drop_nulls()
        parts = texts.str.extract_groups(SHOWN).struct.unnest().cast(pl.Float64).drop_nulls()
        if len(parts) < max(FEWEST, MOST * len(texts)):
            continue
        seconds = parts.select((pl.nth(0) * 60 + pl.nth(1) + pl.nth(2)).round(1)).to_series()
        if not (seconds.diff() < 0).any():
            continue  # an elapsed time
        steps: Any = (seconds.diff().drop_nulls() % 3600).round(1)
        step, count = steps.value_counts(sort=True).row(0)
        found = (
            f"{name!r} holds minutes and seconds alone ({column.examples()}), as spreadsheets show times with "
            "fractions of a second: their hours were lost when it saved the file, so take the log as it was "
            "before, or save it with the whole time as yyyy-mm-dd hh:mm:ss"
        )
        if step and count >= USUAL * len(steps):
            every = format_duration(round(step * UNITS_NS["s"]))
            found += f". From row to row they rise by {every} in {share(count, len(steps))} of rows: if no whole "
            found += f"hours are missing, --every {every}"
        return found
    return None
