"""The formats that a text could have if it is a time."""

import re
from collections.abc import Iterator
from itertools import product

__all__ = ["clock_formats", "date_formats", "datetime_formats", "is_clock", "is_time"]

DATES = tuple(
    (re.compile(pattern), formats)
    for pattern, formats in (
        (r"\d{4}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{1,2}(?!\d)", ("%Y{0}%m{0}%d",)),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{4}(?!\d)", ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
        (r"\d{1,2}(?P<mark>[-/.])\d{1,2}(?P=mark)\d{2}(?!\d)", ("%d{0}%m{0}%y", "%m{0}%d{0}%y")),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{3}(?P=mark)\d{4}(?!\d)", ("%d{0}%b{0}%Y",)),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{3}(?P=mark)\d{2}(?!\d)", ("%d{0}%b{0}%y",)),
        (r"\d{1,2}(?P<mark>[-/. ]?)[A-Za-z]{4,9}(?P=mark)\d{4}(?!\d)", ("%d{0}%B{0}%Y",)),
        (r"[A-Za-z]{3}(?P<mark> )\d{1,2}, \d{4}", ("%b %d, %Y",)),
        (r"[A-Za-z]{4,9}(?P<mark> )\d{1,2}, \d{4}", ("%B %d, %Y",)),
        (r"(?:19|20)\d{2}[01]\d[0-3]\d(?P<mark>)", ("%Y%m%d",)),
    )
)
BETWEEN = re.compile(r"T|_|:|, ?| +|")
TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[:.h])\d{2}(?P<second>(?P=mark)\d{2}(?:(?P<point>[.,])(?P<fraction>\d+))?)?"
    r"(?P<half> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
COMPACT_TIME_OF_DAY = re.compile(r"[0-2]\d[0-5]\d(?P<second>[0-5]\d)?")


def datetime_formats(text: str) -> Iterator[str]:
    """Formats of a date, with a time of day or without."""
    for pattern, formats in DATES:
        match = pattern.match(text)
        if match is None:
            continue
        rest = text[match.end() :]
        between = BETWEEN.match(rest)
        assert between is not None
        clocks = list(clock_formats(rest[between.end() :])) if rest else [""]
        for format_, clock in product(formats, clocks):
            yield f"{format_.format(match['mark'])}{between[0]}{clock}"


def date_formats(text: str) -> list[str]:
    """Formats of a date alone."""
    return [format_ for format_ in datetime_formats(text) if not re.search("%[HI]", format_)]


def clock_formats(text: str) -> Iterator[str]:
    """Formats of a time of day."""
    if compact := COMPACT_TIME_OF_DAY.fullmatch(text):
        yield "%H%M%S" if compact["second"] else "%H%M"
    match = TIME_OF_DAY.fullmatch(text)
    if match is None:
        return
    hour, half = ("%I", " %p" if match["half"].startswith(" ") else "%p") if match["half"] else ("%H", "")
    fraction = ""
    if match["fraction"]:
        # With a comma, the number of digits must be said.
        fraction = "%.f" if match["point"] == "." else f",%{len(match['fraction'])}f"
    second = f"{match['mark']}%S{fraction}" if match["second"] else ""
    zone = match["zone"] or ""
    if zone and zone.strip() not in ("UTC", "GMT"):
        zone = " " * zone.startswith(" ") + "%#z"
    yield f"{hour}{match['mark']}%M{second}{half}{zone}"


def is_time(text: str) -> bool:
    """Whether a text looks like a date or a time of day; digits alone do not."""
    return is_clock(text) or (not text.isdigit() and next(datetime_formats(text), None) is not None)


def is_clock(text: str) -> bool:
    """Whether a text looks like a time of day: 18:00 or 18.00.00, but not 18.00, which is a number."""
    match = TIME_OF_DAY.fullmatch(text)
    return match is not None and (match["mark"] != "." or match["second"] is not None)
