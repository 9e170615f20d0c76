"""The formats that a text could have if it is a time."""

import re
from collections.abc import Iterator
from itertools import product

from longstride.pipeline.ingest.settings.epochs import DOTNET_TEXT
from longstride.pipeline.ingest.settings.time_format import HALVES
from longstride.pipeline.ingest.times.spelling import LEAD

__all__ = [
    "AROUND",
    "BETWEEN",
    "MONTH",
    "clock_formats",
    "date_formats",
    "datetime_formats",
    "digit_formats",
    "is_clock",
    "is_half",
    "is_time",
]

MARK = r"(?P<mark>[-/._ ])"
MONTH = r"[^\W\d_]{3,12}\.?"
DATES = tuple(
    (re.compile(pattern), formats)
    for pattern, formats in (
        (rf"\d{{4}}{MARK}\d{{1,2}}(?P=mark)\d{{1,2}}(?!\d)", ("%Y{0}%m{0}%d",)),
        (r"\d{4}(?P<mark>:)\d\d:\d\d(?= )", ("%Y:%m:%d",)),
        (rf"\d{{4}}{MARK} \d{{1,2}}(?P=mark) \d{{1,2}}(?!\d)", ("%Y{0} %m{0} %d",)),
        (r"\d{4}(?P<mark>[-/.])\d\d(?P=mark)\d\d(?=\d\d:\d\d)", ("%Y{0}%m{0}%d",)),
        (r"\d{4}(?P<mark>\.)\d{1,2}\.\d{1,2}\.(?= |$)", ("%Y.%m.%d.",)),
        (r"\d{1,2}(?P<mark>\.)\d{1,2}\.\d{4}\.(?= |$)", ("%d.%m.%Y.",)),
        (rf"\d{{1,2}}{MARK} \d{{1,2}}(?P=mark) \d{{4}}(?!\d)", ("%d{0} %m{0} %Y", "%m{0} %d{0} %Y")),
        (rf"\d{{1,2}}{MARK}\d{{1,2}}(?P=mark)\d{{4}}(?!\d)", ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y")),
        (rf"\d{{1,2}}{MARK}\d{{1,2}}(?P=mark)\d{{2}}(?!\d)", ("%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")),
        (
            rf"\d{{1,2}}(?:st|nd|rd|th)?(?P<mark>\. |[-/. ]?){MONTH}(?P<mark2>,? |[-/.]|)\d{{4}}(?!\d)",
            ("%d{0}%b{1}%Y",),
        ),
        (rf"\d{{1,2}}(?P<mark>[-/. ]?){MONTH}(?P=mark)\d{{2}}(?!\d)", ("%d{0}%b{0}%y",)),
        (rf"\d{{4}}(?P<mark>[-/. ]?){MONTH}(?P=mark)\d{{1,2}}(?!\d)", ("%Y{0}%b{0}%d",)),
        (rf"\d{{1,2}} de {MONTH} de \d{{4}}(?P<mark>)", ("%d de %b de %Y",)),
        (rf"{MONTH}(?P<mark>[-/. ])\d{{1,2}}(?:st|nd|rd|th)?(?P<mark2>,? |[-/.])\d{{4}}(?!\d)", ("%b{0}%d{1}%Y",)),
        (r"(?:19|20)\d{2}[01]\d[0-3]\d(?P<mark>)(?!\d{3}$|\d$)", ("%Y%m%d",)),
        (r"[0-3]\d[01]\d(?:19|20)\d\d(?P<mark>)(?=[ T_-])", ("%d%m%Y", "%m%d%Y")),
        (r"\d{4}(?P<mark>-?)W[0-5]\d(?P=mark)[1-7]", ("%G{0}W%V{0}%u",)),
        (r"\d{4}(?P<mark>-?)W[0-5]\d$", ("%G{0}W%V",)),
        (r"(?:19|20)\d{2}(?P<mark>[-./ :_])[0-3]\d{2}(?!\d)", ("%Y{0}%j",)),
        (r"(?:19|20)\d{2}(?P<mark>)[0-3]\d{2}(?=[T _:-]\d\d)", ("%Y%j",)),
        (r"\d{2}(?P<mark>[-/])[0-3]\d{2}(?=[T _:]\d\d)", ("%y{0}%j",)),
        (r"[0-3]\d{2}(?P<mark>[-/ ])(?:19|20)\d{2}(?!\d)", ("%j{0}%Y",)),
        (r"[01]\d(?P<mark>[-/])(?:19|20)\d{2}$", ("%m{0}%Y",)),
        (r"(?:19|20)\d{2}(?P<mark>[ -]?M)[01]?\d$", ("%Y{0}%m",)),
        (r"(?:19|20)\d{2}(?P<mark>:|[ /.-]?[QqTK])[1-4]$", ("%Y{0}%q",)),
        (r"(?P<mark>[QqTK])[1-4](?P<mark2>[ /.-]?)(?:19|20)\d{2}$", ("{0}%q{1}%Y",)),
        (r"[1-4](?P<mark>[QqTK][ /.-]?)(?:19|20)\d{2}$", ("%q{0}%Y",)),
        (r"(?:19|20)\d{2}(?P<mark>:)(?:0?[1-9]|1[0-2])$", ("%Y:%m",)),
        (rf"(?:19|20)\d{{2}}(?P<mark>[-/ ]){MONTH}$", ("%Y{0}%b",)),
        (r"(?:19|20)\d{2}(?P<mark>[-/.])[01]\d$", ("%Y{0}%m",)),
        (rf"{MONTH}(?P<mark>[- /])(?:19|20)\d{{2}}$", ("%b{0}%Y",)),
        (rf"{MONTH}(?P<mark>-)\d\d$", ("%b{0}%y",)),
        (r"\d{1,2}(?P<mark>[ -](?:[Tt]háng|[Tt]hg\.?) ?)\d{1,2}(?P<mark2>,? |[-/]| năm )\d{4}", ("%d{0}%m{1}%Y",)),
        (r"\d{4}年\d{1,2}月\d{1,2}日(?P<mark>)", ("%Y年%m月%d日",)),
        (r"\d{4}년\d{1,2}월\d{1,2}일(?P<mark>)", ("%Y년%m월%d일",)),
        (r"\d{4}년 ?\d{1,2}월 ?\d{1,2}일(?P<mark>)", ("%Y년 %m월 %d일",)),
        (r"\d{6}(?P<mark>)(?=[ T_-]?\d{4}|[ T_-]\d\d:)", ("%d%m%y", "%m%d%y", "%y%m%d")),
    )
)
DOTNET = re.compile(DOTNET_TEXT)
UNIX_UTC = re.compile(r"1\d{9}(\.\d+)?( ?UTC)")
CLOCK_AND_DATE = re.compile(r"([0-2]\d[0-5]\d(?:[0-5]\d)?)([ ,_T-])(\d{6}|\d{8})")
MONTH_OF_YEAR = re.compile(r"(?:19|20)\d\d([/-])(?:0?[1-9]|1[0-2])")
WEEKDAY = re.compile(
    r"(?!(?i:[ap]m\b|\w*(?:date|time|start|stop|end|begin|first|last|from|until|since|datum|zeit|log))\b)"
    r"[^\W\d_]{2,12}\.?(,? )(?=[^\W\d_]{3}|\d)"
)
"""A word before a date, if it is none that says what date it is."""
CTIME = re.compile(rf"({MONTH})( +)(\d{{1,2}})( +)(\d{{1,2}}:\d\d:\d\d(?:\.\d+)?)( +[A-Z]{{2,5}})?( +)(\d{{4}})")
DAY_BETWEEN = re.compile(r"(\(|[ ,]+)(?![Kk]l\b)[^\W\d_]{1,3}\.?(\) ?|[ ,]+)(?=\d)")
"""A day of the week between the date and the time of day, as 2024/03/20(水) 08:00."""
WEEKDAY_BEHIND = re.compile(r"(.*\d)( )\(?([^\W\d_]{2,10})\.?\)?")
WEEKDAYS = re.compile(
    "mon|tue|wed|thu|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mo|di|mi|do|fr|sa|so|montag|dienstag"
    "|mittwoch|donnerstag|freitag|samstag|sonntag|lun|mar|mer|jeu|ven|sam|dim|(?:lun|mar|mercre|jeu|vendre|same)di"
    "|dimanche|mi\u00e9|jue|vie|s\u00e1b|dom|ma|wo|vr|za|zo"
    "|\u043f\u043d|\u0432\u0442|\u0441\u0440|\u0447\u0442|\u043f\u0442|\u0441\u0431|\u0432\u0441",
    re.IGNORECASE,
)
"""In English, German, French, Spanish, Dutch and Russian."""
BETWEEN = re.compile(r" - | at | um | à | a las | [Kk]lo? | [Kk]l\. |[Tt]|_|:|-|/|\||, ?|; ?| +|\u00a0|\u202f|")
HALF_FIRST = re.compile(rf"(?P<half>{HALVES})(?P<blank> ?)(?=\d)")
AROUND = re.compile(r"([\[(<'\"#@])(.+?)([\])>'\"#]|)|()(.+)( Uhr| hrs)")
"""What stands around a time as a whole."""
HOUR = re.compile(r"[0-2]\d(?P<mark>| ?h| ?Uhr)")
TIME_OF_DAY = re.compile(
    r"(?P<hour>\d{1,2})(?P<mark>[:.h_ -]|: )\d{2}(?P<second>(?P=mark)\d{2}"
    r"(?:(?P<point>[.,:;]|(?<=-\d\d)-)(?P<fraction>\d{1,9}))?)?"
    rf"(?P<half>\s?(?:{HALVES}))?"
    r"(?P<zone>\s?(?:[Zz]|(?:(?:GMT|UTC) ?)?[+-]\d\d?(?::?\d\d)?|[A-Z]{2,5}|\([A-Z]{2,5}\)"
    r"|[+-]\d{4} [A-Z]{3,4}))?"
)
COMPACT_TIME_OF_DAY = re.compile(
    r"[0-2]\d[0-5]\d(?P<second>[0-5]\d(?:(?P<point>[.,])(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d{4}| ?UTC)?"
)
UNPADDED = re.compile(
    rf"\d{{1,2}}:\d{{1,2}}(?P<second>:\d{{1,2}}(?:(?P<point>[.,:])(?P<fraction>\d{{1,9}}))?)?"
    rf"(?P<half>\s?(?:{HALVES}))?(?P<zone>\s?(?:[Zz]|UTC|GMT|[+-]\d\d:?\d\d))?"
)
DIGITS_OF_UTC = re.compile(r"[0-2]\d[0-5]\d(?:[0-5]\d)? ?UTC")
WITH_UNITS = re.compile(r"\d{1,2}(?P<hour> ?h) ?\d\d(?P<minute> ?m(?:in)?)(?: ?\d\d(?P<second> ?s(?:ec)?))?")
HOUR_AND_HALF = re.compile(rf"\d{{1,2}}(?P<blank> ?)(?:{HALVES})")
FULL_HOUR = re.compile(r"\d{1,2} ?[AaPp]\.?[Mm]\.?")
KOREAN = re.compile(r"\d{1,2}시(?P<blank> ?)\d{1,2}분(?P<second> ?\d{1,2}초)?")
EAST_ASIAN = re.compile(r"\d{1,2}[时時]\d{2}分(?P<second>\d{2}秒)?")
DIGITS = {
    6: ("%Y%m", "%y%m%d", "%d%m%y", "%m%d%y"),
    7: ("%Y%j",),
    8: ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    9: ("%Y%j%H", "%y%j%H%M"),
    10: ("%Y%m%d%H", "%y%m%d%H%M", "%d%m%y%H%M"),
    11: ("%Y%j%H%M",),
    12: ("%Y%m%d%H%M", "%y%m%d%H%M%S", "%d%m%y%H%M%S", "%d%m%Y%H%M"),
    13: ("%Y%j%H%M%S",),
    14: ("%Y%m%d%H%M%S", "%d%m%Y%H%M%S", "%m%d%Y%H%M%S"),
    17: ("%Y%m%d%H%M%S%3f",),
}
"""What so many digits may be, if they are a date."""
NAMED = ("%Y%m", "%y%m%d", "%d%m%y", "%m%d%y", "%d%m%Y", "%m%d%Y")
"""Of these, those that only a name tells from other numbers."""


def datetime_formats(text: str) -> Iterator[str]:
    """Formats of a date, with a time of day or without."""
    if text.isdigit():
        yield from digit_formats(text)
        return
    if DOTNET.fullmatch(text):
        yield "ms"
        return
    if unix := UNIX_UTC.fullmatch(text):
        yield f"%s{'%.f' if unix[1] else ''}{unix[2]}"
        return
    if found := AROUND.fullmatch(text):
        before, within, after = (part or "" for part in (found.groups()[:3] if found[2] else found.groups()[3:]))
        yield from (f"{before}{format_}{after}" for format_ in datetime_formats(within))
        return
    if lead := LEAD.match(text):
        yield from datetime_formats(text[lead.end() :])
        return
    if (behind := WEEKDAY_BEHIND.fullmatch(text)) and WEEKDAYS.fullmatch(behind[3]):
        yield from (f"{format_} %a" for format_ in datetime_formats(behind[1]))
        return
    if month := MONTH_OF_YEAR.fullmatch(text):
        yield f"%Y{month[1]}%m"
        return
    if day := WEEKDAY.match(text):
        rest = text[day.end() :]
        if found := CTIME.fullmatch(rest):
            fraction = "%.f" if "." in found[5] else ""
            yield f"%a{day[1]}%b %d %H:%M:%S{fraction}{' %Z' if found[6] else ''} %Y"
            return
        yield from (f"%a{day[1]}{format_}" for format_ in datetime_formats(rest))
    for date, rest in _dates(text):
        if not rest:
            yield date
            continue
        if (day := DAY_BETWEEN.match(rest)) and not HALF_FIRST.match(rest.lstrip()):
            yield from (f"{date}{day[1]}%a{day[2]}{clock}" for clock in clock_formats(rest[day.end() :]))
            continue
        between = BETWEEN.match(rest)
        assert between is not None
        rest = rest[between.end() :]
        yield from (f"{date}{between[0]}{clock}" for clock in clock_formats(rest))
        if between[0] not in ("-", "/", ":", "") and (hour := HOUR.fullmatch(rest)):
            yield f"{date}{between[0]}%H{hour['mark']}"
    if (first := re.match(r"([^\s,]+(?: ?[AaPp][Mm]| UTC| GMT)?)(,? )", text)) and is_clock(first[1]):
        dates = date_formats(text[first.end() :])
        yield from (f"{clock}{first[2]}{date}" for clock, date in product(clock_formats(first[1]), dates))
    if digits := CLOCK_AND_DATE.fullmatch(text):
        clock = "%H%M%S" if len(digits[1]) == 6 else "%H%M"
        yield from (f"{clock}{digits[2]}{date}" for date in date_formats(digits[3]))


def _dates(text: str) -> Iterator[tuple[str, str]]:
    """Formats of a date that a text begins with, and what follows it."""
    for pattern, formats in DATES:
        if match := pattern.match(text):
            marks = match.groupdict()
            is_long = re.search(r"[^\W\d_]{4}", match[0]) is not None
            for format_ in formats:
                format_ = format_.replace("%b", "%B") if is_long else format_
                yield format_.format(marks["mark"], marks.get("mark2")), text[match.end() :]


def digit_formats(text: str, *, is_named: bool = False) -> Iterator[str]:
    """Formats of a date in digits alone, with a time of day or without; more where a name says that it is one."""
    for format_ in DIGITS.get(len(text), ()):
        if not is_named and format_ in NAMED:
            continue
        if not format_.startswith("%Y") or text.startswith(("19", "20")):
            yield format_


def date_formats(text: str) -> list[str]:
    """Formats of a date alone."""
    found = list(datetime_formats(text))
    if re.fullmatch(r"\d{6}", text):
        found += ["%d%m%y", "%m%d%y", "%y%m%d"]
    return [format_ for format_ in found if not re.search("%[HIs]|^ms$", format_)]


def clock_formats(text: str) -> Iterator[str]:
    """Formats of a time of day."""
    if compact := COMPACT_TIME_OF_DAY.fullmatch(text):
        yield f"%H%M{'%S' if compact['second'] else ''}{_fraction(compact)}{_zone(compact['zone'] or '')}"
    if units := WITH_UNITS.fullmatch(text):
        yield f"%H{units['hour']}%M{units['minute']}{'%S' + units['second'] if units['second'] else ''}"
        return
    if half_hour := HOUR_AND_HALF.fullmatch(text):
        yield f"%I{half_hour['blank']}%p"
        return
    if korean := KOREAN.fullmatch(text):
        yield f"%H시{korean['blank']}%M분{korean['blank'] + '%S초' if korean['second'] else ''}"
        return
    if east_asian := EAST_ASIAN.fullmatch(text):
        hour = "时" if "时" in text else "時"
        yield f"%H{hour}%M分{'%S秒' if east_asian['second'] else ''}"
    if first := HALF_FIRST.match(text):
        rest = text[first.end() :]
        yield from (f"%p{first['blank']}{clock.replace('%H', '%I')}" for clock in clock_formats(rest))
        return
    match = TIME_OF_DAY.fullmatch(text) or UNPADDED.fullmatch(text)
    if match is None:
        return
    mark = match.groupdict().get("mark", ":")
    hour, half = ("%I", " %p" if match["half"][0].isspace() else "%p") if match["half"] else ("%H", "")
    second = f"{mark}%S{_fraction(match)}" if match["second"] else ""
    yield f"{hour}{mark}%M{second}{half}{_zone(match['zone'] or '')}"


def _fraction(match: re.Match[str]) -> str:
    return "%.f" if match["point"] == "." else f"{match['point'] or ''}%f" if match["fraction"] else ""


def _zone(text: str) -> str:
    name = text.strip()
    blank = " " * (text != name)
    if name in ("", "UTC"):
        return text
    if offset := re.match(r"(?:GMT|UTC) ?(?=[+-])", name):
        return f"{blank}{offset[0]}%#z"
    if name.startswith("("):
        return f"{blank}(%Z)"
    if " " in name:
        return f"{blank}%#z {name.split()[1]}"
    return f"{blank}%Z" if name.isalpha() and name != "Z" else f"{blank}%#z"


def is_time(text: str) -> bool:
    """Whether a text looks like a date or a time of day; digits alone do not."""
    return is_clock(text) or (not text.isdigit() and next(datetime_formats(text), None) is not None)


def is_half(text: str) -> bool:
    """Whether a text says the half of the day, such as AM."""
    return re.fullmatch(HALVES, text) is not None


def is_clock(text: str) -> bool:
    """Whether a text looks like a time of day: 18:00 or 18.00.00, but not 18.00 or 18-00, which are numbers."""
    match = TIME_OF_DAY.fullmatch(text)
    if match is None:
        unpadded = UNPADDED.fullmatch(text)
        if unpadded is not None and (unpadded["second"] or unpadded["half"]):
            return True
        return any(
            pattern.fullmatch(text) for pattern in (FULL_HOUR, EAST_ASIAN, KOREAN, DIGITS_OF_UTC, WITH_UNITS)
        )
    return match["mark"] in (":", ": ", "h") or (match["second"] is not None and match["mark"] != " ")
