"""What stands before and behind the numbers of a column: a unit, a currency, a flag."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from longstride.pipeline.profile.column import MAX_WORDS, MOST, Column
from longstride.pipeline.profile.spelling.scales import factors_of
from longstride.pipeline.profile.words.missing_words import MISSING_WORD
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["Affixes", "affixes_of"]

SYMBOLS = r"[*!?#\u2020\u2021]+|\([^\d()]{1,12}\)|\[[^\d\[\]]{1,12}\]"
CURRENCIES = r"[$\u20ac\u00a3\u00a5\u20b9]|US\$|EUR|USD|GBP|CHF|JPY|INR"
AFFIXED = re.compile(
    rf"(?P<sign>[+\-\u2212]?)\s*(?P<before>{CURRENCIES}|[<>\u2264\u2265~\u2248\xb1*#]{{1,2}})?\s*"
    r"(?P<number>\(?[+\-\u2212]?(?:\d[\d.,'\u2019 \u00a0\u2009\u202f]*\d|\d|[.,]\d+)"
    r"(?:[eE][+-]?\d+)?\)?(?:-(?=\s|$))?)\s*"
    r"(?P<unit>[^\W\d_](?:[^\d*!?#\u2020\u2021()\[\]]|(?<=[a-zA-Z^])\d){0,31}?"
    rf"|\*[CF]\b|[%\u2030\xb0\"$\u20ac\u00a3\u00a5\u20b9]\s?[a-zA-Z]?)?\s*(?P<flag>{SYMBOLS})?"
)
SCALES = re.compile(r"%|[kKMGTmunp\xb5\u03bc]|k?bn|mio\.?|mill?\.?|tsd\.?", re.IGNORECASE)
"""They multiply: a number without one is another number."""
LEAST_PERCENT = 2.0
NO_UNIT = re.compile(r"[ap]\.?m\.?|st|nd|rd|th|x|e", re.IGNORECASE)


@dataclass(frozen=True)
class Affixes:
    """What stands around the numbers of a column, and in how many rows."""

    units: Counter[str]
    flags: Counter[str]
    num_bare: int
    """Numbers without a unit."""
    are_alike: bool = False
    """Whether these are percents as the others are, and no fractions."""

    @property
    def are_mixed(self) -> bool:
        """Whether equal numbers may mean different values."""
        is_scaled = self.num_bare > 0 and any(map(SCALES.fullmatch, self.units))
        return len(self.units) > 1 or (is_scaled and not self.are_alike)

    @property
    def unit(self) -> str | None:
        """The unit of all numbers."""
        (unit,) = self.units if len(self.units) == 1 else (None,)
        return None if unit is None or self.num_bare or NO_UNIT.fullmatch(unit) else unit

    @cached_property
    def factors(self) -> tuple[str, dict[str, float]] | None:
        """A unit for all numbers, and what those in others are multiplied by; None where there is none."""
        return factors_of(self.units, self.num_bare) if self.are_mixed else None

    @property
    def scale(self) -> tuple[tuple[str, float], ...]:
        """Units that are scaled to another one."""
        return () if self.factors is None else tuple(self.factors[1].items())

    @property
    def strip(self) -> tuple[str, ...]:
        """All that are left out."""
        return (*(unit for unit in self.units if unit not in dict(self.scale)), *self.flags)

    def shown(self) -> str:
        """The units, and how often each is there."""
        bare = [f"none in {self.num_bare:,} rows"] if self.num_bare else []
        return ", ".join([f"{quoted(unit)} in {count:,} rows" for unit, count in self.units.items()] + bare)


def affixes_of(column: Column) -> Affixes | None:
    """What stands around the numbers of a column of texts; None where nothing does, or they are no numbers."""
    units: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    num_found, num_bare = 0, column.numbers.count()
    for word, count in column.odd_words.items():
        found = AFFIXED.fullmatch(word)
        if found is None:
            continue
        num_found += count
        before, unit, flag = found["before"], found["unit"], found["flag"]
        if before and re.fullmatch(CURRENCIES, before):
            unit, before = (before, None) if unit is None else (f"{before} {unit}", None)
        for affix in (before, flag):
            if affix:
                flags[affix] += count
        if unit:
            units[unit.strip()] += count
        else:
            num_bare += count
        if len(units) + len(flags) > MAX_WORDS:
            return None
    # A logger may put the unit behind the word for a missing value, too, as in err°C.
    num_texts = column.numbers.count() + sum(
        count for word, count in column.odd_words.items() if not _says_missing(word, units)
    )
    if not (units or flags) or num_found + column.numbers.count() < MOST * num_texts:
        return None
    return Affixes(units, flags, num_bare, num_bare > 0 and [*units] == ["%"] and _are_percents(column))


def _are_percents(column: Column) -> bool:
    """Whether numbers without the sign lie among those with it, and above 1, as no fraction does."""
    texts = column.texts.drop_nulls()
    signed = (
        texts.filter(texts.str.ends_with("%"))
        .str.strip_suffix("%")
        .str.replace(",", ".")
        .cast(pl.Float64, strict=False)
    )
    bare, signed = column.numbers.drop_nulls(), signed.drop_nulls()
    if bare.is_empty() or signed.is_empty():
        return False
    low, high = max(LEAST_PERCENT, min(signed.to_list())), max(signed.to_list())
    return float(bare.is_between(low, high).mean() or 0) >= MOST  # type: ignore[arg-type]


def _says_missing(word: str, units: Iterable[str]) -> bool:
    return any(
        word.endswith(unit) and MISSING_WORD.fullmatch(word.removesuffix(unit).strip()) is not None
        for unit in units
    )
