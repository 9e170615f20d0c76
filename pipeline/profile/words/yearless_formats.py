"""The formats that a text could have if it is a month and a day without a year."""

import re
from collections.abc import Iterator

from longstride.pipeline.profile.words.time_formats import AROUND, BETWEEN, MONTH, clock_formats, is_clock

__all__ = ["yearless_dates", "yearless_formats"]

DATES = tuple(
    (re.compile(pattern), formats)
    for pattern, formats in (
        (rf"{MONTH}(?P<mark>[-/. ]) ?\d{{1,2}}(?:st|nd|rd|th)?(?![\d.])", ("%b{0}%d",)),
        (rf"\d{{1,2}}(?P<mark>\. |[-/. ]?){MONTH}(?!\d)", ("%d{0}%b",)),
        (r"(?P<mark>--)\d\d-\d\d(?!\d)", ("--%m-%d",)),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}\.(?!\d)", ("%d{0}%m.", "%m{0}%d.")),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}(?![-/.\d])", ("%m{0}%d", "%d{0}%m")),
        (r"[01]\d[0-3]\d(?P<mark>)(?=[ T_-]\d\d:)", ("%m%d", "%d%m")),
        (r"\d{1,2}月 ?\d{1,2}日(?P<mark>)", ("%m月%d日",)),
        (r"\d{1,2}월 ?\d{1,2}일(?P<mark>)", ("%m월 %d일",)),
    )
)
WEEKDAY = re.compile(r"(?![ap]m\b)[^\W\d_]{2,10}\.?(?P<mark>,? )(?=[^\W\d_]{3}|\d)", re.IGNORECASE)


def yearless_formats(text: str) -> Iterator[str]:
    """Formats of a month and a day, with a time of day or without."""
    if found := AROUND.fullmatch(text):
        before, within, after = (part or "" for part in (found.groups()[:3] if found[2] else found.groups()[3:]))
        yield from (f"{before}{format_}{after}" for format_ in yearless_formats(within))
        return
    if day := WEEKDAY.match(text):
        yield from (f"%a{day['mark']}{format_}" for format_ in yearless_formats(text[day.end() :]))
    for date, rest in _dates(text):
        if not rest:
            yield date
            continue
        between = BETWEEN.match(rest)
        assert between is not None
        yield from (f"{date}{between[0]}{clock}" for clock in clock_formats(rest[between.end() :]))
    if (first := re.match(r"\S+(?: ?[AaPp][Mm])?(?= )", text)) and is_clock(first[0]):
        for date, rest in _dates(text[first.end() + 1 :]):
            yield from (f"{clock} {date}" for clock in clock_formats(first[0]) if not rest)


def yearless_dates(text: str) -> list[str]:
    """Those without a time of day."""
    return [format_ for format_ in yearless_formats(text) if not re.search("%[HI]", format_)]


def _dates(text: str) -> Iterator[tuple[str, str]]:
    for pattern, formats in DATES:
        if match := pattern.match(text):
            is_long = re.search(r"[^\W\d_]{4}", match[0]) is not None
            for format_ in formats:
                format_ = format_.replace("%b", "%B") if is_long else format_
                yield format_.format(match["mark"]), text[match.end() :]
