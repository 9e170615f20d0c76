"""Names of time zones as clocks write them, such as CET and CEST, to offsets from UTC."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

__all__ = ["SEVERAL", "offsets_of"]

OFFSETS = {
    "+00:00": "UTC GMT Z UT UCT WET",
    "+01:00": "CET WEST MEZ MET",
    "+02:00": "CEST EET MESZ MEST SAST CAT",
    "+03:00": "EEST MSK EAT TRT",
    "+04:00": "MSD",
    "+05:00": "PKT",
    "+05:45": "NPT",
    "+07:00": "WIB ICT",
    "+08:00": "AWST HKT SGT",
    "+09:00": "JST KST",
    "+09:30": "ACST",
    "+10:00": "AEST",
    "+10:30": "ACDT",
    "+11:00": "AEDT",
    "+12:00": "NZST",
    "+13:00": "NZDT",
    "-02:30": "NDT",
    "-03:00": "BRT ART",
    "-03:30": "NST",
    "-04:00": "EDT",
    "-05:00": "EST CDT",
    "-06:00": "MDT",
    "-07:00": "MST PDT",
    "-08:00": "PST AKDT",
    "-09:00": "AKST",
    "-10:00": "HST",
}
"""Those that mean one offset. CST, IST, BST and others mean several: the zone of a recipe tells which."""
SEVERAL = {
    "IST": {"Asia/Kolkata": "+05:30", "Asia/Jerusalem": "+02:00", "Europe/Dublin": "+01:00"},
    "CST": {"America/Chicago": "-06:00", "Asia/Shanghai": "+08:00", "America/Havana": "-05:00"},
    "BST": {"Europe/London": "+01:00", "Asia/Dhaka": "+06:00"},
    "AST": {"America/Halifax": "-04:00", "Asia/Riyadh": "+03:00"},
    "ADT": {"America/Halifax": "-03:00", "Asia/Baghdad": "+04:00"},
    "GST": {"Asia/Dubai": "+04:00", "Atlantic/South_Georgia": "-02:00", "Pacific/Guam": "+10:00"},
    "SST": {"Pacific/Pago_Pago": "-11:00", "Asia/Singapore": "+08:00"},
    "AMT": {"America/Manaus": "-04:00", "Asia/Yerevan": "+04:00"},
    "ECT": {"America/Guayaquil": "-05:00", "America/Martinique": "-04:00"},
    "WST": {"Australia/Perth": "+08:00", "Pacific/Apia": "+13:00"},
    "EST": {"America/New_York": "-05:00", "Australia/Brisbane": "+10:00"},
    "EDT": {"America/New_York": "-04:00", "Australia/Sydney": "+11:00"},
    "PST": {"America/Los_Angeles": "-08:00", "Asia/Manila": "+08:00"},
    "MST": {"America/Denver": "-07:00", "Asia/Kuala_Lumpur": "+08:00"},
}
"""Names that mean several offsets, and of each a zone in which it means that."""
YEARS = range(1970, 2038)


@cache
def offsets_of(timezone: str) -> dict[str, str]:
    """Offset of each known name, those of a zone first."""
    known = {name: offset for offset, names in OFFSETS.items() for name in names.split()}
    if timezone == "UTC":
        return known
    known |= {name: zones[timezone] for name, zones in SEVERAL.items() if timezone in zones}
    zone = ZoneInfo(timezone)
    own: dict[str, set[timedelta]] = {}
    for year in YEARS:
        for month in range(1, 13):
            moment = datetime(year, month, 1, tzinfo=UTC).astimezone(zone)
            offset = moment.utcoffset()
            if offset is not None and (name := moment.tzname() or "").isalpha():
                own.setdefault(name, set()).add(offset)
    return known | {name: _written(offsets.pop()) for name, offsets in own.items() if len(offsets) == 1}


def _written(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
