"""How far apart rows are, as a head tells it: a rate or an interval."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.settings.epochs import UNITS_NS
from longstride.pipeline.profile.head.entries import Entry, plain_key

__all__ = ["Step", "duration_ns", "find_step", "is_step_key"]

RATE_KEY = re.compile(
    r"(?:\w*(?:sampl|scan|acqui|record|log|data|adc|abtast|mess|output|update|muestre|echantillon|campion)\w*)?"
    r"(?:rate|freq|frequency|frequenz|frequence|frecuencia|frequenza|hz)(?:hz)?"
    r"|f_?s|sr|srate|odr|abtastrate|(?:frecuencia|frequence|frequenza|tasa)de?\w*(?:muestreo|chantillonnage|\wampionamento)"
    r"|(?:samples|scans|rows|readings)(?:per|/)?(?:sec|second|s)"
)
INTERVAL_KEY = re.compile(
    r"(?:\w*(?:sampl|scan|acqui|record|log|data|measure|mess|abtast|read|stor|time|epoch|update)\w*)?"
    r"(?:interval|intervall|increment)"
    r"|\w*(?:sampl|scan|acqui|record|log|time|epoch)\w*(?:period|step|spacing)"
    r"|delta[xt]|d[xt]|[xt]?inc(?:r|rement)?|epoch(?:length)?|samplingtime|sampletime|abtastzeit|taktzeit|intervalo"
    r"|intervalle|cadence"
)
NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
VALUE = re.compile(rf"(?:(?P<before>[^\W\d]+)\s*:\s*)?(?P<number>{NUMBER})[\s,;]*(?P<unit>[^\W\d][\w/ ]*|/s)?.*")
CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d(?:\.\d+)?)")
AXIS_KEY = re.compile(r"x(?:dimension|units?|axisunits?)|horizontalunits?")
TIME_WORDS = {"time", "s", "sec", "second", "seconds", "ms", "us", "ns"}
AT = re.compile(rf"\bat ({NUMBER}) ?(k?Hz)\b", re.IGNORECASE)
"""A rate in a sentence."""
TIME_UNITS = {
    "ns": r"ns|nsecs?|nanoseconds?",
    "us": r"[uµμ]s|[uµμ]secs?|microseconds?",
    "ms": r"ms|msecs?|milliseconds?|millisekunden",
    "s": r"s|secs?|seconds?|sekunden|secondes?|segundos?",
    "min": r"mins?|minutes?|minuten|minutos?",
    "h": r"h|hrs?|hours?|stunden|heures?|horas?",
    "d": r"d|days?|tage",
}
RATE_UNITS = {
    1: r"hz|s(?:a(?:mples?)?)?/s(?:ec)?|sps|/s|(?:samples|rows|scans) ?(?:/ ?|per ?)s(?:ec(?:ond)?)?",
    1000: r"khz|ks(?:a(?:mples?)?)?/s",
    10**6: r"mhz|ms(?:a(?:mples?)?)?/s",
}
THOUSAND = re.compile(r"[1-9]\d{0,2},\d{3}")
"""1,000 may be a thousand, or one."""
MOST_DIGITS = 12


class Step(NamedTuple):
    """What a head tells of the time from row to row."""

    every: str
    """As a recipe says it."""
    nanoseconds: Fraction
    line: int
    """Lines before it."""
    text: str
    """As it stands in the head."""
    unit: str | None
    """The unit that was taken, where none is said; else None."""
    alike: str | None = None
    """A whole rate that would be written with the same few digits, and is not the same."""


def is_step_key(key: str) -> bool:
    """Whether it tells how far apart rows are."""
    plain = plain_key(key)
    return RATE_KEY.fullmatch(plain) is not None or INTERVAL_KEY.fullmatch(plain) is not None


def duration_ns(value: str, unit: str) -> Fraction | None:
    """Nanoseconds of a text such as 191.4 s, or of its number in `unit`; None where it has no unit of time."""
    match = VALUE.fullmatch(value)
    if match is None or THOUSAND.fullmatch(match["number"]):
        return None
    length = _length(match["unit"] or unit)
    return _number(match["number"]) * length if length else None


def find_step(entries: Sequence[Entry], lines: Sequence[str]) -> list[Step]:
    """What is told of the step, each different one once: several contradict each other."""
    units = {
        value.lower() for entry in entries if AXIS_KEY.fullmatch(plain_key(entry.key)) for value in entry.values
    }
    if not units <= TIME_WORDS:
        return []  # its rows follow each other along another axis, such as a frequency
    found = [step for entry in entries if is_step_key(entry.key) for step in _steps(entry)]
    if not found:
        found = [
            _step(
                Fraction(10**9) / (_number(match[1]) * (1000 if match[2].lower() == "khz" else 1)),
                number,
                match[0],
            )
            for number, line in enumerate(lines)
            if (match := AT.search(line)) and _number(match[1])
        ]
    if units:
        found = [step._replace(unit=None) for step in found]
    return list({step.nanoseconds: step for step in reversed(found)}.values())[::-1]


def _steps(entry: Entry) -> list[Step]:
    is_rate = RATE_KEY.fullmatch(plain_key(entry.key)) is not None
    found = [step for value in entry.values if (step := _read(entry, value, is_rate=is_rate)) is not None]
    return found if len(found) == len(entry.values) else []


def _read(entry: Entry, value: str, *, is_rate: bool) -> Step | None:
    if clock := CLOCK.fullmatch(value):
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
        return _step(seconds * 10**9, entry.line, entry.text) if seconds else None
    match = VALUE.fullmatch(value)
    if match is None or THOUSAND.fullmatch(match["number"]):
        return None
    number = _number(match["number"])
    unit = (match["unit"] or match["before"] or entry.unit).strip().lower()
    if match["before"] and not _length(match["before"]) and not match["unit"]:
        unit = entry.unit  # the kind of a channel, as in Analog:2e-7
        if plain_key(match["before"]) not in ("analog", "digital"):
            return None
    if number <= 0:
        return None
    length = _length(unit)
    if length or not (unit or is_rate):
        step = _step(number * (length or UNITS_NS["s"]), entry.line, entry.text, None if length else "s")
        return step._replace(alike=_alike(match["number"], step.nanoseconds / 10**9, number))
    if times := _rate(unit):
        return _step(10**9 / (number * times), entry.line, entry.text)
    return None if unit else _step(10**9 / number, entry.line, entry.text, "Hz")


def _step(nanoseconds: Fraction, line: int, text: str, unit: str | None = None) -> Step:
    return Step(_every(nanoseconds), nanoseconds, line, text, unit)


def _every(nanoseconds: Fraction) -> str:
    """As a recipe says it: a whole rate, or a length of time where it is of whole nanoseconds."""
    rate = 10**9 / nanoseconds
    if rate.denominator == 1 and rate > 1:
        return f"{rate}hz"
    if nanoseconds.denominator > 1:
        return f"{_plain(rate)}hz"
    if nanoseconds >= UNITS_NS["min"]:
        return format_duration(int(nanoseconds))
    unit = next(unit for unit in ("s", "ms", "us", "ns") if nanoseconds >= UNITS_NS[unit])
    return f"{_plain(nanoseconds / UNITS_NS[unit])}{unit}"


def _plain(number: Fraction) -> str:
    """In digits, without an exponent."""
    text = f"{float(number):.{MOST_DIGITS}f}"
    return text.rstrip("0").rstrip(".")


def _alike(text: str, seconds: Fraction, number: Fraction) -> str | None:
    """A whole rate whose step is written with the same few digits as `text`, and is not the same."""
    digits = len(re.sub(r"\D", "", re.split("[eE]", text)[0]).lstrip("0"))
    nearest = round(1 / seconds)
    if nearest < 1 or digits > MOST_DIGITS or nearest * seconds == 1:
        return None
    written = (
        f"{float(value * number / seconds):.{max(0, digits - 1)}e}" for value in (seconds, Fraction(1, nearest))
    )
    return f"{nearest}hz" if len(set(written)) == 1 else None


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", "."))


def _length(unit: str) -> int | None:
    """Nanoseconds of a unit of time."""
    text = unit.strip().lower()
    return next((UNITS_NS[name] for name, pattern in TIME_UNITS.items() if re.fullmatch(pattern, text)), None)


def _rate(unit: str) -> int | None:
    """Rows a second of a unit of rates."""
    return next((times for times, pattern in RATE_UNITS.items() if re.fullmatch(pattern, unit)), None)
