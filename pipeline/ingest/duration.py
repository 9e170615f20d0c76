"""Lengths of time as people write them: 90s, 1h30m."""

import re
from fractions import Fraction

from longstride.pipeline.ingest.errors import RecipeError
from longstride.storage.duration import UNITS_NS, format_duration, read_duration

__all__ = ["check_step", "format_duration", "parse_duration", "parse_step"]

RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([kK]?)[hH][zZ]")
MAX_SHOWN = 60
LONGEST = "60000w"
"""More than a thousand years: twice as long as from the first time that can be stored to the last."""
LONGEST_STEP = "5000w"
LONGEST_NS = int(LONGEST[:-1]) * UNITS_NS["w"]


def parse_duration(text: str, setting: str = "a duration") -> int:
    """Nanoseconds of a duration such as "1h30m" or "0.5s".

    Raises RecipeError that names the `setting` for anything else, for a duration of zero, and for one of over a
    thousand years.
    """
    total = read_duration(text)
    if total is None or total < 1:
        raise _not_a_duration(text, setting, "a length of time, written as 90s, 1h30m, 500ms or 1d")
    if total > LONGEST_NS:
        raise _not_a_duration(text, setting, f"at most {LONGEST}, about a thousand years")
    return int(total)


def parse_step(text: str, setting: str) -> Fraction:
    """Nanoseconds from row to row: a duration, or rows a second such as "44100hz", which may give a fraction.

    Raises RecipeError as `parse_duration` does.
    """
    if match := RATE.fullmatch(text.strip()):
        rate = Fraction(match[1]) * (1000 if match[2] else 1)
        if 0 < rate <= UNITS_NS["s"]:
            return UNITS_NS["s"] / rate
    return Fraction(parse_duration(text, setting))


def check_step(setting: str, text: str) -> None:
    """Raise RecipeError where a text is not a duration, or one too long for steps that times are put on."""
    if parse_duration(text, setting) > parse_duration(LONGEST_STEP):
        raise _not_a_duration(text, setting, f"at most {LONGEST_STEP}, about 96 years")


def _not_a_duration(text: str, setting: str, expected: str) -> RecipeError:
    shown = repr(text) if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]!r}..."
    return RecipeError(f"{setting} is {shown}: expected {expected}", code="recipe-value")
