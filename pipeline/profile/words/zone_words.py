"""Time zones as names of columns and lines above a table say them."""

import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from longstride.pipeline.ingest.times.zone_names import offsets_of

__all__ = ["NO_ZONE", "SAYS_ZONE", "is_zone", "named_zone", "zone_in_line", "zone_with_summer"]

NO_ZONE = 'times carry no zone and are read as UTC: if they are local, say timezone = "Europe/Berlin"'
"""The doubt where nothing says the zone."""
OFFSET = re.compile(r"(?:(?:GMT|UTC) ?|[(\[])([+\-\u2212])(\d{1,2})(?::?(\d\d))?(?![\d:])")
PLACE = re.compile(r"(?<![\w/])[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?(?![\w/])")
NAME = re.compile(r"(?<![^\W_])[^\W\d_]{3,5}(?![^\W_])")
LOWER_NAME = re.compile(r"_([a-z]{3,4})$")
BOTH = re.compile(r"\b(?:MEZ/MESZ|CET/CEST|(?P<us>[ECMP])(?:ST/(?P=us)DT|T))\b")
OF_US = {"E": "America/New_York", "C": "America/Chicago", "M": "America/Denver", "P": "America/Los_Angeles"}
RUSSIAN = {"\u041c\u0421\u041a": "+03:00"}
PART_HOURS = {
    "+03:30": "Asia/Tehran",
    "+04:30": "Asia/Kabul",
    "+05:30": "Asia/Kolkata",
    "+05:45": "Asia/Kathmandu",
    "+06:30": "Asia/Yangon",
    "+08:45": "Australia/Eucla",
    "+09:30": "Australia/Darwin",
    "-09:30": "Pacific/Marquesas",
}
"""Zones that keep an offset which is not of whole hours."""
HOURS = re.compile(
    r"\W*(?:time[ _-]?zone|tz|utc[ _-]?offset)\s*[=:,]?\s*([+\-\u2212]?)(\d{1,2})(?:\.0+)?\s*(?:h|hours?)?\W*",
    re.IGNORECASE,
)
"""Hours ahead of UTC without its name, as in tz = 1."""
SAYS_ZONE = re.compile(
    r"time[ _-]?zone|\btz\b|utc[ _-]?offset|zeitzone|fuseau|fuso|huso|zona horaria|times? (?:is|are|in)\b|tijdzone"
    r"|часовой пояс|时区|時區|タイムゾーン",
    re.IGNORECASE,
)


def named_zone(name: str) -> str | None:
    """The zone that the name of a column says, such as Date Time, GMT-05:00 or Zeit (MEZ); None for others."""
    if place := _place(name):
        return place
    if match := OFFSET.search(name):
        return _of_offset(f"{'+' if match[1] == '+' else '-'}{int(match[2]):02}:{match[3] or '00'}")
    if zone_with_summer(name):
        return None
    known = offsets_of("UTC") | RUSSIAN
    for text in [*NAME.findall(name), *(found.upper() for found in LOWER_NAME.findall(name))]:
        if text in known:
            return _of_offset(known[text])
    return None


def zone_with_summer(name: str) -> str | None:
    """A zone with the summer time that the name of a column says, such as MTU (CET/CEST): it is one of several."""
    both = BOTH.search(name)
    return None if both is None else OF_US[both["us"]] if both["us"] else "Europe/Berlin"


def zone_in_line(line: str) -> str | None:
    """The zone that a line above a table says; None where it says none."""
    if match := HOURS.fullmatch(line):
        return _of_offset(f"{'-' if match[1] in ('-', chr(0x2212)) else '+'}{int(match[2]):02}:00")
    return (zone_with_summer(line) or named_zone(line)) if SAYS_ZONE.search(line) else None


def is_zone(text: str) -> bool:
    """Whether a text is an offset such as +02:00, or the name of one zone."""
    return re.fullmatch(r"Z|[+-]\d\d:?\d\d", text) is not None or text in offsets_of("UTC")


def _place(text: str) -> str | None:
    for match in PLACE.findall(text):
        try:
            return ZoneInfo(match).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return None


def _of_offset(offset: str) -> str | None:
    if offset.endswith(":00"):
        hours = int(offset[1:3])
        # The signs of these zones are the other way round, as in POSIX.
        return (
            "UTC" if hours == 0 else f"Etc/GMT{'-' if offset[0] == '+' else '+'}{hours}" if hours <= 12 else None
        )
    return PART_HOURS.get(offset)
