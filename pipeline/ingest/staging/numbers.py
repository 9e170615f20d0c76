"""Texts to numbers, as a recipe says that they are written.

What Polars and Python both read as a number needs no setting, and this is tried first. Others are read by settings
(marks that group thousands, units, states), or where they can mean one number alone: a minus of Unicode, an
exponent of Fortran (1.5D+03), a hexadecimal number (0x1F).
"""

import re
from collections.abc import Sequence

import polars as pl

from longstride.pipeline.ingest.settings.values import Spelling

__all__ = ["to_numbers"]

MARKS = {",": ",", ".": r"\.", "'": "['\N{RIGHT SINGLE QUOTATION MARK}]", "blank": "[ \u00a0\u2009\u202f]"}
MINUSES = "[\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d]"
"""Hyphens, figure and en dash, the minus of Unicode, and wide ones."""
HEXADECIMAL = r"^([+-]?)0[xX]([0-9a-fA-F]{1,16})$"
NEGATIVES = {"4-": r"^([^+\-()]*\d[^+\-()]*?)\s*-$", "(4)": r"^\(\s*([^+\-()]*\d[^+\-()]*?)\s*\)$"}
FORTRAN = r"^([^dDxX]*\d[^dDxX]*)[dD]([+-]?\d+)$"


def to_numbers(texts: pl.Series, spelling: Spelling) -> pl.Series:
    """Float64, (rows,); null where a text is missing or not a number."""
    plain = texts.str.strip_chars()
    if spelling.states:
        codes = {word.lower(): float(code) for code, word in enumerate(spelling.states)}
        return plain.str.to_lowercase().replace_strict(codes, default=None, return_dtype=pl.Float64)
    numbers = _read(plain, spelling)
    if numbers.null_count() == plain.null_count():
        return numbers
    unread = numbers.is_null() & plain.str.contains(r"\d")
    if not unread.any():
        return numbers
    texts = plain.filter(unread)
    rest = _mended(texts, spelling)
    found = _hexadecimal(rest).zip_with(rest.str.contains(HEXADECIMAL), _read(rest, spelling))
    if spelling.scale:
        found = _scaled(found, texts, spelling)
    return numbers.scatter(unread.arg_true(), found)


def _read(texts: pl.Series, spelling: Spelling) -> pl.Series:
    """Numbers with marks alone."""
    if spelling.thousands is not None:
        texts = _ungrouped(texts, spelling.thousands, spelling.decimal)
    if spelling.decimal != ".":
        wrong = texts.str.contains(".", literal=True)
        if spelling.decimal == "either":
            wrong &= texts.str.contains(",", literal=True)
        texts = texts.set(wrong, None).str.replace(",", ".", literal=True)
    return texts.cast(pl.Float64, strict=False)


def _ungrouped(texts: pl.Series, thousands: str, decimal: str) -> pl.Series:
    """Without the marks that group thousands; null where these are anywhere else."""
    mark = MARKS[thousands]
    groups = rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+"
    if thousands == ",":
        groups += r"|[1-9]\d?(?:,\d{2})+,\d{3}"  # as in India
    fraction = "[.,]" if decimal == "either" else re.escape(decimal)
    pattern = rf"^[+-]?(?:{groups})(?:{fraction}\d*)?(?:[eE][+-]?\d+)?$"
    wrong = texts.str.contains(mark) & ~texts.str.contains(pattern)
    return texts.set(wrong, None).str.replace_all(mark, "")


def _mended(texts: pl.Series, spelling: Spelling) -> pl.Series:
    strip = (*spelling.strip, *(unit for unit, _ in spelling.scale))
    texts = _stripped(texts.str.replace_all(MINUSES, "-"), strip)
    for how in spelling.negative:
        texts = texts.str.replace(NEGATIVES[how], "-${1}")
    if spelling.negative:  # as (4 bar)
        texts = _stripped(texts, strip)
    return texts.str.replace(FORTRAN, "${1}e${2}")


def _stripped(texts: pl.Series, strip: Sequence[str]) -> pl.Series:
    """Without the texts that may stand before and behind a number."""
    if not strip:
        return texts
    behind = "|".join(map(re.escape, sorted((text.strip() for text in strip), key=len, reverse=True)))
    texts = texts.str.replace(rf"(?:\s*(?:{behind}))+$", "")
    # m3 may stand behind 4, but not before it.
    before = "|".join(re.escape(text.strip()) for text in strip if not text.strip()[-1].isdigit())
    return texts.str.replace(rf"^([+-]?)\s*(?:{before})\s*", "${1}") if before else texts


def _scaled(numbers: pl.Series, texts: pl.Series, spelling: Spelling) -> pl.Series:
    """Numbers in one unit."""
    factors = dict(spelling.scale)
    known = "|".join(map(re.escape, sorted({*factors, *map(str.strip, spelling.strip)}, key=len, reverse=True)))
    unit = texts.str.extract(rf"[\d.,)-]\s*({known})(?:\s*(?:{known}))*$", 1)
    # A thousandth is not exact, a thousand is.
    up = {name: max(factor, 1.0) for name, factor in factors.items()}
    down = {name: max(1 / factor, 1.0) for name, factor in factors.items()}
    return numbers * unit.replace_strict(up, default=1.0) / unit.replace_strict(down, default=1.0)


def _hexadecimal(texts: pl.Series) -> pl.Series:
    digits = texts.str.extract(HEXADECIMAL, 2).str.to_integer(base=16, dtype=pl.UInt64, strict=False)
    numbers = digits.cast(pl.Float64)
    return numbers.zip_with(~texts.str.starts_with("-"), -numbers)
