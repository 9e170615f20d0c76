"""Logs whose lines name their values, as `ts=... temp=21.5 hum=40`, and records of several such lines."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from longstride.pipeline.ingest.sources.records.named_values import begin_of_pairs, named_values
from longstride.pipeline.profile.text.sentences import SPECIAL, TIME
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["NamedLines", "find_pairs", "find_records"]

MAX_LINES = 500
FEWEST = 3
MOST = 0.9
MOST_NAMES = 200
LONGEST_BEGIN = 80
SEVERAL = 2
"""A line of one name may be a sentence with a colon."""
NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?:\s?[^\s\d]\S{0,9})?")
SHAPES = ((r"\d+", r"\d+"), (r"[^\W\d_]+", r"[^\W\d_]+"), (r"\s+", r"\s+"))
ZONED = re.compile(r"(?P<before>.*\d) (?P<zone>[A-Z]{3,5}) (?P<year>\d{4})")


class NamedLines(NamedTuple):
    """How such lines are read."""

    setting: str
    """`line` or `record`."""
    pattern: str
    why: str
    share: float
    """Of the lines, those that are read so."""
    num_above: int = 0
    doubt: str | None = None


class _Line(NamedTuple):
    """A line that names its values."""

    shape: str
    """An expression for the time that it begins with; empty where it begins with a name."""
    words: tuple[str, ...]
    """Expressions for what is between the time and the first name, of which the last may belong to the name."""
    text: str


def find_pairs(lines: Sequence[str]) -> NamedLines | None:
    """The setting `line` for lines of several names and values, behind a time or nothing; None for other lines."""
    texts = [line.strip() for line in lines if line.strip()][:MAX_LINES]
    read = [line for line in map(_read, texts) if line is not None]
    if not read:
        return None
    shape, _ = Counter(line.shape for line in read).most_common(1)[0]
    chosen = [line for line in read if line.shape == shape]
    words = min((line.words for line in chosen), key=len)
    pattern = re.compile(f"{shape}{''.join(words)}(?P<pairs>.+)")
    found = [pattern.fullmatch(line.text) for line in chosen]
    rows = [named_values(match["pairs"]) for match in found if match is not None]
    named = [row for row in rows if isinstance(row, dict) and _is_row(row, has_time=bool(shape))]
    if len(named) < max(FEWEST, MOST * len(texts)) or not _are_measured(named):
        return None
    why = "lines name their values, in any order: each name is a column"
    return NamedLines("line", pattern.pattern, why, len(named) / len(texts))


def _is_row(values: dict[str, str | None], *, has_time: bool) -> bool:
    """Whether there are several names, or a number behind the only one of a line that begins with a time."""
    numbers = [value for value in values.values() if value is not None and NUMBER.fullmatch(value)]
    return len(values) >= SEVERAL or (has_time and len(numbers) == 1)


def find_records(lines: Sequence[str]) -> NamedLines | None:
    """The setting `record` for records that a line with a time alone begins, or one name; None for other lines."""
    texts = [line.strip() for line in lines if line.strip()][:MAX_LINES]
    shapes = Counter(shape for shape in map(_shape_of_begin, texts) if shape is not None)
    for shape, count in shapes.most_common(1):
        if FEWEST <= count <= len(texts) / 2 + 1:
            return _records(
                texts, shape, "a line with a time begins each record, and lines below it name its values"
            )
    if (name := _first_of_each(texts)) is None:
        return None
    group = "".join(letter if letter.isalpha() or letter.isdecimal() else "_" for letter in name)
    return _records(
        texts,
        rf"{_escaped(name)}\s*[:=]\s*(?P<{group}>.*)",
        f"a line of {name!r} begins each record, and it and lines below it name its values",
    )


def _records(texts: Sequence[str], begin: str, why: str) -> NamedLines | None:
    """Records that lines of this expression begin; None where most lines below them name no values."""
    is_begin = re.compile(begin).fullmatch
    records: list[dict[str, str | None]] = []
    num_named = num_others = 0
    for text in texts:
        if first := is_begin(text):
            records.append({name: value for name, value in first.groupdict().items() if name != "time"})
        elif not records or begin_of_pairs(text) is None:
            num_others += bool(records)
        elif isinstance(found := named_values(text), dict):
            records[-1] |= found
            num_named += 1
    if num_named < num_others or not _are_measured([record for record in records if record]):
        return None
    if sum(map(bool, records)) < MOST * (len(records) - 1):
        return None
    return NamedLines("record", begin, why, (len(records) + num_named) / len(texts))


def _first_of_each(texts: Sequence[str]) -> str | None:
    """The name in the first line, where each line has one, and none comes twice before the first comes again."""
    named = [named_values(text) if begin_of_pairs(text) is not None else None for text in texts]
    names = [next(iter(found)) for found in named if isinstance(found, dict) and len(found) == 1]
    if len(names) < MOST * len(texts) or not texts or not names[0][:1].isalpha():
        return None
    places = [place for place, name in enumerate(names) if name == names[0]]
    if len(places) < FEWEST:
        return None
    records = [names[start:stop] for start, stop in pairwise(places)]
    num_whole = sum(SEVERAL <= len(record) == len(set(record)) for record in records)
    return names[0] if num_whole >= MOST * len(records) else None


def _read(text: str) -> _Line | None:
    begin = begin_of_pairs(text)
    if begin is None:
        return None
    if not text[:begin].strip():
        return _Line("", (), text)
    lead = text[: len(text) - len(text.lstrip("[("))]
    time = TIME.match(text, len(lead))
    if time is None or time.end() > begin:
        return None
    return _Line(f"{_escaped(lead)}(?P<time>{_shape(time[0])})", tuple(_words(text[time.end() : begin])), text)


def _are_measured(rows: Sequence[dict[str, str | None]]) -> bool:
    """Whether the names come again, and some of them hold numbers."""
    names = Counter(name for row in rows for name in row)
    usual = [name for name, count in names.items() if count >= max(2, len(rows) / 10)]
    numbers = Counter(
        name for row in rows for name, value in row.items() if value is not None and NUMBER.fullmatch(value)
    )
    has_numbers = any(numbers[name] >= MOST * names[name] for name in usual)
    return has_numbers and len(names) <= MOST_NAMES and len(usual) >= len(names) / 2


def _words(rest: str) -> Iterator[str]:
    """Words may change from line to line, marks do not."""
    for part in re.findall(r"\s+|[\w-]*\w[\w-]*|[^\w\s]", rest):
        yield r"\s+" if part.isspace() else r"[\w-]+" if re.search(r"\w", part) else _escaped(part)


def _shape_of_begin(text: str) -> str | None:
    """An expression for a line that holds a time, and at most a name before it and marks around it."""
    if len(text) > LONGEST_BEGIN:
        return None
    found = re.fullmatch(r"(?P<lead>(?:[^\W\d]\w*\s*[:=]\s*|\W*))(?P<time>.*?)(?P<end>\W*)", text)
    assert found is not None
    time = ZONED.sub(r"\g<before> \g<year>", found["time"])
    is_clock = re.search(r"\d:\d", time) or name_score(found["lead"].strip(" :="))
    if TIME.fullmatch(time) is None or not is_clock:
        return None
    lead = re.sub(r"\\? +", r"\\s*", _escaped(found["lead"]))
    return f"{lead}(?P<time>{_shape(found['time'])}){_escaped(found['end'])}"


def _shape(text: str) -> str:
    parts = re.findall(r"\d+|[^\W\d_]+|\s+|.", text)
    return "".join(
        next((shape for kind, shape in SHAPES if re.fullmatch(kind, part)), _escaped(part)) for part in parts
    )


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", text)
