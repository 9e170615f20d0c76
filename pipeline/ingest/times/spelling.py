"""Times as people and devices spell them, to what strptime reads: fractions, zone names, months, 24:00."""

import re
from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.ingest.settings.time_format import DIRECTIVE, directives, pattern_of
from longstride.pipeline.ingest.times.month_names import ENGLISH
from longstride.pipeline.ingest.times.whole_numbers import masked
from longstride.pipeline.ingest.times.zone_names import offsets_of

__all__ = ["LEAD", "Spelt", "mended", "one_end", "readable", "without_fraction"]

BLANKS = r"[\s\u{a0}\u{2007}\u{202f}]+"
FRACTION = re.compile(r"([^\w%])%f")
COUNTED = re.compile(r" %([369])f")
"""A number of thousandths of a second, or of less, in a column of its own: 5 is not 0.5 s."""
WITHOUT_MARK = re.compile(r"(?<![A-Za-z])%H%M(%S)?")
OF_A_PART = re.compile(r"%[-_0]?([jHkM])%\.f")
UNIT_OF_PART = {"j": "d", "H": "h", "k": "h", "M": "min"}
FINER = {"d": "HkIlMSTXRcrps", "h": "MSTXRcrp", "min": "STXcr"}
"""Directives of finer parts: with one of these, a fraction is one of a second."""
DIGITS_ALONE = re.compile(r"(?:%[YjmdHMSy])+")
LEAD = re.compile(
    r"(?:as of|(?:last )?updated?(?: (?:at|on))?|(?:recorded|measured|taken|logged) (?:at|on))[: ]\s*", re.I
)
"""Words before a time that say no more than that it is one."""
ORDINAL = r"(\d)(?:st|nd|rd|th)\b"
BETWEEN = (r"\s+(?:-|–|—|to|till|until|bis|->|→)\s+|\.\.+|\s*[–—→]\s*", r"\s*/\s*")  # noqa: RUF001
FIRST_MONTHS = {"1": "01", "2": "04", "3": "07", "4": "10"}
"""Of quarters."""
SECOND_HALVES = ("午後", "下午", "오후", "du.")
CLOCKS = r"^(?<begin>.*\d{1,2}:\d\d(?::\d\d)?)(?:-|~)(?<end>(?:\d.* )?\d{1,2}:\d\d(?::\d\d)?)$"
"""Two times without blanks between them."""
HOURS = r"^(?<begin>(?:.*[\sT])?\d{1,2} ?h?)-(?<end>\d{1,2} ?h?)$"
"""Two hours, maybe behind a date."""
INTERVALS = [
    CLOCKS,
    f"^(?<begin>[^/]+?)(?:{BETWEEN[1]})(?<end>[^/]+)$",
    f"^(?<begin>.+?)(?:{BETWEEN[0]})(?<end>.+)$",
    HOURS,
]
Change = Callable[[pl.Series], pl.Series]


class Spelt(NamedTuple):
    """Texts, how to read them, and what to add."""

    texts: pl.Series
    format: str
    later: pl.Series
    """Nanoseconds (int64) to add to each."""


def readable(texts: pl.Series, format_: str, timezone: str) -> tuple[pl.Series, str]:
    """Texts and a format, of what strptime reads as something else: any fraction as %f, names of zones, 905."""
    if match := COUNTED.search(format_):
        width = int(match[1])
        counts = _Cut(format_, *match.span(), rf"\s+\d{{1,{width}}}")
        texts, format_ = counts.replaced(
            texts, lambda found: "." + found.str.strip_chars().str.zfill(width), "%.f"
        )
    if match := FRACTION.search(format_):
        before, after = format_[: match.start()], format_[match.end() :]
        if match[1] != ".":
            around = rf"^(\s*{pattern_of(before)}){re.escape(match[1])}([0-9]+{pattern_of(after)}\s*)$"
            texts = texts.str.replace(around, "${1}.${2}")
        format_ = f"{before}%.f{after}"
    if DIGITS_ALONE.fullmatch(format_):
        # With a digit less, strptime would take the first two of 123 for an hour.
        length = sum({"Y": 4, "j": 3}.get(letter, 2) for letter in directives(format_))
        texts = masked(texts, texts.str.strip_chars().str.len_chars() == length)
    if match := WITHOUT_MARK.search(format_):
        width = 6 if match[1] else 4
        clocks = _Cut(format_, match.start(), match.end(), rf"\d{{1,{width}}}")
        texts, _ = clocks.replaced(texts, lambda found: found.str.zfill(width), match[0])
    if cut := _Cut.at(format_, "q"):
        texts = texts.str.strip_chars()
        texts = masked(texts, texts.str.contains(cut.pattern()))  # else 5 would be a month
        texts, format_ = cut.replaced(texts, lambda quarters: quarters.replace(FIRST_MONTHS), "%m")
    if cut := _Cut.at(format_, "Z"):
        offsets = offsets_of(timezone)

        def named(names: pl.Series) -> pl.Series:
            return names.str.to_uppercase().replace_strict(offsets, default=None, return_dtype=pl.String)

        return cut.replaced(texts, named, "%z")
    return texts, format_


def mended(texts: pl.Series, format_: str) -> Spelt:
    """Spell texts that strptime could not read as it can; those that are still wrong it will not read then either.

    Mended are blanks around and within them, words such as "last updated:" before them, 1st and 2nd, days of
    the week and months in other languages, a.m. with points, the hour 24 (0 of the next day) and the second 60
    (0 of the next minute).
    """
    texts = texts.str.replace_all(BLANKS, " ").str.strip_chars(" ").str.replace_all(ORDINAL, "${1}")
    texts = texts.str.replace(f"^(?i:{LEAD.pattern})", "")
    if cut := _Cut.at(format_, "aA"):
        texts, format_ = cut.replaced(texts, lambda names: names.str.slice(0, 0), "")
        texts, format_ = texts.str.strip_chars(" ,"), format_.strip(" ,")
    if cut := _Cut.at(format_, "bBh"):
        texts, format_ = cut.replaced(texts, _in_english, "%b")
    if cut := _Cut.at(format_, "pP"):
        texts, format_ = cut.replaced(texts, _half_in_english, "%p")
    if cut := _Cut.at(format_, "z"):
        texts, _ = cut.replaced(texts, _offset_of_hours, cut.found)
    later = pl.Series([0], dtype=pl.Int64).new_from_index(0, len(texts))
    for letters, full, unit in (("Hk", "24", UNITS_NS["d"]), ("S", "60", UNITS_NS["min"])):
        if cut := _Cut.at(format_, letters):
            is_full = texts.str.contains(cut.pattern(full, zero="MSf")).fill_null(False)
            rows = is_full.arg_true()
            zeros, _ = cut.replaced(texts.gather(rows), _zeros, cut.found)
            texts, later = texts.scatter(rows, zeros), later.scatter(rows, unit)
    return Spelt(texts, format_, later)


def without_fraction(texts: pl.Series, format_: str) -> Spelt | None:
    """Texts without the fraction of their finest part, such as that of 12.5 hours (%H%.f), and how long it is.

    It is rounded to the millisecond, and may have a comma. None where the format has no such part.
    """
    match = OF_A_PART.search(format_)
    unit = UNIT_OF_PART[match[1]] if match else ""
    if match is None or set(directives(format_)) & set(FINER[unit]):
        return None
    before, after = format_[: match.end() - len("%.f")], format_[match.end() :]
    pattern = rf"^\s*({pattern_of(before)})(?:[.,]([0-9]+))?({pattern_of(after)})\s*$"
    start, digits, end = texts.str.extract_groups(pattern).struct.unnest().get_columns()
    share = ("0." + digits).cast(pl.Float64).fill_null(0.0)
    milliseconds = (share * (UNITS_NS[unit] // UNITS_NS["ms"])).round().cast(pl.Int64)
    plain = pl.select(pl.concat_str(pl.lit(start), pl.lit(end))).to_series()
    if unit == "h":  # 24 is the last moment of a day
        plain = masked(plain, ~(start.str.ends_with("24") & (share > 0)))
    return Spelt(plain, before + after, milliseconds * UNITS_NS["ms"])


def one_end(intervals: pl.Series, end: str) -> pl.Series:
    """The "begin" or the "end" of texts such as 08:00 - 09:00; null where there are not two parts."""
    texts = intervals.cast(pl.String)
    parts = pl.select(
        pl.coalesce(pl.lit(texts).str.extract_groups(one).struct.field(end) for one in INTERVALS)
    ).to_series()
    return parts.str.strip_chars().alias(intervals.name)


class _Cut:
    """A format in three: what is before a directive, the directive, and what is after it."""

    def __init__(self, format_: str, start: int, stop: int, token: str) -> None:
        self._before, self.found, self._after = format_[:start], format_[start:stop], format_[stop:]
        self._token = token

    @staticmethod
    def at(format_: str, letters: str) -> "_Cut | None":
        """Cut at the first directive of one of these letters, if there is any."""
        for match in DIRECTIVE.finditer(format_):
            if match[1] in letters:
                return _Cut(format_, *match.span(), pattern_of(match[0]))
        return None

    def pattern(self, token: str | None = None, *, zero: str = "") -> str:
        """Match a text, in three groups; what the directives `zero` after the token read is zero."""
        after = pattern_of(self._after, zero=zero)
        return f"^({pattern_of(self._before)})({token or self._token})({after})$"

    def replaced(self, texts: pl.Series, change: Change, directive: str) -> tuple[pl.Series, str]:
        """Texts with another token, those as they were that do not match, and the format for them."""
        parts = texts.str.extract_groups(self.pattern()).struct.unnest()
        before, token, after = parts.get_columns()
        changed = pl.concat_str(pl.lit(before), pl.lit(change(token)), pl.lit(after))
        return pl.select(pl.coalesce(changed, texts)).to_series(), f"{self._before}{directive}{self._after}"


def _half_in_english(halves: pl.Series) -> pl.Series:
    is_second = halves.is_in(SECOND_HALVES) | halves.str.contains("^[pPnNμeE]")
    english = pl.when(is_second).then(pl.lit("pm")).when(halves.is_not_null()).then(pl.lit("am"))
    return pl.select(english).to_series()


def _offset_of_hours(offsets: pl.Series) -> pl.Series:
    return offsets.str.replace(r"^([+-])(\d)$", "${1}0${2}")


def _zeros(numbers: pl.Series) -> pl.Series:
    return numbers.str.replace(r"\d+", "00")


def _in_english(months: pl.Series) -> pl.Series:
    names = months.str.to_lowercase().str.strip_chars(".")
    return names.replace(ENGLISH).str.slice(0, 3)
