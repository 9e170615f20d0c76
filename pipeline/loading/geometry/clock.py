"""Times of day: which moments they are in a time zone."""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.times import nanoseconds
from longstride.storage.duration import read_duration
from longstride.storage.errors import LongstrideError

__all__ = ["Clock", "Every", "clock_of"]

Every = str | timedelta | np.timedelta64
"""A part of a day."""

EPOCH = datetime(1970, 1, 1)
SECOND = 10**9
DAY = 86_400 * SECOND
TIME = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?")


@dataclass(frozen=True)
class Clock:
    """The same times of every day."""

    marks: tuple[int, ...]
    """Nanoseconds from midnight on, in order."""
    zone: zoneinfo.ZoneInfo
    shown: str
    """As the caller wrote it."""

    @property
    def apart(self) -> int:
        """The least distance between two marks, in nanoseconds."""
        return min(later - earlier for earlier, later in pairwise([*self.marks, self.marks[0] + DAY]))

    def between(self, first: int, last: int) -> NDArray[np.int64]:
        """All moments from `first` to `last`, in nanoseconds since 1970 UTC, at which the clock shows a mark.

        A time that a clock skips on this day is no moment, and one that it shows twice is the first of the two.
        """
        days = [_moments(self.marks, self.zone, day) for day in range(self._day_of(first), self._day_of(last) + 1)]
        moments = np.concatenate(days)
        return moments[(first <= moments) & (moments <= last)]

    def _day_of(self, time: int) -> int:
        """Days since 1970 on the wall."""
        local = (EPOCH + timedelta(microseconds=time // 1000)).replace(tzinfo=UTC).astimezone(self.zone)
        return (local.replace(tzinfo=None) - EPOCH).days


@lru_cache(4)
def _moments(marks: tuple[int, ...], zone: zoneinfo.ZoneInfo, day: int) -> NDArray[np.int64]:
    """Nanoseconds since 1970 UTC of the marks of one day."""
    midnight = EPOCH + timedelta(days=day)
    wall = np.array(marks, np.int64) + day * DAY
    offset = _offset(midnight, zone)
    if _offset(midnight + timedelta(days=1), zone) == offset:
        return wall - offset
    # On this day clocks are put forward or back.
    moments = []
    for mark in marks:
        shown = midnight + timedelta(microseconds=mark // 1000)
        at = shown.replace(tzinfo=zone).astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) == shown:
            moments.append(day * DAY + mark - _offset(shown, zone))
    return np.array(moments, np.int64)


def _offset(wall: datetime, zone: zoneinfo.ZoneInfo) -> int:
    """Nanoseconds that the wall is ahead of UTC, at the first time at which it shows this."""
    offset = wall.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return (offset.days * 86_400 + offset.seconds) * SECOND + offset.microseconds * 1000


def clock_of(at: Sequence[str], every: Every | None, timezone: str) -> Clock:
    """The clock that shows these times of day, and each so often.

    Raises LongstrideError for what is no time of day, no part of a day, and no time zone.
    """
    period = DAY if every is None else _period(every)
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise _error(f"timezone={timezone!r:.80}: expected a name such as 'UTC' or 'Europe/Berlin'") from None
    marks = {(_time_of_day(one) + more) % DAY for one in at or ["00:00"] for more in range(0, DAY, period)}
    shown = [f"at={', '.join(at)}"] * bool(at) + [f"every={every}"] * (every is not None)
    return Clock(tuple(sorted(marks)), zone, f"{' '.join(shown)} ({timezone})")


def _period(every: Every) -> int:
    if not isinstance(every, str | timedelta | np.timedelta64):
        raise _error(f"every is {every!r:.80}: expected a duration, such as '1h', '15min' or '1d'")
    found = read_duration(every) if isinstance(every, str) else nanoseconds("every", every)
    if not found or found < 1_000_000 or DAY % found:
        raise _error(
            f"every={every!s:.80}: expected '1d', or a part of a day that fits into it, such as '1h' or '15min'"
        )
    return int(found)


def _time_of_day(text: str) -> int:
    match = TIME.fullmatch(text.strip())
    hour, minute, second, fraction = match.groups(default="0") if match else ("99", "0", "0", "0")
    if not (int(hour) < 24 and int(minute) < 60 and int(second) < 60):
        raise _error(f"at={text!r:.80}: expected a time of day, such as '08:00' or '08:00:30'")
    seconds = (int(hour) * 60 + int(minute)) * 60 + int(second)
    return seconds * SECOND + int(fraction.ljust(9, "0"))


def _error(message: str) -> LongstrideError:
    return LongstrideError(message, code="option-value")
