"""Times that are numbers: in which unit, and since when."""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

__all__ = [
    "CLOCK_TEXTS",
    "DECIMAL_YEAR",
    "DOTNET_TEXT",
    "EPOCHS",
    "UNITS_NS",
    "Count",
    "Epoch",
    "count_of",
    "epoch_of",
    "nanoseconds_of",
]

UNITS_NS = {
    "ns": 1,
    "100ns": 100,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "min": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
}
"""Units of a number that is a time, and their length."""
CLOCK_TEXTS = ("h:m:s", "m:s")
"""Elapsed times that are texts: hours, minutes and seconds, with days before them or not; minutes and seconds."""
DECIMAL_YEAR = "year"
"""A year with its fraction, such as 2014.0833."""
COUNT = re.compile(r"(?P<base>.+?) \+ (?P<number>[1-9]\d{0,5})?(?P<unit>[a-z]+)(?: from (?P<first>[01]))?")
DOTNET_TEXT = r"\\?/Date\((-?\d+)(?:[+-]\d{4})?\)\\?/"
"""Milliseconds since 1970 as .NET writes them in JSON; an offset behind them changes nothing."""
SINCE = re.compile(r"(\w+) since (.+)")
GPS = "gps"
"""Also behind "since", as in "ms since gps": no date says that leap seconds are counted."""
SECOND, DAY = UNITS_NS["s"], UNITS_NS["d"]


class Epoch(NamedTuple):
    """What a number means that is a time."""

    unit_ns: int
    origin_ns: int = 0
    """When it is 0, in nanoseconds since 1970 UTC; int64 does not reach some of them."""
    counts_leap_seconds: bool = False
    """Whether it counts them too, as GPS does."""
    is_local: bool = False
    """Whether it counts what a clock on the wall shows, as spreadsheets do; others count from a moment of UTC."""


class Count(NamedTuple):
    """What a number means that counts from the moment which the columns before it say."""

    base: str
    """How that moment is written."""
    step_ns: int
    first: int
    """Its number at that moment."""

    @property
    def epoch(self) -> "Epoch":
        """Of a base that is a number, without the leap seconds that it may count."""
        return EPOCHS[self.base]._replace(counts_leap_seconds=False)


def _days_before_1970(days: int) -> int:
    return -days * DAY


EPOCHS = {
    "excel": Epoch(DAY, _days_before_1970(25_569), is_local=True),
    "excel-1904": Epoch(DAY, _days_before_1970(24_107), is_local=True),
    "matlab": Epoch(DAY, _days_before_1970(719_529), is_local=True),
    "ordinal": Epoch(DAY, _days_before_1970(719_163), is_local=True),
    "mjd": Epoch(DAY, _days_before_1970(40_587), is_local=True),
    "julian": Epoch(DAY, _days_before_1970(2_440_587) - DAY // 2, is_local=True),
    "labview": Epoch(SECOND, _days_before_1970(24_107)),
    "apple": Epoch(SECOND, -_days_before_1970(11_323)),
    "ntp": Epoch(SECOND, _days_before_1970(25_567)),
    GPS: Epoch(SECOND, -_days_before_1970(3_657), counts_leap_seconds=True),
    "gps-week": Epoch(7 * DAY, -_days_before_1970(3_657), counts_leap_seconds=True),
    "ticks": Epoch(UNITS_NS["100ns"], _days_before_1970(719_162), is_local=True),
    "filetime": Epoch(UNITS_NS["100ns"], _days_before_1970(134_774)),
}
"""Those with a name: days of Excel (1900 and 1904), of MATLAB, of Python's date.toordinal, modified
Julian and Julian days; seconds of LabVIEW (1904), Apple (2001), NTP (1900) and GPS (1980); weeks of GPS; steps of
100 ns of .NET (year 1) and Windows (1601). Days, and the steps of .NET, are those of a clock on the wall."""


def epoch_of(time_format: str | None, start: str | None = None, timezone: str = "UTC") -> Epoch | None:
    """What numbers of a time format mean; None where it is not one of numbers.

    `start` is when they begin, where the format itself does not say. Raises ValueError where a date is not one.
    """
    if time_format is None:
        return None
    if time_format in EPOCHS:
        return EPOCHS[time_format]
    if time_format in UNITS_NS:
        return Epoch(UNITS_NS[time_format], 0 if start is None else nanoseconds_of(start, timezone))
    match = SINCE.fullmatch(time_format)
    if match is None or match[1] not in UNITS_NS:
        return None
    if match[2] == GPS:
        return EPOCHS[GPS]._replace(unit_ns=UNITS_NS[match[1]])
    return Epoch(UNITS_NS[match[1]], nanoseconds_of(match[2], timezone))


def count_of(time_format: str | None) -> Count | None:
    """What the last column of times counts, such as that of "%Y-%m-%d + 30min from 1"; None where it does not."""
    match = COUNT.fullmatch(time_format or "")
    unit = {"m": "min"}.get(match["unit"], match["unit"]) if match else ""
    if match is None or unit not in UNITS_NS:
        return None
    return Count(match["base"], int(match["number"] or 1) * UNITS_NS[unit], int(match["first"] or 0))


def nanoseconds_of(text: str, timezone: str) -> int:
    """A time in ISO 8601 as nanoseconds since 1970 UTC. Raises ValueError where it is not one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * UNITS_NS["us"]
