"""Waveforms whose lines hold several values each, in reading order: K-NET, PEER, and SLIST of the FDSN."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import Record, SerialRecords

__all__ = ["InOrder", "is_in_order"]

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
WITH_POINT = r"(?:\d+\.\d*|\.\d+)(?:[eEdD][+-]?\d+)?"
TOUCHING = re.compile(f"[+-]?{WITH_POINT}")
SEVERAL = re.compile(f"[+-]?{WITH_POINT}(?:[+-]{WITH_POINT})+")
"""Those with a point each: 1.5-101 is one number in Fortran, with an exponent of three digits."""
SLIST = re.compile(
    r"TIMESERIES (?P<name>\S+), (?P<count>\d+) samples, (?P<rate>[\d.]+) sps, (?P<start>\d{4}-\d\d-\d\dT[\d:.]+), "
    r"SLIST, \w+(?:, .*)?"
)
KNET = re.compile(rb"Origin Time +[\d/]+ [\d:]+\r?\n(?:[^\n]*\n){15,16}?Memo\.[^\n]*\n")
KNET_RATE = re.compile(r"Sampling Freq\(Hz\) +([\d.]+) *Hz")
KNET_START = re.compile(rb"Record Time +(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d)")
KNET_NAME = re.compile(r"Dir\. +(\S.*?)")
PEER = re.compile(rb"PEER [^\n]*\n[^\n]*\n(?P<what>\w+)[^\n]*\n[^\n]*(?:NPTS[^\n]*DT|DT[^\n]*NPTS)[^\n]*\n")
PEER_STEP = re.compile(r".*(?:DT *= *(\d*\.\d+)|^ *\d+ +(\d*\.\d+)[ ,]+NPTS).*")
BEGINNINGS = ("Origin Time", "PEER ")
NS = 10**9


def is_in_order(begin: bytes) -> bool:
    """Whether a text begins as one of them."""
    first = begin.split(b"\n", 1)[0].decode(errors="replace").strip()
    return bool(SLIST.fullmatch(first) or KNET.match(begin) or PEER.match(begin))


class _Head(NamedTuple):
    """What the lines above values say."""

    name: str
    step: Fraction
    """Seconds from a value to the next."""
    start: datetime | None = None
    """Of the first value; None where times are seconds."""
    nanoseconds: int = 0
    """Of a second, of the start."""

    def row(self, number: int, text: str) -> Row:
        """The value of this number, counted from 0."""
        if NUMBER.fullmatch(text) is None:
            return Fault("no number", f"{text!r} is not a number")
        passed, value = self.step * number, Number(re.sub("[dD]", "e", text))
        if self.start is None:
            seconds = Decimal(passed.numerator) / Decimal(passed.denominator)
            return {"time (s)": Number(f"{seconds:f}"), self.name: value}
        whole, rest = divmod(self.nanoseconds + round(passed * NS), NS)
        try:
            moment = self.start + timedelta(seconds=whole)
        except OverflowError:
            return Fault("no time", f"the time of {text!r} is beyond the year 9999")
        return {"time": f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09}Z", "waveform": self.name, "value": value}


class InOrder(SerialRecords):
    """A row for each value. Times are those that the head tells: when it begins, and how far apart values are."""

    expected = "values in reading order, below a head of K-NET, PEER or SLIST"

    @classmethod
    def began(cls, begin: bytes) -> tuple[str, str] | None:
        """The record time of K-NET."""
        found = KNET_START.search(begin) if KNET.match(begin) else None
        if found is None:
            return None
        year, month, day, clock = (part.decode() for part in found.groups())
        return f"{year}-{month}-{day}T{clock}+09:00", found[0].decode()

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """What becomes of the head."""
        told = "each line holds several values, in reading order: each is a row of its own, and times are counted"
        if KNET.match(begin):
            return (
                f"{told}. Values are counts, to be multiplied by the scale factor in the head. The record time is "
                "that of Japan; the network says that it is 15 s late, for the delay of the recorder"
            )
        return told

    def records(self, lines: Iterable[tuple[int, bytes]]) -> Iterator[Record]:
        """A row for each value below a head."""
        head: _Head | None = None
        above: list[str] = []
        count = 0
        lost = ""
        for number, line in lines:
            text = line.decode("ascii", "replace").strip()
            if (found := SLIST.fullmatch(text)) is not None:
                head, count = _of_slist(found), 0
                lost = "" if head else f"{text[:80]!r} says no start and rate that can be read"
                yield number, line, Fault("no times", lost) if lost else None
            elif len(line) >= MAX_RECORD_BYTES:
                head, lost = None, f"line {number} is longer than {MAX_RECORD_BYTES:,} bytes"
                yield number, line, Fault("line too long", lost)
            elif head is not None and head.start is None and text.startswith(BEGINNINGS):
                head, lost = None, f"{text[:80]!r} begins another waveform, which a file of its own should hold"
                yield number, line, Fault("no times", lost)
            elif head is not None:
                words = _words(text)
                for place, word in enumerate(words, count):
                    yield number, word.encode(), head.row(place, word)
                count += len(words)
            elif lost:
                yield number, line, Fault("no times", f"{lost}: no later value has a time") if text else None
            else:
                above.append(text)
                head = _head(above)
                yield number, line, None


def _words(text: str) -> list[str]:
    """What stands for a value each: numbers may touch where columns are narrow, as -.1E-01-.2E-02."""
    parts = (TOUCHING.findall(word) if SEVERAL.fullmatch(word) else [word] for word in text.split())
    return [part for of_word in parts for part in of_word]


def _step_of(text: str) -> Fraction | None:
    """The seconds between values at a rate; None where the text is not a rate."""
    try:
        return 1 / Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def _of_slist(found: re.Match[str]) -> _Head | None:
    """What the head says; None where its rate or its start is none."""
    begin, _, fraction = found["start"].partition(".")
    step = _step_of(found["rate"])
    try:
        start = datetime.fromisoformat(f"{begin}+00:00")
        nanoseconds = int(f"{fraction:0<9}"[:9])
    except ValueError:
        return None
    return _Head(found["name"], step, start, nanoseconds) if step else None


def _head(lines: list[str]) -> _Head | None:
    """What the lines of a head say, where the last of them is its last and tells how far apart values are."""
    if lines[-1].startswith("Memo."):
        rate = next((found[1] for line in lines if (found := KNET_RATE.fullmatch(line))), "")
        name = next((found[1] for line in lines if (found := KNET_NAME.fullmatch(line))), "value")
        step = _step_of(rate)
        return _Head(name, step) if step else None
    told = PEER_STEP.fullmatch(lines[-1])
    if told is not None and lines[0].startswith("PEER"):
        step = Fraction(told[1] or told[2])
        return _Head(lines[2].split()[0].lower(), step) if step else None
    return None
