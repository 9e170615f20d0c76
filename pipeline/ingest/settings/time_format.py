"""A strptime format: the directives in it, and what a text of it looks like."""

import re
from collections import Counter

from longstride.pipeline.ingest.setting import unexpected

__all__ = ["DIRECTIVE", "HALVES", "check_format", "directives", "is_of_day", "lacks_year", "pattern_of"]

DIRECTIVE = re.compile(r"%[-_0#]*[.:]*\d?([A-Za-z%])")
"""One of a format, as %d, %-d, %.3f or %:z."""
NUMBER = r"\d{1,2}"
HALVES = (
    r"[AaPp]\.?\s?[Mm]\.?|[ap]|午前|午後|上午|下午|오전|오후|vorm\.|nachm\.|[πμ]\.?μ\.?|d[eu]\.|[FfEe]\.?[Mm]\.?"
)
"""The half of a day in English, Spanish, Japanese, Chinese, Korean, German, Greek, Hungarian and Swedish."""
PATTERNS = {
    **dict.fromkeys("mdHIMSyUWVCekl", r" ?\d{1,2}"),
    **dict.fromkeys("YG", r"\d{4}"),
    **dict.fromkeys("bBhaA", r"[^\W\d_]+\.?"),
    **dict.fromkeys("pP", rf"(?:{HALVES})"),
    "j": r"\d{1,3}",
    "q": "[1-4]",
    "u": r"\d",
    "w": r"\d",
    "f": r"\d{1,9}",
    "z": r"(?:Z|[+-]\d\d?:?(?:\d\d)?)",
    "Z": r"[^\W\d_]+",
    "T": r"\d\d?:\d\d:\d\d",
    "X": r"\d\d?:\d\d:\d\d",
    "R": r"\d\d?:\d\d",
    "F": r"\d{4}-\d\d?-\d\d?",
    "D": r"\d\d?/\d\d?/\d\d",
    "s": r"-?\d+",
    "%": "%",
}
"""How a text of each is written, loosely."""
OF_DAY = set("HIklMSfpPTXRzZ")
"""Directives that say nothing of the date."""
OF_YEAR = set("YyGgCsFDcxv+")
OF_MONTH = set("mbBhjq")
SAME = {"e": "d", "k": "H", "l": "I", "h": "b", "B": "b", "A": "a", "P": "p"}
"""Directives that name what another one names."""


def directives(format_: str) -> list[str]:
    """The letters of its directives, in order."""
    return [letter for letter in DIRECTIVE.findall(format_) if letter != "%"]


def is_of_day(format_: str | None) -> bool:
    """Whether a format is one of a time of day alone."""
    return format_ is not None and bool(found := set(directives(format_))) and found <= OF_DAY


def lacks_year(format_: str | None) -> bool:
    """Whether a format is one of a month and a day, or of the day of a year, without the year."""
    return format_ is not None and bool((found := set(directives(format_))) & OF_MONTH) and not found & OF_YEAR


def check_format(format_: str) -> None:
    """Raise RecipeError for a format that would not mean what it says."""
    found = directives(format_)
    if not found:
        raise unexpected(
            "time-format", format_, "a format with directives such as '%d/%m/%Y %H:%M', or a unit such as s or ms"
        )
    for letter, count in Counter(SAME.get(letter, letter) for letter in found).items():
        if count > 1:
            raise unexpected(
                "time-format",
                format_,
                f"each part once, but %{letter} is there {count} times; of an interval, give the format of one of "
                "its two times, and --interval begin or end",
            )
    if re.search(r"%f", format_) and not re.search(r"[^\w%]%f", format_):
        raise unexpected(
            "time-format",
            format_,
            "a mark between the second and its fraction; without a mark the number of its digits: %3f, %6f or %9f",
        )


def pattern_of(format_: str, *, zero: str = "") -> str:
    """A regular expression for the texts of a format, or of a part of one; without groups.

    Of the directives `zero`, such as "MS", only texts of zeros.
    """
    pattern, start = "", 0
    for match in DIRECTIVE.finditer(format_):
        token = "0+" if match[1] in zero else PATTERNS.get(match[1], r"\S+")
        if "." in match[0]:
            token = rf"(?:\.{token})?"
        pattern += _literal(format_[start : match.start()]) + token
        start = match.end()
    return pattern + _literal(format_[start:])


def _literal(text: str) -> str:
    return r"\s*".join(map(re.escape, re.split(r"\s+", text)))
