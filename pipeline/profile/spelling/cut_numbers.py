"""Numbers that are cut at their decimal comma, for commas stand between fields as well: 31,98 is 31 and 98."""

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.column import Column

__all__ = ["doubt_of_cut_number"]

FEWEST = 20
HALF = 0.5
BY_NO_CHANCE = 0.4
"""Share of the steps of a whole number that its fraction makes small: one in eight where it is no fraction."""
WHOLE = r"^\d+$"
MOST_DIGITS = 9


def doubt_of_cut_number(column: Column, fraction: Column) -> str | None:
    """The doubt that a column without a name holds the fractions of the one before it; None where it does not."""
    rows = column.texts.is_not_null() & fraction.texts.is_not_null()
    wholes, texts = column.texts.filter(rows), fraction.texts.filter(rows)
    if not rows.any() or not (wholes.str.contains(WHOLE).all() and texts.str.contains(WHOLE).all()):
        return None
    digits = max(texts.str.len_chars().to_list())
    if digits > MOST_DIGITS or not _go_on(wholes.cast(pl.Float64), texts.cast(pl.Float64) / 10**digits):
        return None
    name, other, unit = toml(column.name), toml(fraction.name), f"1{'0' * digits}.0"
    shown = f"{wholes[0]}.{texts[0].zfill(digits)}"
    query = f"SELECT * EXCLUDE ({other}) REPLACE ({name} + CAST({other} AS DOUBLE) / {unit} AS {name}) FROM rows"
    return (
        f"{column.name!r} seems to be cut at its decimal comma, for commas stand between fields as well: "
        f"{wholes[0]} and {texts[0]} of {fraction.name!r} are {shown}, and without that, whole numbers alone are "
        f"stored. Say sql = {toml(query)}"
    )


def _go_on(wholes: pl.Series, fractions: pl.Series) -> bool:
    """Whether a fraction goes on where the whole number rises or falls by one: from 21.976 to 22.038."""
    step = wholes.diff()
    at = (step.abs() == 1).fill_null(False)
    near = (step + fractions.diff()).abs().filter(at) < HALF
    return len(near) >= FEWEST and float(near.mean() or 0) > BY_NO_CHANCE  # type: ignore[arg-type]
