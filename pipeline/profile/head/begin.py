"""When the first row was, as a head tells it: a start, or a date and a time of day."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.head.entries import MARKS, Entry, plain_key
from longstride.pipeline.profile.words.time_formats import clock_formats, date_formats, datetime_formats

__all__ = ["Begin", "find_begin", "find_day", "find_year"]

START = re.compile(
    r"start|begin|began|beginn|first|inicio|debut|début|inizio|since|t0|recordingtime|acquired|trigger"
)
TIME = re.compile(
    r"\w*(?:date|time|datum|zeit|fecha|hora|heure|data|ora|uhrzeit|timestamp|log|recorded|measured|started|beginn|begin"
    r"|start|began|inicio|debut|début|acquired|first(?:sample|scan|record|row)|since|acquisition|utc\w*)"
    r"(?:of(?:the)?(?:test|run|log|recording|measurement|acquisition|experiment|session|data))?(?:on|at)?"
    r"(?:utc|gmt|local)?"
)
OTHER = re.compile(
    r"upload|download|export|import|print|save|creat|modif|calib|cal\b|end|stop|finish|last|zone|interval|stored|file"
    r"|version|install|deploy|birth|service|report|conver|process|read|format|duration|length|elapsed|data$|dataform"
    r"|window|datcnv|filter|align|celltm|loopedit|wildedit|derive|binavg"
)
"""Times of something else, such as of a program that Sea-Bird runs over a log."""
MADE = re.compile(r"firmware|software|hardware|build|built|compiled|copyright|licen[cs]e|model|due", re.IGNORECASE)
"""What else a date among other words may be of."""
REMARK = re.compile(r"\s*[\[(].*")
ZONE = re.compile(r"(?<=\d) (?!UTC|GMT)[A-Z]{2,5}$")
"""The name of a zone, which rows without one share."""
UTC_SAID = re.compile(r"(?:utc|gmt|z)$")
YEAR = re.compile(r"(?:the|log|data|measurement|survey)?(?:year|jahr|année|annee|año|ano|anno|rok|год)")
BLANKS = re.compile(r"\s+")
LONG_FRACTION = re.compile(r"(:\d\d)[.,](\d{1,6})\d*")
PART = r"[,;\s]\s*"
IN_PARTS = re.compile(rf"((?:19|20)\d\d(?:{PART}\d\d?){{2}}){PART}(\d\d?(?:{PART}\d\d?){{2}})(\.\d+)?")
"""As in 2010,2,2,12,52,8."""
DAY = re.compile(r"date|datum|fecha|data|dato")
SIX_DIGITS = ("%y%m%d", "%d%m%y", "%m%d%y")
"""What so many digits are, where a key says that they are a date; the first that fits counts, in doubt."""
ORDER = re.compile(r"date ?format\s*[:=]?\s*([dMmyY]+[-/.][dMmyY]+[-/.][dMmyY]+)", re.IGNORECASE)
"""How a head says that it writes dates."""
OF_ORDER = {"d": "%d", "m": "%m", "y": "%Y"}


class Begin(NamedTuple):
    """What a head tells of the time of the first row."""

    start: str
    """In ISO 8601, a date alone where no time of day is told."""
    text: str
    """As it stands in the head."""
    line: int
    """Lines before it."""
    is_start: bool
    """Whether it says that it is the start, not just a date."""
    other: str | None = None
    """Another reading of the same text, where day and month could be either."""
    rivals: tuple["Begin", ...] = ()
    """Lines that tell another time in the same way."""

    @property
    def date(self) -> str:
        """The date alone."""
        return self.start[:10]


class _Told(NamedTuple):
    entry: Entry
    text: str
    dates: list[str]
    """Readings of a date with or without a time of day, as recipes write them."""
    clock: str | None
    """A time of day alone."""


def find_begin(entries: Sequence[Entry], lines: Sequence[str]) -> Begin | None:
    """The start that a head tells, what is called so first; of several, that which stands nearest to the rows."""
    order = next((match[1] for line in lines if (match := ORDER.search(line))), None)
    told = [found for entry in entries if _is_time_key(entry.key) and (found := _told(entry, order))]
    for is_start in (True, False):
        chosen = [one for one in told if (START.search(plain_key(one.entry.key)) is not None) is is_start]
        dates = [one for one in chosen if one.dates]
        if not dates:
            continue
        date = next((one for one in reversed(dates) if _is_in_utc(one.entry)), dates[-1])
        clocks = [one for one in chosen if one.clock] or [one for one in told if one.clock]
        text, start = date.text, date.dates[0]
        if len(start) == 10 and clocks:
            clock = clocks[-1]
            start, text = f"{start}T{clock.clock}", f"{date.text}, {clock.text}"
            is_start = is_start or START.search(plain_key(clock.entry.key)) is not None
        other = date.dates[1] + start[10:] if len(date.dates) > 1 and len(date.dates[1]) == 10 else None
        other = date.dates[1] if other is None and len(date.dates) > 1 else other
        if _is_in_utc(date.entry) and re.search(r"T[\d:.]+$", start):
            start += "+00:00"
        apart = {
            one.entry.values[0]: Begin(one.dates[0], one.entry.text, one.entry.line, is_start)
            for one in dates
            if not (one.dates[0].startswith(start[:16]) or start.startswith(one.dates[0]))
        }
        return Begin(start, text, date.entry.line, is_start, other, tuple(apart.values()))
    return next(_dates_alone(lines), None)


def _dates_alone(lines: Sequence[str]) -> Iterator[Begin]:
    """Lines that hold a date and a time of day, and nothing else."""
    for number, line in enumerate(lines):
        text = line.strip(MARKS + ",;")
        if parts := IN_PARTS.fullmatch(text):
            date, clock, fraction = parts.group(1, 2, 3)
            text = f"{re.sub(PART, '-', date)} {re.sub(PART, ':', clock)}{fraction or ''}"
        for start in filter(None, (_iso(text, format_) for format_ in datetime_formats(text))):
            if "T" in start and not text.isdigit():
                yield Begin(start, line.strip(MARKS + ",;"), number, is_start=False)
                break


def find_day(lines: Sequence[str]) -> Begin | None:
    """The only date that lines hold among other words, as the first line of sar does; None where more are."""
    found: dict[str, Begin] = {}
    for number, line in enumerate(lines):
        if OTHER.search(plain_key(line)) or MADE.search(line):
            continue
        for word in (word.strip(MARKS + ",;()[]") for word in line.split()):
            dates = [] if word.isdigit() else [_iso(word, format_) for format_ in date_formats(word)]
            if known := list(dict.fromkeys(filter(None, dates))):
                other = known[1] if len(known) > 1 else None
                found.setdefault(known[0], Begin(known[0], word, number, is_start=False, other=other))
    return next(iter(found.values())) if len(found) == 1 else None


def find_year(entries: Sequence[Entry]) -> Entry | None:
    """The entry that tells the year, such as Year: 2024."""
    found = (one for one in entries if YEAR.fullmatch(plain_key(one.key)))
    return next((one for one in found if re.fullmatch(r"(?:19|20)\d\d", one.values[0])), None)


def _is_in_utc(entry: Entry) -> bool:
    """Whether the key says so: that of one clock may stand beside it in local time."""
    return UTC_SAID.search(plain_key(f"{entry.key} {entry.unit}")) is not None


def _is_time_key(key: str) -> bool:
    plain = plain_key(key)
    return TIME.fullmatch(plain) is not None and OTHER.search(plain) is None


def _told(entry: Entry, order: str | None) -> _Told | None:
    """What its first value says; that of other channels is not asked."""
    text = LONG_FRACTION.sub(r"\1.\2", BLANKS.sub(" ", entry.values[0]))
    if not any(_iso(text, format_) for format_ in datetime_formats(text)):
        text = ZONE.sub("", REMARK.sub("", text))
    formats = SIX_DIGITS if re.fullmatch(r"\d{6}", text) and DAY.fullmatch(plain_key(entry.key)) else ()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    of_digits = (found for format_ in formats if (found := _iso(text, format_)) and found <= today)
    read = (*of_digits, *(_iso(text, format_) for format_ in datetime_formats(text)))
    dates = list(dict.fromkeys(filter(None, read)))
    if order and (match := re.match(r"(\d{1,4})([-/.])(\d{1,2})[-/.](\d{1,4})(.*)", text)):
        format_ = match[2].join(OF_ORDER[part[0].lower()] for part in re.split("[-/.]", order))
        dates = [iso[:10] for found in dates if (iso := _iso("".join(match.group(1, 2, 3, 2, 4)), format_))][
            :1
        ] or dates
    clock = None
    if not dates:
        clocks = (_iso(f"2000-01-01 {text}", f"%Y-%m-%d {format_}") for format_ in clock_formats(text))
        clock = next((found[11:] or "00:00:00" for found in clocks if found), None)
    return _Told(entry, entry.text, dates, clock) if dates or clock else None


def _iso(text: str, format_: str) -> str | None:
    """A text of a format in ISO 8601; None where it is not of it, or of a year before 1970."""
    try:
        read = to_nanoseconds([pl.Series("time", [text])], Recipe(time="time", time_format=format_)).nanoseconds[0]
    except RecipeError:
        return None
    if read is None or read < 0:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=read // 1000)
    has_clock = re.search("%[HIRs]|^ms$", format_) is not None
    return (
        moment.replace(tzinfo=None).isoformat() + ("+00:00" if re.search("%#z|%s|^ms$", format_) else "")
        if has_clock
        else f"{moment:%Y-%m-%d}"
    )
