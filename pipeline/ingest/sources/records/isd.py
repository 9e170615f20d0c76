"""Reports of weather stations as NOAA's Integrated Surface Database (ISD) writes them: values by their place."""

import re
from typing import NamedTuple

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.json.ndjson import Fault, Number, Row
from longstride.pipeline.ingest.sources.records.keyed import KeyedLines

__all__ = ["IsdReports", "is_isd"]

REPORT = re.compile(
    r"\d{4}(?P<station>[0-9A-Z]{6}\d{5})(?P<date>\d{8})(?P<clock>\d{4}).(?P<latitude>[+-]\d{5})"
    r"(?P<longitude>[+-]\d{6})(?P<report_type>.{5})(?P<elevation>[+-]\d{4}).{9}(?P<wind_direction>\d{3})"
    r"(?P<wind_direction_quality>.).(?P<wind_speed>\d{4})(?P<wind_speed_quality>.)(?P<ceiling>\d{5})(?P<ceiling_quality>.)..(?P<visibility>\d{6})(?P<visibility_quality>.)"
    r"..(?P<temperature>[+-]\d{4})(?P<temperature_quality>.)(?P<dew_point>[+-]\d{4})(?P<dew_point_quality>.)"
    r"(?P<sea_level_pressure>\d{5})(?P<sea_level_pressure_quality>.)(?:[A-Z].*)?"
)
MOST = 0.9


class _Value(NamedTuple):
    divisor: int
    """A whole number stands for so many times the value."""
    unit: str


VALUES = {
    "latitude": _Value(1000, "°"),
    "longitude": _Value(1000, "°"),
    "elevation": _Value(1, "m"),
    "wind_direction": _Value(1, "°"),
    "wind_speed": _Value(10, "m/s"),
    "ceiling": _Value(1, "m"),
    "visibility": _Value(1, "m"),
    "temperature": _Value(10, "°C"),
    "dew_point": _Value(10, "°C"),
    "sea_level_pressure": _Value(10, "hPa"),
}


def is_isd(begin: bytes) -> bool:
    """Whether most of the first whole lines are reports."""
    lines = [line.strip() for line in begin.decode(errors="replace").split("\n")[:-1]]
    lines = [line for line in lines if line]
    return bool(lines) and sum(map(bool, map(REPORT.fullmatch, lines))) >= MOST * len(lines)


class IsdReports(KeyedLines):
    """The mandatory data of each report, in their units; digits of nine stand for a value that is missing."""

    expected = "reports of ISD, such as 0050011490999991986010100004+66267+013983FM-12+0039..."

    def __init__(self, name: str, recipe: Recipe) -> None:
        super().__init__(name, recipe)
        self.units = {name: value.unit for name, value in VALUES.items()}

    @classmethod
    def left_out(cls, begin: bytes) -> str | None:
        """What follows the mandatory data."""
        return (
            "reports of ISD: what stands behind ADD, as rain and clouds, is left out. The quality of a value says "
            "1 or 5 where it passed all checks, 2 or 6 where it is suspect, 3 or 7 where it is wrong: such values "
            "are kept. A ceiling of 22000 has no limit"
        )

    def parse(self, text: str) -> Row:
        """A report as a row."""
        found = REPORT.fullmatch(text)
        if found is None:
            return Fault("no report", f"the line is not one of {self.expected}")
        date, clock, station = found["date"], found["clock"], found["station"]
        row: dict[str, object] = {
            "time": f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:]}Z",
            "station": f"{station[:6]}-{station[6:]}",
            "report_type": found["report_type"].strip(),
        }
        for name, value in VALUES.items():
            row[name] = _number(found[name], value)
            if (quality := f"{name}_quality") in REPORT.groupindex:
                row[quality] = Number(found[quality]) if found[quality].isdigit() else found[quality]
        return row


def _number(text: str, value: _Value) -> Number | None:
    """None for a value that is missing: all of its digits are nine."""
    digits = text.lstrip("+-")
    if set(digits) == {"9"}:
        return None
    whole = int(text)
    return Number(str(whole) if value.divisor == 1 else f"{whole / value.divisor:.{len(str(value.divisor)) - 1}f}")
