"""Line protocol of InfluxDB: `weather,site=roof temp=21.5,hum=40i 1556813561098000000`."""

import re
from typing import Any

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import KeyedLines
from longstride.pipeline.ingest.sql.tokens import quoted_text

__all__ = ["LineProtocol", "is_line_protocol"]

KEY = r"(?:[^\\,= \n]|\\[^\n])+"
TAGS = rf"(?:,{KEY}={KEY})*"
VALUE = r'(?:"(?:[^"\\\n]|\\[^\n])*"|[^",\s]+)'
FIELDS = rf"{KEY}={VALUE}(?:,{KEY}={VALUE})*"
POINT = re.compile(rf"((?:[^\\, #\n]|\\[^\n])(?:[^\\, \n]|\\[^\n])*)({TAGS}) +({FIELDS})(?: +(-?\d+))?")
BEGIN = re.compile(
    rf"(?:(?:#|CREATE DATABASE )[^\n]*\n|\s)*[^\s,=;\"{{\[\\]+{TAGS} +{FIELDS} \d{{10,19}}\s*(?:\n|$)"
)
TAG = re.compile(rf",?({KEY})=({KEY})")
FIELD = re.compile(rf",?({KEY})=({VALUE})")
NO_POINT = ("#", "CREATE DATABASE ")
ESCAPED = re.compile(r"\\([,= ])")
ESCAPED_TEXT = re.compile(r"\\([\"\\])")
NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([+-]?\d+)[iu]")
TIME = "time"
TRUTHS = {"t": True, "true": True, "f": False, "false": False}


def is_line_protocol(begin: bytes) -> bool:
    """Whether a text begins with a point that has a time."""
    return BEGIN.match(begin.decode(errors="replace")) is not None


class LineProtocol(KeyedLines):
    """A file of points: columns are `measurement`, the tags, the fields, and `time`."""

    expected = "line protocol of InfluxDB, such as weather,site=roof temp=21.5 1556813561098000000"

    def __init__(self, name: str, recipe: Recipe) -> None:
        super().__init__(name, recipe)
        self.names = (*(one for one in self.names if one != TIME), TIME)  # where it stands in a line

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """Nothing; but points of several measurements fill columns of their own."""
        points = (POINT.fullmatch(line.strip()) for line in begin.decode(errors="replace").splitlines())
        names = list(dict.fromkeys(_plain(point[1]) for point in points if point))
        if len(names) < 2:
            return None
        query = f"SELECT * FROM rows WHERE measurement = {quoted_text(names[0])}"
        return (
            f"points of {len(names):,} measurements, such as {names[0]!r} and {names[1]!r}, fill other columns: "
            f"for rows of one alone, say sql = {toml(query)}"
        )

    def parse(self, text: str) -> Row:
        """A point as a row; comments are none."""
        if text.startswith(NO_POINT):
            return None
        point = POINT.fullmatch(text)
        if point is None:
            return Fault("no point", f"the line is not {self.expected}")
        name, tags, fields, time = point.groups()
        if time is None:
            return Fault("no time", "the point has no time behind its fields")
        row: dict[str, Any] = {"measurement": _plain(name)}
        found_tags = [(_plain(pair[1]), _plain(pair[2])) for pair in TAG.finditer(tags)]
        found_fields = [(_plain(pair[1]), _value(pair[2])) for pair in FIELD.finditer(fields)]
        for key, value in (*found_tags, *found_fields, (TIME, Number(time))):
            if key in row:
                return Fault("key twice", f"{key!r} is the name of two values of the point")
            row[key] = value
        return row


def _plain(text: str) -> str:
    return ESCAPED.sub(r"\1", text)


def _value(text: str) -> Any:
    if text.startswith('"'):
        return ESCAPED_TEXT.sub(r"\1", text[1:-1])
    if number := NUMBER.fullmatch(text):
        return Number(number[1] or number[2])
    return TRUTHS.get(text.lower(), text)
