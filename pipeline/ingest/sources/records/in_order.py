"""Waveforms whose lines hold several values each, in reading order: K-NET, PEER, and SLIST of the FDSN."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number
from longstride.pipeline.ingest.sources.records.keyed import Record, SerialRecords

__all__ = ["InOrder", "is_in_order"]

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
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

    def row(self, number: int, text: str) -> dict[str, object]:
        """The value of this number, counted from 0."""
        passed, value = self.step * number, Number(re.sub("[dD]", "e", text))
        if self.start is None:
            seconds = Decimal(passed.numerator) / Decimal(passed.denominator)
            return {"time (s)": Number(f"{seconds:f}"), self.name: value}
        whole, rest = divmod(self.nanoseconds + round(passed * NS), NS)
        moment = self.start + timedelta(seconds=whole)
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
        for number, line in lines:
            text = line.decode("ascii", "replace").strip()
            found = SLIST.fullmatch(text)
            if found is not None or head is None:
                above.append(text)
                head, count = (_of_slist(found) if found else _head(above)), 0
                yield number, line, None
                continue
            for word in text.split():
                good = NUMBER.fullmatch(word)
                row = head.row(count, word) if good else Fault("no number", f"{word!r} is not a number")
                yield number, word.encode(), row
                count += 1


def _of_slist(found: re.Match[str]) -> _Head:
    start, _, fraction = found["start"].partition(".")
    return _Head(
        found["name"],
        1 / Fraction(found["rate"]),
        datetime.fromisoformat(f"{start}+00:00"),
        int(f"{fraction:0<9}"[:9]),
    )


def _head(lines: list[str]) -> _Head | None:
    """What the lines of a head say, where the last of them is its last."""
    if lines[-1].startswith("Memo."):
        rate = next(found[1] for line in lines if (found := KNET_RATE.fullmatch(line)))
        name = next((found[1] for line in lines if (found := KNET_NAME.fullmatch(line))), "value")
        return _Head(name, 1 / Fraction(rate))
    step = PEER_STEP.fullmatch(lines[-1])
    if step is not None and lines[0].startswith("PEER"):
        return _Head(lines[2].split()[0].lower(), Fraction(step[1] or step[2]))
    return None
