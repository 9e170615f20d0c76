"""The nights in which clocks are set back, and an hour of local time comes twice."""

import polars as pl

__all__ = ["AUTUMN", "IN_EUROPE", "zone_of_autumn"]

AUTUMN = {"Europe/Berlin": (10, 25), "America/New_York": (11, 1), "Australia/Sydney": (4, 1)}
"""Zones whose clocks are set back on a Sunday, with the month and the first day that it may be."""
IN_EUROPE = {1: "Europe/London", 2: "Europe/Berlin", 3: "Europe/Athens"}
"""Zones of Europe by the hour that comes twice: each stands for all zones with the same clock."""


def zone_of_autumn(times: pl.Series) -> str | None:
    """A zone that sets its clocks back in the night of most of the times; None where there is none."""
    moments = times.cast(pl.Datetime("ns"))
    day, month = moments.dt.day(), moments.dt.month()
    is_night = (moments.dt.weekday() == 7) & (moments.dt.hour() < 4)
    for zone, (in_month, first_day) in AUTUMN.items():
        is_then = is_night & (month == in_month) & day.is_between(first_day, first_day + 6)
        if len(times) and int(is_then.sum()) > len(times) / 2:
            hours = set(moments.filter(is_then).dt.hour().to_list())
            return IN_EUROPE.get(hours.pop(), zone) if zone.startswith("Europe") and len(hours) == 1 else zone
    return None
