"""Names and values in a text: `Temp=21.5 Hum=40`, `temp: 21.5 C; hum: 40 %`, `a=1,b="x, y"`."""

import re
from collections.abc import Iterator
from itertools import pairwise

from longstride.pipeline.ingest.sources.json.ndjson import Fault

__all__ = ["MAX_LETTERS", "begin_of_pairs", "named_values"]

MAX_LETTERS = 2**15
QUOTED = re.compile(r'(?<![^\s=:,;|])"(?:[^"\\]|\\.)*+(?P<end>"?)|\([^()]*\)')
"""What holds no names: texts in quotes, which begin where a value may, and remarks in brackets."""
SEGMENT = re.compile(r"(?:[^;|\t,]|(?<=\d),(?=\d))+")
"""What separators that stand in no number cut apart."""
IN_NAME = r"[^\s=:,;|\"\x00]"
NAME = rf"(?!\d+[-/.:]\d)(?={IN_NAME}*[^\W\d]){IN_NAME}++(?:[ ]\d++(?!:\d))?"
"""A word with a letter, and maybe a number behind it, which is not the hour of a time."""
MARK = re.compile(rf"(?:^|(?<=\s))({NAME})\s*[=:](?![=/])\s*")
REMARK = re.compile(r"\s*\([^()]*\)$")
ESCAPED = re.compile(r"\\(.)")
MASK = "\0"


def named_values(text: str) -> dict[str, str | None] | Fault:
    """The values by their names. What stands without a name, and a name that comes twice, is a fault.

    Names are words; between separators (; | , and tabs), a single one may be of several words. A value reaches to
    the next name or separator, so that a unit may stand behind it; that of a single name reaches to the end. A
    comma between digits separates nothing, and a remark in brackets behind a value is left out.
    """
    if len(text) > MAX_LETTERS:
        return Fault("line too long", f"the line is longer than {MAX_LETTERS:,} letters")
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    found: dict[str, str | None] = {}
    if any(quoted["end"] == "" for quoted in QUOTED.finditer(text)):
        return Fault("quote out of place", "a quote is opened in the line, and none closes it")
    masked = _masked(text)
    segments = [segment for segment in SEGMENT.finditer(masked) if segment[0].strip()]
    marks = [len(MARK.findall(segment[0])) for segment in segments]
    if sum(marks) == 1 == marks[0]:
        return dict(_pairs(text[segments[0].start() :], masked[segments[0].start() :]))
    for segment in segments:
        start, stop = segment.span()
        pairs = list(_pairs(text[start:stop], segment[0]))
        if not pairs:
            return Fault("no name", f"{text[start:stop].strip()[:60]!r} has no name before it, as in NAME=VALUE")
        for name, value in pairs:
            if name in found:
                return Fault("name twice", f"{name!r} is the name of two values of the row")
            found[name] = value
    return found


def begin_of_pairs(text: str) -> int | None:
    """Where the first name of a text begins; None where it has none."""
    masked = _masked(text)
    marks = ((segment, MARK.search(segment[0])) for segment in SEGMENT.finditer(masked))
    return next((segment.start() + mark.start(1) for segment, mark in marks if mark is not None), None)


def _masked(text: str) -> str:
    return QUOTED.sub(lambda quoted: MASK * len(quoted[0]), text)


def _pairs(text: str, masked: str) -> Iterator[tuple[str, str | None]]:
    """Names and values between two separators."""
    marks = list(MARK.finditer(masked))
    if not marks:
        return
    if len(marks) == 1:
        yield text[: marks[0].end(1)].strip(), _value(text[marks[0].end() :])
        return
    if text[: marks[0].start(1)].strip():
        return  # what stands before the first of several names belongs to none
    starts = [*(mark.start(1) for mark in marks), len(text)]
    for mark, (_, stop) in zip(marks, pairwise(starts), strict=True):
        yield mark[1], _value(text[mark.end() : stop])


def _value(text: str) -> str | None:
    value = text.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        return ESCAPED.sub(r"\1", value[1:-1])
    return REMARK.sub("", value) or None
