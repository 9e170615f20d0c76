"""Times, counts, names, numbers and shares as text. Times are int nanoseconds since 1970-01-01 UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = [
    "counted",
    "exact_ns",
    "exact_number",
    "exact_time",
    "iso_time",
    "named",
    "number",
    "readable_time",
    "share",
    "utc_time",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_SECOND = 10**9


def exact_time(nanoseconds: int) -> str:
    """ISO 8601 with all nine digits and the zone: 2024-03-01T08:30:00.500000000Z."""
    seconds, fraction = divmod(int(nanoseconds), NS_PER_SECOND)
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


def exact_ns(text: str) -> int:
    """The nanoseconds of what `exact_time` gave. Raises ValueError for any other text."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    since = datetime.strptime(f"{whole}+0000", "%Y-%m-%dT%H:%M:%S%z") - EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + int(fraction)


def iso_time(nanoseconds: int) -> str:
    """ISO 8601 in UTC without the zone, and without a fraction of zero: 2024-03-01T08:30:00."""
    return exact_time(nanoseconds).removesuffix("Z").removesuffix(".000000000")


def utc_time(nanoseconds: int) -> str:
    """The same with its zone, for other programs, which would take a time without one for local: ...T08:30:00Z."""
    return f"{iso_time(nanoseconds)}Z"


def readable_time(nanoseconds: int, *, fraction: bool = True) -> str:
    """A time for the eye: 2024-03-01 08:30:00.500, in milliseconds if they are enough, or in whole seconds."""
    text = exact_time(nanoseconds).removesuffix("Z").replace("T", " ")
    return text.removesuffix("000000").removesuffix(".000") if fraction else text.partition(".")[0]


def counted(count: int, what: str) -> str:
    """A number of things: 1 row, 1,200 rows."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def named(names: Sequence[str], most: int = 5) -> str:
    """Names in quotes; of many, the first: 'a', 'b', ..."""
    return ", ".join(map(repr, names[:most])) + ", ..." * (len(names) > most)


def share(part: int, whole: int) -> str:
    """A percentage."""
    percent = 100 * part / whole
    return f"{percent:.1f}%" if percent >= 0.05 else "under 0.1%"


def number(value: Any, digits: int = 6) -> str:
    """A float, a whole one without a point."""
    return f"{int(value)}" if value % 1 == 0 and abs(value) < 10**digits else f"{value:.{digits}g}"


def exact_number(value: Any) -> str:
    """A float in the fewest digits that give it again, a whole one without a point."""
    return f"{int(value)}" if value % 1 == 0 and abs(value) < 2**53 else repr(float(value))
