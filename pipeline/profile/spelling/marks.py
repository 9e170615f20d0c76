"""Which marks the numbers of a column have: a point or comma before the fraction, marks between thousands."""

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.staging.numbers import to_numbers
from longstride.pipeline.profile.column import FEW, Column

__all__ = ["Reading", "best_reading", "has_sure_fraction"]

ONE_GROUP = re.compile(r"[+\-\u2212]?[1-9]\d{0,2}[.,]\d{3}")
TRAILING, BRACKETS = re.compile(r"[^-+()\d]*\d[^-+()]*-"), re.compile(r"\([^-+()\d]*\d[^-+()]*\)")
CODE = r"^[+-]?0\d"
"""Two codes with a comma between them, as +0050,1."""
ADDRESS = r"^\d{1,3}(\.\d{1,3}){3}$"
LIST = r"\d([.,]\d{3}){4}"
"""Five values, not one of a trillion: who writes marks for people writes 1.2 million million."""
FEW_ROWS = 3
"""Fractions of the other mark in so few rows are slips."""


class Reading:
    """One way to read the texts of a column."""

    def __init__(self, texts: pl.DataFrame, spelling: Spelling) -> None:
        self.spelling = spelling
        self.numbers = to_numbers(texts["text"], spelling)
        self.num_rows = int(texts["count"].filter(self.numbers.is_not_null()).sum())


def best_reading(
    column: Column, base: Spelling, usual: str | None, separator: str
) -> tuple[Reading, Reading | None]:
    """The reading that explains most of the texts, and another that explains as many in another way.

    `usual` is the mark before fractions that other columns have for sure.
    """
    texts = column.texts.drop_nulls().alias("text").value_counts(sort=True)
    negative = tuple(
        how
        for how, pattern in (("4-", TRAILING), ("(4)", BRACKETS))
        if any(map(pattern.fullmatch, _bare(column.odd_words, base)))
    )
    base = replace(base, negative=negative)
    readings = [Reading(texts, spelling) for spelling in _candidates(base)]
    most = max(reading.num_rows for reading in readings)
    as_read = readings[0]
    best = [reading for reading in readings if reading.num_rows == most]
    is_code = (
        texts["text"].str.contains(ADDRESS).all()
        or texts["text"].str.contains(LIST).any()
        or (best[0].spelling.decimal != base.decimal and texts["text"].str.contains(CODE).any())
    )
    if is_code:
        return as_read, None
    if best[0].spelling.decimal == "either" and most - as_read.num_rows < max(FEW_ROWS, FEW * most):
        return as_read, None
    others = [reading for reading in best if (reading.numbers.ne_missing(best[0].numbers)).any()]
    if not others:
        return best[0], None
    groups, fractions = _grouping_first(best[0], others)
    if groups is None or fractions is None:
        return best[0], None
    if _is_grouped(texts["text"], groups, as_read, usual):
        return groups, fractions
    # Where commas separate fields, points group nothing.
    is_doubtful = fractions.spelling.decimal != "." or (usual is None and separator != ",")
    return fractions, groups if is_doubtful else None


def has_sure_fraction(column: Column, mark: str) -> bool:
    """Whether a number has this mark in front of what cannot be a group of thousands."""
    read = column.values.filter(~column.values.is_in(list(column.words)))
    pattern = rf"^[+-]?(\d*{re.escape(mark)}(\d{{1,2}}|\d{{4,}})|(0|\d{{4,}}){re.escape(mark)}\d+)$"
    return bool(read.str.contains(pattern).any())


def _bare(words: dict[str, int], base: Spelling) -> Iterator[str]:
    for word in words:
        text = word
        for affix in base.strip:
            text = text.removesuffix(affix).removeprefix(affix).strip()
        yield text


def _candidates(base: Spelling) -> list[Spelling]:
    """The one that is there first, then those that change least."""
    other = "," if base.decimal == "." else "."
    marks = [
        (base.decimal, None),
        (base.decimal, other),
        *((base.decimal, mark) for mark in ("'", "blank")),
        (other, None),
        (other, base.decimal),
        *((other, mark) for mark in ("'", "blank")),
        ("either", None),
    ]
    return [replace(base, decimal=decimal, thousands=thousands) for decimal, thousands in marks]


def _grouping_first(first: Reading, others: list[Reading]) -> tuple[Reading | None, Reading | None]:
    """The first reading with groups of thousands, and the first without."""
    all_of_them = [first, *others]
    groups = next((reading for reading in all_of_them if reading.spelling.thousands), None)
    fractions = next((reading for reading in all_of_them if not reading.spelling.thousands), None)
    return groups, fractions


def _is_grouped(texts: pl.Series, groups: Reading, as_read: Reading, usual: str | None) -> bool:
    """Whether marks between three digits group thousands, though each may be in front of a fraction."""
    mark = groups.spelling.thousands
    if usual is not None and usual != mark:
        return True
    whole = texts.filter(texts.str.contains(r"^[+-]?\d+$")).cast(pl.Float64, strict=False).abs()
    # Numbers below a thousand have no mark. A zero may be written so by any logger.
    hundreds = whole.filter(whole.is_between(100, 999)).n_unique()
    if len(whole) and float(whole.max()) >= 1000:  # type: ignore[arg-type]
        return False
    return hundreds > 1 or (usual is None and as_read.spelling.decimal != mark)
