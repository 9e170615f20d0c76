"""What users write for a point in time, as nanoseconds."""

import re
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from longstride.storage.errors import LongstrideError

__all__ = ["instant_ns"]

ISO = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)(?: ?(?:(?P<utc>Z)|([+-])(\d\d):?(\d\d)))?"
)
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Years that are whole in int64 nanoseconds."""
NS_PER_MINUTE = 60 * 10**9


def instant_ns(option: str, value: Any) -> int:
    """Nanoseconds since 1970-01-01 UTC of a date or a time; without a zone it is UTC. Raises LongstrideError."""
    offset_minutes = 0
    if isinstance(value, str):
        if not (found := ISO.fullmatch(value.strip())):
            raise _refused(option, value)
        text, utc, sign, hours, minutes = found.groups()
        if sign and not utc:
            offset_minutes = int(f"{sign}1") * (60 * int(hours) + int(minutes))
        value = text
    elif hasattr(value, "to_datetime64"):  # of pandas: in UTC, to the nanosecond
        value = value.to_datetime64()
    elif isinstance(value, datetime) and value.tzinfo:
        value = value.astimezone(UTC).replace(tzinfo=None)
    if not isinstance(value, str | date | np.datetime64):
        raise _refused(option, value)
    try:
        instant = np.datetime64(value)
    except ValueError:
        raise _refused(option, value) from None
    if np.isnat(instant) or not FIRST_YEAR <= int(instant.astype("datetime64[Y]").astype(int)) + 1970 <= LAST_YEAR:
        raise _refused(option, value)
    return int(instant.astype("datetime64[ns]").astype(np.int64)) - offset_minutes * NS_PER_MINUTE


def _refused(option: str, value: object) -> LongstrideError:
    return LongstrideError(
        f"{option}={value!r:.80}: expected a date from {FIRST_YEAR} to {LAST_YEAR}, such as '2024-03-01' or "
        "'2024-03-01T08:30:00Z', a datetime or a numpy.datetime64",
        code="option-value",
    )
