"""Frames of a CAN bus, as candump and Vector's ASC write them: the bytes of each are numbers.

What the bytes mean, only a database of signals says.
"""

import re
from datetime import datetime
from typing import Any

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.files import open_text
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import KeyedLines
from longstride.pipeline.ingest.times.month_names import ENGLISH

__all__ = ["AscFrames", "CandumpFrames", "is_asc", "is_candump"]

HEX = r"[0-9A-Fa-f]"
LOGGED = re.compile(rf"\((\d+\.\d+)\) +(\S+) +({HEX}{{3,8}})#(?:#{HEX})?((?:{HEX}{{2}}\.?)*|R\d?)(?: [RT])?")
SHOWN = re.compile(
    rf"\(([\d.: -]+)\) +(\S+)(?: +[RT]X.{{0,6}}?)? +({HEX}{{3,8}}) +\[(\d+)\] +((?:{HEX}{{2}} ?)*|remote request)"
)
ASC = re.compile(
    rf"(\d+\.\d+) +(\d+) +({HEX}{{1,8}}x?) +(?:Rx|Tx)(?:Rq)? +d +(\d+)((?: +{HEX}{{1,3}})*)(?: +[A-Z]\w* = .*)?"
)
ASC_BEGIN = re.compile(rb"date [^\n]*\n+base +(hex|dec) +(?:timestamps +(\w+))?", re.IGNORECASE)
ASC_DATE = re.compile(rb"date ([^\r\n]*)")
A_MOMENT = re.compile(
    r"[^\W\d]+\.? +(?P<month>[^\W\d]+)\.? +(?P<day>\d\d?) +(?P<hour>\d\d?):(?P<rest>\d\d:\d\d)"
    r"(?P<fraction>\.\d{1,9})?(?: +(?P<half>[ap]m))? +(?P<year>\d{4})"
)
A_FORMAT = "%Y %b %d %H %M:%S"
ASC_ROW = re.compile(r"\d+\.\d+ +(?:\d+ +[0-9A-Fa-f]{1,8}x? +(?:Rx|Tx)(?:Rq)? +d\b|CANFD\b)")
FEWEST, MOST = 3, 0.8
WITHOUT_SIGNALS = (
    "frames of a CAN bus: their bytes are channels, byte_0 and on, for no database says which signals they are. "
    "If you have it (.dbc), write signals as CSV, as with cantools; error frames, requests and lines that are no "
    "frames are left out"
)


def is_candump(begin: bytes) -> bool:
    """Whether most of the first lines are frames of candump."""
    lines = [line.strip() for line in begin.decode(errors="replace").split("\n")[:-1] if line.strip()]
    number = sum(_candump(line) is not None for line in lines)
    return number >= max(FEWEST, MOST * len(lines))


def is_asc(begin: bytes) -> bool:
    """Whether a text begins as a log of Vector does."""
    return ASC_BEGIN.match(begin) is not None


class _Frames(KeyedLines):
    """Rows of a time, an identifier with its bus, and its bytes."""

    key = "id"

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """What the bytes are is not known."""
        return WITHOUT_SIGNALS


class CandumpFrames(_Frames):
    """A log of candump: `(1436509052.249713) can0 044#2A366C` or `(...)  can0  044   [3]  2A 36 6C`."""

    expected = "frames of candump, such as (1436509052.249713) can0 044#2A366C"

    def parse(self, text: str) -> Row:
        """A frame as a row."""
        frame = _candump(text)
        if frame is None:
            return Fault("no frame", f"the line is not one of {self.expected}")
        time, bus, name, *length, data = frame.groups()
        if data[:1] in ("R", "r"):
            return None  # a request has no bytes
        digits = re.sub(r"[ .]", "", data)
        numbers = [int(digits[place : place + 2], 16) for place in range(0, len(digits), 2)]
        return _row(time, bus, name, numbers, int(length[0]) if length else len(numbers))


class AscFrames(_Frames):
    """A log of Vector (ASC): `0.0123 1 12F Rx d 2 0A 1B`, with times in seconds since its date."""

    expected = "frames of Vector, such as 0.0123 1 12F Rx d 2 0A 1B"

    def __init__(self, name: str, recipe: Recipe) -> None:
        with open_text(name) as (stream, _):
            begin = ASC_BEGIN.match(bytes(stream.read(2**12)))
        if begin is not None and (begin[2] or b"").lower() == b"relative":
            raise SourceError(
                name,
                "its times are relative: each counts from the frame before it. Write the log with "
                "absolute ones, as CANoe and CANalyzer do by a setting",
                code="source-format",
            )
        self._is_hex = begin is None or begin[1].lower() == b"hex"
        super().__init__(name, recipe)

    @classmethod
    def began(cls, begin: bytes) -> tuple[str, str] | None:
        """The date in its first line, such as Tue May 27 04:09:35.000 pm 2014, in any language of months."""
        line = ASC_DATE.match(begin)
        found = A_MOMENT.fullmatch(line[1].decode(errors="replace").strip().lower()) if line else None
        month = found and ENGLISH.get(found["month"], found["month"].capitalize())
        if line is None or found is None:
            return None
        hour = int(found["hour"]) % 12 + 12 * (found["half"] == "pm") if found["half"] else int(found["hour"])
        try:
            moment = datetime.strptime(f"{found['year']} {month} {found['day']} {hour} {found['rest']}", A_FORMAT)
        except ValueError:
            return None
        return f"{moment:%Y-%m-%dT%H:%M:%S}{found['fraction'] or ''}", line[0].decode(errors="replace")

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """The same, and where the date of the log is, if it cannot be read."""
        date = ASC_DATE.match(begin)
        if date is None or cls.began(begin):
            return WITHOUT_SIGNALS
        said = date[1].decode(errors="replace")
        return f"{WITHOUT_SIGNALS}. Times are seconds since the date in the first line, {said!r}: say it as start"

    def parse(self, text: str) -> Row:
        """A frame as a row; what is none of the bus is none."""
        frame = ASC.fullmatch(text)
        if frame is None:
            found = f"the line is not one of {self.expected}; frames of CAN FD are not read"
            return Fault("no frame", found) if ASC_ROW.match(text) else None
        time, bus, name, length, data = frame.groups()
        try:
            numbers = [int(part, 16 if self._is_hex else 10) for part in data.split()]
        except ValueError:
            return Fault("no number", f"the log is in decimal numbers, and the frame has {data.strip()!r}")
        return _row(time, f"can{bus}", name, numbers, int(length, 16))


def _candump(text: str) -> re.Match[str] | None:
    return LOGGED.fullmatch(text) or SHOWN.fullmatch(text)


def _row(time: str, bus: str, name: str, numbers: list[int], length: int) -> Row:
    if len(numbers) != length or any(number > 255 for number in numbers):
        return Fault("bytes lack", f"the frame says that it has {length} bytes, and has {len(numbers)}")
    row: dict[str, Any] = {"time": Number(time), "id": f"{bus}/{name}"}
    return row | {f"byte_{place}": Number(number) for place, number in enumerate(numbers)}
