"""How loggers write times: 265 ways, each as columns of texts of the same moments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["MOMENTS", "SPELLINGS", "Spelling"]

MOMENTS = [datetime(2024, 2, 24, 21, 40, tzinfo=UTC) + timedelta(minutes=20 * row) for row in range(150)]
"""Two days in which no day of the month is a month; the hours 0 and 12 come up."""
MONTHS = {
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "el": "Ιαν Φεβ Μαρ Απρ Μαΐ Ιουν Ιουλ Αυγ Σεπ Οκτ Νοε Δεκ",  # noqa: RUF001
    "uk": "січ лют бер кві тра чер лип сер вер жов лис гру",  # noqa: RUF001
    "et": "jaan veebr märts apr mai juuni juuli aug sept okt nov dets",
    "lt": "saus vas kov bal geg birž liep rugp rugs spal lapkr gruod",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
}


class Spelling(NamedTuple):
    """One way to write times."""

    name: str
    header: tuple[str, ...]
    write: Callable[[datetime], tuple[str, ...]]
    error: timedelta = timedelta(0)
    """How far its digits may be from the moment."""
    later: timedelta = timedelta(0)
    """What it adds to the moment."""


def _one(name: str, write: Callable[[datetime], str], header: str = "Time", error: float = 0.0) -> Spelling:
    return Spelling(name, (header,), lambda moment: (write(moment),), timedelta(seconds=error))


def _strftime(format_: str, header: str = "Time") -> Spelling:
    return _one(format_, lambda moment: moment.strftime(format_), header)


DATES = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%d %m %Y",
]
SHORT = ["%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%y-%m-%d"]
NAMED = [
    "%d-%b-%Y",
    "%d %b %Y",
    "%d.%b.%Y",
    "%d%b%Y",
    "%d-%b-%y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
]
CLOCKS = ["%H:%M", "%H:%M:%S", "%H.%M.%S", "%H:%M:%S.%f", "%H:%M:%S,%f", "%I:%M:%S %p", "%I:%M %p"]


def _spellings() -> list[Spelling]:
    found = [_strftime(f"{day} {clock}") for day in DATES for clock in CLOCKS]
    found += [_strftime(f"{day} %H:%M:%S") for day in (*SHORT, *NAMED)]
    found += [_strftime(f"{day} %I:%M %p") for day in NAMED[:3]]
    found += map(_strftime, ISO)
    found += map(_strftime, COMPACT)
    found += map(_strftime, OTHERS)
    found += [_named_month(language, names.split()) for language, names in MONTHS.items()]
    return [*found, *_halves(), *NUMBERS, *SPECIAL, *SEVERAL]


ISO = [
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S+0000",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S GMT",
    "%Y-%m-%d_%H:%M:%S",
    "%Y-%m-%d_%H-%M-%S",
    "%Y-%m-%d-%H:%M:%S",
    "%Y-%m-%d;%H:%M:%S",
    "%G-W%V-%uT%H:%M:%S",
    "%Y-%jT%H:%M:%S",
    "%Y-%j %H:%M:%S",
]
COMPACT = [
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H%M",
    "%Y%m%d %H%M%S",
    "%Y%m%d_%H%M%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%d-%H%M%S",
    "%Y%m%d %H:%M",
    "%Y%j%H%M",
    "%Y%j%H%M%S",
    "%y%m%d%H%M",
    "%y%m%d%H%M%S",
    "%y%m%d %H%M%S",
    "%d%m%Y %H%M%S",
]
OTHERS = [
    "%H:%M:%S %d/%m/%Y",
    "%H:%M %d.%m.%Y",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a, %d %b %Y %H:%M:%S +0000",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%d.%m.%Y, %H:%M:%S",
    "%d.%m.%Y  %H:%M:%S",
    "%d/%m/%Y %Hh%M",
    "%Y年%m月%d日 %H时%M分",
    "%Y년 %m월 %d일 %H:%M",
    "%Y:%m:%d %H:%M:%S",
    "%Y_%m_%d_%H_%M_%S",
    "%Y-%m-%d|%H:%M:%S",
    "%d/%m/%Y - %H:%M:%S",
    "%Y-%m-%d at %H:%M",
    "%d.%m.%Y %H:%M Uhr",
    "[%Y-%m-%d %H:%M:%S]",
    "'%Y-%m-%d %H:%M:%S",
    "%Y.%j %H:%M",
    "%d%m%Y%H%M",
    "%a %b %d %Y %H:%M:%S GMT+0000",
    "%d/%m/%Y %H:%M:%S UTC+0",
    "%Y-%m-%d %Hh%Mm%Ss",
    "%d/%m/%Y %Hh%Mmin",
    "%H:%M:%S, %d %B %Y",
    "%H:%M:%S UTC %d %b %Y",
    "%Y%jT%H%M%S",
    "%y-%j %H:%M:%S",
    "%y%j%H%M",
    "%j/%Y %H:%M",
    "%Y:%j:%H:%M:%S",
    "%Y_%j_%H%M",
    "%Y년%m월%d일 %H시%M분",
    "%d/%m/%Y a las %H:%M",
    "%Y-%m-%d %H-%M-%S-%f",
    "<%Y-%m-%d %H:%M:%S>",
    "#%Y-%m-%d %H:%M:%S#",
    "@%Y-%m-%d %H:%M:%S",
    '"%Y-%m-%d %H:%M:%S"',
    "%Y-%m-%d %H:%M:%S.%f +0000 UTC",
    "%Y-%m-%d %H:%M:%Sz",
    "%Y-%m-%dt%H:%M:%Sz",
    "%Y-%m-%d %H:%M:%S (UTC)",
    "%Y %m %d %H %M %S",
    "%d %m %y %H %M %S",
    "%d/ %m/ %Y %H:%M",
    "%Y- %m- %d %H:%M",
    "%Y-%m-%d %H: %M: %S",
    "%Y-%m-%d%H:%M:%S",
    "%Y.%m.%d. %H:%M:%S",
    "%d.%m.%Y. %H:%M",
    "%d. %m. %Y %H:%M",
    "%Y%m%d%H%M%S.%f",
    "%y%m%d%H%M%S.%f",
    "%d.%m.%Y %H:%M %a",
    "%d.%m.%Y. %H:%M:%S",
]


def _named_month(language: str, names: list[str]) -> Spelling:
    return _one(f"months in {language}", lambda at: f"{at.day}. {names[at.month - 1]} {at.year} {at:%H:%M}")


def _since(name: str, origin: datetime, unit: timedelta, digits: int, header: str = "Time") -> Spelling:
    def write(at: datetime) -> str:
        return f"{(at - origin) / unit:.{digits}f}"

    error = 0.0 if unit <= timedelta(seconds=1) else 0.0006
    return _one(name, write, header, error)


def _at(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


SECOND, MS, US, DAY = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(microseconds=1), timedelta(days=1)
NUMBERS = [
    _since("Unix s", _at(1970), SECOND, 0),
    _since("Unix s, named epoch", _at(1970), SECOND, 0, "epoch"),
    _since("Unix s with fraction", _at(1970), SECOND, 3),
    _since("Unix ms", _at(1970), MS, 0, "timestamp"),
    _since("Unix us", _at(1970), US, 0, "ts"),
    _one("Unix ns", lambda at: f"{int(at.timestamp())}000000000", "time"),
    _since("Unix s as a float", _at(1970), SECOND, 1, "t_stamp"),
    _since("Excel", _at(1899, 12, 30), DAY, 9, "Date"),
    _since("Excel, 8 digits", _at(1899, 12, 30), DAY, 8, "Date/Time"),
    _since("LabVIEW", _at(1904), SECOND, 0),
    _since("LabVIEW with fraction", _at(1904), SECOND, 6),
    _since("Apple", _at(2001), SECOND, 0, "timestamp"),
    _one("MATLAB", lambda at: f"{(at - _at(1)) / DAY + 367:.9f}", "datenum time", 0.0006),
    _one("Julian day", lambda at: f"{(at - _at(2000, 1, 1, 12)) / DAY + 2_451_545:.9f}", "JD time", 0.0006),
    _one("Modified Julian day", lambda at: f"{(at - _at(2000)) / DAY + 51_544:.9f}", "MJD time", 0.0006),
    _one(".NET ticks", lambda at: str((at - _at(1)) // US * 10), "Ticks time"),
    _one("Windows FILETIME", lambda at: str((at - _at(1601)) // US * 10), "FileTime"),
    _one("Unix s with exponent", lambda at: f"{at.timestamp():.9e}"),
    _one("Unix s, hexadecimal", lambda at: f"0x{int(at.timestamp()):X}"),
    _one(
        "day of Python",
        lambda at: f"{at.toordinal() + (at - _at(at.year, at.month, at.day)) / DAY:.9f}",
        "ordinal",
        0.0006,
    ),
    _since("hours since 1900", _at(1900), timedelta(hours=1), 9, "time (hours since 1900-1-1 00:00:0.0)"),
    _since("days since 2000", _at(2000), DAY, 9, "days since 2000-01-01"),
    _since("Chrome", _at(1601), US, 0, "timestamp"),
    _one(
        "decimal year",
        lambda at: f"{at.year + (at - _at(at.year)) / (_at(at.year + 1) - _at(at.year)):.12f}",
        "decimal_year",
        0.001,
    ),
]


WEEK = timedelta(days=7)
GPS = _at(1980, 1, 6) - timedelta(seconds=18)


def _of_week(unit: timedelta, *header: str) -> Spelling:
    def write(at: datetime) -> tuple[str, ...]:
        weeks, rest = divmod(at - GPS, WEEK)
        return str(weeks), f"{rest / unit:.0f}"

    return Spelling(f"GPS by {', '.join(header)}", header, write)


def _of_day(unit: timedelta, *header: str, date: str = "%Y-%m-%d", digits: int = 0) -> Spelling:
    def write(at: datetime) -> tuple[str, ...]:
        counted = (at - at.replace(hour=0, minute=0)) / unit
        return (*f"{at:{date}}".split(","), f"{counted:.{digits}f}")

    return Spelling(f"{date} and {header[-1]}", header, write, error=timedelta(seconds=0.5 if digits else 0))


HALVES = ("午前 午後", "上午 下午", "오전 오후", "vorm. nachm.", "πμ μμ", "a p", "A.M. P.M.", "de. du.", "fm em")
BEFORE = ("午前 午後", "上午 下午", "오전 오후", "AM PM")


def _halves() -> list[Spelling]:
    """AM and PM in other languages, behind the time of day or before it."""

    def way(words: str, *, is_before: bool) -> Spelling:
        def write(at: datetime) -> str:
            half = words.split(" ")[at.hour >= 12]
            return f"{at:%Y/%m/%d} {half} {at:%I:%M:%S}" if is_before else f"{at:%Y/%m/%d %I:%M:%S} {half}"

        return _one(f"{words} {'before' if is_before else 'behind'}", write)

    return [way(words, is_before=False) for words in HALVES] + [way(words, is_before=True) for words in BEFORE]


def _hour_24(at: datetime) -> str:
    if (at.hour, at.minute) == (0, 0):
        return f"{at - DAY:%Y-%m-%d} 24:00"
    return f"{at:%Y-%m-%d %H:%M}"


SPECIAL = [
    _one("hour 24", _hour_24),
    _one("unpadded", lambda at: f"{at.day}/{at.month}/{at.year} {at.hour}:{at:%M}"),
    _one("unpadded, month first", lambda at: f"{at.month}/{at.day}/{at.year} {at.hour}:{at:%M}"),
    _one("a.m. with points", lambda at: f"{at:%d/%m/%Y %I:%M} {'a.m.' if at.hour < 12 else 'p.m.'}"),
    _one("am in small letters", lambda at: f"{at:%d/%m/%Y %I:%M:%S}{'am' if at.hour < 12 else 'pm'}"),
    _one("interval", lambda at: f"{at:%d.%m.%Y %H:%M} - {at + timedelta(minutes=20):%d.%m.%Y %H:%M}"),
    _one("interval, ISO", lambda at: f"{at:%Y-%m-%dT%H:%M:%S}/{at + timedelta(minutes=20):%Y-%m-%dT%H:%M:%S}"),
    _one("blanks around", lambda at: f"  {at:%Y-%m-%d %H:%M:%S} "),
    _one("no-break space", lambda at: f"{at:%d.%m.%Y}\u00a0{at:%H:%M}"),
    _one("CET", lambda at: f"{at + timedelta(hours=1):%Y-%m-%d %H:%M:%S} CET"),
    _one("EST", lambda at: f"{at - timedelta(hours=5):%m/%d/%Y %H:%M:%S} EST"),
    _one("offset", lambda at: f"{at + timedelta(hours=9):%Y-%m-%dT%H:%M:%S}+09:00"),
    _one("offset of hours", lambda at: f"{at - timedelta(hours=3):%Y-%m-%d %H:%M:%S}-03"),
    _one("day of the week within", lambda at: f"{at:%Y/%m/%d}({'月火水木金土日'[at.weekday()]}) {at:%H:%M}"),
    _one("months with de", lambda at: f"{at.day} de {MONTHS['pt'].split()[at.month - 1]} de {at.year} {at:%H:%M}"),
    _one("interval of one date", lambda at: f"{at:%Y-%m-%d %H:%M}-{at + timedelta(minutes=20):%H:%M}"),
    _one("interval with a tilde", lambda at: f"{at:%Y/%m/%d %H:%M}~{at + timedelta(minutes=20):%H:%M}"),
    _one("comma, two digits", lambda at: f"{at:%Y-%m-%d %H:%M:%S},25")._replace(later=timedelta(seconds=0.25)),
    _one("milliseconds behind a colon", lambda at: f"{at:%d/%m/%Y %H:%M:%S}:000"),
]
SEVERAL = [
    _of_week(SECOND, "GPS_Week", "TOW"),
    _of_week(SECOND, "week", "sow"),
    _of_week(MS, "GWk", "GMS"),
    _of_day(SECOND, "Date", "SecondsOfDay"),
    _of_day(SECOND, "date", "sod", date="%Y%m%d"),
    _of_day(SECOND, "Year", "Month", "Day", "SOD", date="%Y,%m,%d"),
    _of_day(timedelta(minutes=1), "date", "minute of day", date="%d.%m.%Y"),
    _of_day(DAY, "Date", "Time", date="%d.%m.%Y", digits=8),
    Spelling(
        "MJD and seconds",
        ("MJD", "SOD"),
        lambda at: (str((at - _at(1858, 11, 17)).days), str(3600 * at.hour + 60 * at.minute)),
    ),
    Spelling(
        "year and decimal day",
        ("Year", "DecimalDay"),
        lambda at: (str(at.year), f"{1 + (at - _at(at.year)) / DAY:.9f}"),
        error=timedelta(seconds=0.001),
    ),
    Spelling(
        "month by its name",
        ("Year", "Month", "Day", "Hour", "Minute"),
        lambda at: tuple(f"{at:%Y %B %d %H %M}".split()),
    ),
    Spelling(
        "day of year to second",
        ("YEAR", "DOY", "HR", "MN", "SC"),
        lambda at: tuple(f"{at:%Y %j %H %M %S}".split()),
    ),
    Spelling(
        "two digits of year", ("YY", "MM", "DD", "HH", "MI"), lambda at: tuple(f"{at:%y %m %d %H %M}".split())
    ),
    Spelling(
        "parts and clock", ("Year", "Month", "Day", "Time"), lambda at: tuple(f"{at:%Y %m %d %H:%M}".split())
    ),
    Spelling("parts and HHMM", ("Year", "Month", "Day", "HHMM"), lambda at: tuple(f"{at:%Y %m %d %H%M}".split())),
    Spelling("date, hour, minute", ("Date", "Hour", "Minute"), lambda at: tuple(f"{at:%Y-%m-%d %H %M}".split())),
    Spelling("clock and date of NMEA", ("utc", "date"), lambda at: (f"{at:%H%M%S}.00", f"{at:%d%m%y}")),
    Spelling("date, HHMMSS", ("date", "time"), lambda at: (f"{at:%Y%m%d}", str(int(f"{at:%H%M%S}")))),
    Spelling("date, clock", ("Date", "Time"), lambda at: (f"{at:%d.%m.%Y}", f"{at:%H:%M:%S}")),
    Spelling("date, clock in ISO", ("date", "time"), lambda at: (f"{at:%Y-%m-%d}", f"{at:%H:%M}")),
    Spelling(
        "date, clock, AM", ("Date", "Time", "Half"), lambda at: (f"{at:%m/%d/%Y}", f"{at:%I:%M}", f"{at:%p}")
    ),
    Spelling(
        "year to minute in Japanese",
        ("年", "月", "日", "時", "分"),
        lambda at: tuple(f"{at:%Y %m %d %H %M}".split()),
    ),
    Spelling(
        "date, interval",
        ("Date", "Time"),
        lambda at: (f"{at:%d.%m.%Y}", f"{at:%H:%M} - {at + timedelta(minutes=20):%H:%M}"),
    ),
    Spelling("date, clock with AM", ("Date", "Time"), lambda at: (f"{at:%m/%d/%Y}", f"{at:%I:%M:%S %p}")),
    Spelling("date, HHMM", ("DATE", "TIME"), lambda at: (f"{at:%Y%m%d}", str(100 * at.hour + at.minute))),
    Spelling("Datum, Uhrzeit", ("Datum", "Uhrzeit"), lambda at: (f"{at:%d.%m.%y}", f"{at:%H:%M}")),
    Spelling(
        "parts",
        ("Year", "Month", "Day", "Hour", "Minute"),
        lambda at: (str(at.year), str(at.month), str(at.day), str(at.hour), str(at.minute)),
    ),
    Spelling("#YY", ("#YY", "MM", "DD", "hh", "mm"), lambda at: tuple(f"{at:%Y %m %d %H %M}".split())),
    Spelling("day of year", ("year", "doy", "HHMM"), lambda at: (str(at.year), f"{at:%j}", f"{at:%H%M}")),
    Spelling(
        "day of year, unpadded",
        ("Year", "JDay", "Time"),
        lambda at: (str(at.year), str(at.timetuple().tm_yday), str(100 * at.hour + at.minute)),
    ),
]
SPELLINGS = _spellings()
