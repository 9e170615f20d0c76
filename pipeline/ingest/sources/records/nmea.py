"""NMEA 0183, as receivers of GPS write it: sentences of one time are one row.

RMC, GGA and ZDA are read: they hold the time, the date and the position. Others are left out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import xor
from typing import NamedTuple

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.files import open_text
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import Record, SerialRecords
from longstride.storage.text import counted

__all__ = ["NmeaSentences", "is_nmea"]

PROBE_BYTES = 2**20
BEFORE = rb"[\[(]?\d[\dTZ:./+ -]{5,40}[\])]?[,;]?[ \t]*(?:->)?[ \t]*(?=[$!])"
"""When a program received a sentence, as it writes before it: 2024-03-01T08:00:00Z, or 08:00:00.123 -> ."""
SENTENCE = re.compile(rb"^(?:%s)?\$[A-Z]{2}([A-Z]{3})," % BEFORE, re.MULTILINE)
ANY_NAME = re.compile(rb"^(?:%s)?[$!]([A-Z]{2,12})," % BEFORE, re.MULTILINE)
RECEIVED = re.compile(rb"^%s" % BEFORE, re.MULTILINE)
A_DATE = re.compile(
    rb"^(?:%s)?\$[A-Z]{2}(?:RMC,(?:[^,\n]*,){8}\d{6},|ZDA,[^,\n]*,\d\d?,\d\d?,\d{4})" % BEFORE, re.MULTILINE
)
TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(\.\d*)?")
ANGLE = re.compile(r"(\d{1,3})(\d\d(?:\.\d*)?)")
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
DATE = re.compile(r"(\d\d)(\d\d)(\d\d)")
SIGNS = {"N": "", "E": "", "S": "-", "W": "-"}
FEWEST = {"RMC": 9, "GGA": 9, "ZDA": 4}
"""Fields behind the name of a sentence that are read."""
NUMBERS = {
    "RMC": {6: "speed_knots", 7: "course"},
    "GGA": {5: "quality", 6: "satellites", 7: "hdop", 8: "altitude", 10: "geoid_separation"},
}
POSITIONS = {"RMC": 2, "GGA": 1}
"""Where a sentence has its latitude, north or south, its longitude, and east or west."""
LETTERS = 5
"""Of the name of a sentence: two say who talks, three what it holds."""
MAX_SHOWN = 12
NO_FIX = {"RMC": (1, ("V", "")), "GGA": (5, ("0", "")), "ZDA": (0, ())}
"""Where a sentence says that the receiver did not know where it was, and how."""
OF_A_FIX = {"latitude", "longitude", "speed_knots", "course", "altitude", "geoid_separation"}
MOST = 0.5
LATE_S, HALF_DAY_S = 300, 43_200
FIRST_YEAR = 80
"""Years of two digits from here on are of the last century."""


def is_nmea(begin: bytes) -> bool:
    """Whether most lines of a text are sentences, some of them with a time and a position."""
    kinds = SENTENCE.findall(begin)
    return bool({b"RMC", b"GGA"} & {*kinds}) and len(ANY_NAME.findall(begin)) > MOST * len(begin.split(b"\n"))


class _Said(NamedTuple):
    """A sentence that is read."""

    kind: str
    time: str
    """Of the day."""
    date: str | None
    row: dict[str, object]


class NmeaSentences(SerialRecords):
    """A row for each time: latitude and longitude in degrees, speed in knots, course, altitude in metres, ...

    What a receiver writes where it says that it has no fix, such as the latitude 0, is missing.
    """

    expected = "sentences RMC or GGA, such as $GPRMC,123519.00,A,4807.038,N,01131.000,E,022.4,084.4,230394,,*2D"

    def __init__(self, name: str, recipe: Recipe) -> None:
        with open_text(name) as (stream, _):
            begin = stream.read(PROBE_BYTES)
        num_sentences = len(SENTENCE.findall(begin))
        self._has_sums = begin.count(b"*") > MOST * num_sentences
        self._has_dates = A_DATE.search(begin) is not None
        super().__init__(name, recipe)

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """What of a text that begins so becomes no row."""
        names = (name.decode() for name in ANY_NAME.findall(begin))
        kinds = Counter(name for name in names if len(name) != LETTERS or name[2:] not in FEWEST)
        found = [f"{kind} ({count:,})" for kind, count in kinds.most_common(MAX_SHOWN)]
        lines, received = counted(begin.count(b"\n"), "line"), RECEIVED.search(begin)
        told = (
            f"sentences {', '.join(found)} of the first {lines} are left out: RMC, GGA and ZDA alone become rows"
        )
        doubts = [told] if found else []
        if received:
            before = received[0].decode().strip()
            doubts.append(
                f"what stands before a sentence, such as {before!r}, is left out: times are those of the receiver"
            )
        elif found:
            doubts.append('To read another kind instead, say only-lines = "$GPVTG", and header')
        return ". ".join(doubts) or None

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """Sentences of one time, together."""
        held: list[_Said] = []
        first, texts = 0, b""
        dates = _Dates()
        for number, line in lines:
            said = self._said(line)
            if not isinstance(said, _Said):
                yield number, line, said
                continue
            if held and (said.time != held[0].time or said.kind in {one.kind for one in held}):
                yield first, texts, self._row_of(held, dates)
                held, texts = [], b""
            first = first if held else number
            held.append(said)
            texts += line.rstrip(b"\r\n") + b" "
        if held:
            yield first, texts, self._row_of(held, dates)

    def _said(self, line: bytes) -> _Said | Fault | None:
        line = RECEIVED.sub(b"", line, count=1)
        text = line.decode("ascii", "replace").strip().lstrip("\ufeff\ufffd")
        if not text:
            return None
        body, star, total = text[1:].partition("*")
        name, *fields = body.split(",")
        kind = name[2:] if len(name) == LETTERS else ""
        is_whole = star if self._has_sums and kind in FEWEST else fields
        if not text.startswith(("$", "!")) or not is_whole:
            return Fault("no sentence", "the line is not a whole sentence of NMEA, such as $GPRMC,...*2D")
        if star and total.strip().upper() != f"{reduce(xor, body.encode(errors='replace'), 0):02X}":
            return Fault(
                "checksum wrong", f"the sentence ends with *{total}, and its letters give another checksum"
            )
        if kind not in FEWEST:
            return None
        if len(fields) < FEWEST[kind]:
            return Fault(
                "too few fields", f"the sentence has {len(fields)} fields, expected {FEWEST[kind]} or more"
            )
        return _read(kind, fields)

    def _row_of(self, held: list[_Said], dates: "_Dates") -> Row:
        time = held[0].time
        row: dict[str, object] = {key: None for one in held for key in one.row}
        for one in reversed(held):
            row |= {key: value for key, value in one.row.items() if value is not None}
        if not self._has_dates:
            return {"time": time, **row} if row else None
        date = dates.of(time, next((one.date for one in held if one.date), None))
        if not row:
            return None
        if date is None:
            return Fault("no date", f"no RMC or ZDA says of which date {time} is")
        return {"time": f"{date}T{time}Z", **row}


class _Dates:
    """The date that was said last."""

    def __init__(self) -> None:
        self._date: str | None = None
        self._second = 0

    def of(self, time: str, said: str | None) -> str | None:
        """The date of a time; None where midnight may be between it and the last one.

        Sentences may be late: one that is a few minutes older than the last is of the same day.
        """
        hour, minute, second = time.split(":")
        at = (int(hour) * 60 + int(minute)) * 60 + int(second[:2])
        if said is None and not self._second - LATE_S <= at <= self._second + HALF_DAY_S:
            self._date = None
        self._date, self._second = said or self._date, at
        return self._date


def _read(kind: str, fields: list[str]) -> _Said | Fault | None:
    clock = TIME.fullmatch(fields[0])
    place = POSITIONS.get(kind)
    if clock is None:
        if not fields[0] and (place is None or not fields[place]):
            return None  # the receiver knows nothing yet
        return Fault("no time", f"the sentence has {fields[0]!r} where its time should be")
    hour, minute, second, fraction = clock.groups()
    row: dict[str, object] = {}
    if place is not None:
        for name, angle, side in zip(
            ("latitude", "longitude"), fields[place::2], fields[place + 1 :: 2], strict=False
        ):
            value = _degrees(angle, side)
            if isinstance(value, Fault):
                return value
            row[name] = value
    for index, name in NUMBERS.get(kind, {}).items():
        text = fields[index] if index < len(fields) else ""
        if text and not NUMBER.fullmatch(text):
            return Fault("no number", f"the sentence has {text!r} where its {name} should be")
        row[name] = Number(text) if text else None
    if kind == "RMC":
        row["valid"] = fields[1] == "A"
    if fields[NO_FIX[kind][0]] in NO_FIX[kind][1]:
        row |= {name: None for name in row if name in OF_A_FIX}
    return _Said(kind, f"{hour}:{minute}:{second}{fraction or ''}", _date(kind, fields), row)


def _date(kind: str, fields: list[str]) -> str | None:
    if kind == "ZDA":
        day, month, year = fields[1:4]
        return f"{year}-{month:0>2}-{day:0>2}" if year else None
    found = DATE.fullmatch(fields[8]) if kind == "RMC" else None
    if found is None:
        return None
    day, month, year = found.groups()
    return f"{19 if int(year) >= FIRST_YEAR else 20}{year}-{month}-{day}"


def _degrees(angle: str, side: str) -> Number | Fault | None:
    """4807.038 and S as -48.1173."""
    if not angle and not side:
        return None
    found = ANGLE.fullmatch(angle)
    if found is None or side not in SIGNS or float(found[2]) >= 60:
        return Fault("no position", f"the sentence has {angle + ',' + side!r} where a position should be")
    return Number(f"{SIGNS[side]}{int(found[1]) + float(found[2]) / 60:.9f}")
