"""A second file, of labels: intervals of time, each with a name, and maybe the series that it is of."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import google_crc32c
import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.storage.location import local_path
from longstride.storage.places.files import read_file
from longstride.storage.text import iso_time

__all__ = ["ONLY_NAME", "Intervals", "is_of_intervals", "read_intervals"]

ONLY_NAME = "label"
"""Of the label, where intervals have no names."""
COLUMNS = {
    "start": re.compile(r"(start|begin|from)\w*"),
    "end": re.compile(r"(end|stop|until|to)(_?(time|date|datetime|timestamp|at))?"),
    "name": re.compile(r"name|label|type|class|event|fault|anomaly|description"),
    "series": re.compile(r"series|machine|unit|device|station|asset"),
}
MAX_NAMES = 100
MAX_HEAD = 2**16


class Interval(NamedTuple):
    """One line of the file."""

    line: int
    start_ns: int
    end_ns: int
    """A row at this time still belongs to it."""
    name: int
    """Which of the names."""
    series: str | None
    """None: of all."""


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """All intervals of a file."""

    file: str
    crc: str
    """CRC-32C of the file."""
    names: tuple[str, ...]
    """Each is a label."""
    all: tuple[Interval, ...]

    def mark(self, time: NDArray[np.int64], series: Sequence[str] | None) -> tuple[NDArray[np.int8], list[int]]:
        """Labels (rows, names) of rows with these times and series, and which of the intervals have a row."""
        labels = np.zeros((len(time), len(self.names)), np.int8)
        order = np.argsort(time, kind="stable")
        bounds = np.array([(one.start_ns, one.end_ns) for one in self.all], np.int64).reshape(-1, 2)
        first = np.searchsorted(time[order], bounds[:, 0], side="left")
        last = np.searchsorted(time[order], bounds[:, 1], side="right")
        names = None if series is None else np.array(series, object)
        matched = []
        for number in np.flatnonzero(first < last).tolist():
            interval = self.all[number]
            rows = order[first[number] : last[number]]
            if interval.series is not None and names is not None:
                rows = rows[names[rows] == interval.series]
            labels[rows, interval.name] = 1
            if len(rows):
                matched.append(number)
        return labels, matched

    def told_of_unmatched(self, matched: set[int]) -> Iterator[str]:
        """Say which intervals have no row, or that there are none."""
        if not self.all:
            yield f"{self.file} holds no interval: the label {self.names[0]!r} is 0 in all rows"
        unmatched = [one for number, one in enumerate(self.all) if number not in matched]
        if unmatched:
            one = unmatched[0]
            of = f" of series {one.series!r}" if one.series is not None else ""
            yield (
                f"{len(unmatched):,} of {len(self.all):,} intervals of {self.file} have no row, first line "
                f"{one.line}: {iso_time(one.start_ns)} to {iso_time(one.end_ns)}{of}"
            )


def is_of_intervals(file: str) -> bool:
    """Whether a file of labels has the start or the end of intervals; else it has a row for each row."""
    try:
        with local_path(file).open("rb") as opened:
            head = opened.readline(MAX_HEAD).decode("utf-8-sig", "replace")
    except OSError:
        return False  # whoever reads it says so
    header = [name.strip() for name in next(csv.reader([head], delimiter=max(",;\t|", key=head.count)), [])]
    return any(_place(header, COLUMNS[use]) is not None for use in ("start", "end"))


def read_intervals(recipe: Recipe, known: Sequence[str] | None = None) -> Intervals | None:
    """Read the file that a recipe names; None where it names none. Raises SourceError.

    `known` are the names of an existing store, in its order.
    """
    if recipe.label_file is None or not is_of_intervals(recipe.label_file):
        return None
    file = recipe.label_file
    if recipe.counts_rows:
        raise RecipeError(
            "label-file has intervals of time, and rows have no time of their own: leave it out, or name the "
            "column of their time",
            code="recipe-conflict",
        )
    try:
        data = read_file(local_path(file), follow=True)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(file, "it is not a text in UTF-8") from None
    except OSError as error:
        raise SourceError(file, f"it cannot be read ({error.strerror})", code="source-missing") from None
    crc = f"{google_crc32c.value(data):08x}"
    if recipe.label_file_crc not in (None, crc):
        raise SourceError(
            file,
            "it has changed since the store was made: --rebuild --accept-changed labels all rows by what it holds "
            "now, --append --accept-changed the new ones",
            code="labels-changed",
        )
    head = text.partition("\n")[0]
    separator = max(",;\t|", key=head.count)
    header, rows = _rows(file, text, separator)
    places = {use: _place(header, pattern) for use, pattern in COLUMNS.items()}
    if places["start"] is None or places["end"] is None:
        raise _wrong(
            file,
            f"expected columns start and end, and maybe name and series; the columns are {listed(header)}",
        )
    for line, row in rows:
        if len(row) != len(header):
            raise _wrong(file, f"there are {len(row)} fields, and {len(header)} columns", line)
    texts = {use: [row[place].strip() for _, row in rows] for use, place in places.items() if place is not None}
    return _of_texts(recipe, crc, [line for line, _ in rows], texts, known)


def _rows(file: str, text: str, separator: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row that holds something with the line where it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            found.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _wrong(file, f"it is not CSV: {error}", line) from None
    header = found[0][1] if found else []
    return [name.strip() for name in header], [(at, row) for at, row in found[1:] if any(map(str.strip, row))]


def _of_texts(
    recipe: Recipe, crc: str, lines: list[int], texts: dict[str, list[str]], known: Sequence[str] | None
) -> Intervals:
    file = str(recipe.label_file)
    # An hour that comes twice belongs to an interval as a whole.
    starts = _times(file, lines, texts["start"], replace(recipe, ambiguous="earliest", nonexistent="forward"))
    ends = _times(file, lines, texts["end"], replace(recipe, ambiguous="latest", nonexistent="forward"))
    for line, start, end in zip(lines, starts, ends, strict=True):
        if start > end:
            raise _wrong(file, f"an interval ends at {iso_time(end)}, before it starts at {iso_time(start)}", line)
    given = texts.get("name", [ONLY_NAME] * len(lines))
    names = tuple(known) if known is not None else tuple(dict.fromkeys(given)) or (ONLY_NAME,)
    if len(names) > MAX_NAMES:
        raise _wrong(file, f"there are {len(names):,} names, each of which would be a label: expected few")
    series = texts.get("series", [""] * len(lines))
    if any(series) and recipe.series_column is None:
        raise _wrong(file, "intervals are of series, and the rows have none: name their column with --series")
    found = []
    for line, start, end, name, of in zip(lines, starts, ends, given, series, strict=True):
        if not name:
            raise _wrong(file, "an interval has no name: give it one, or leave the column out", line)
        if not name.isprintable():
            raise _wrong(file, f"its name is {name[:80]!r}: expected one line; is a quote lost?", line)
        if name not in names:
            raise SourceError(
                file,
                f"{name!r} is a new label, the store has {listed(names)}: make it again with --rebuild",
                place=f"line {line}",
                code="channels-changed",
            )
        found.append(Interval(line, start, end, names.index(name), of or None))
    return Intervals(file=file, crc=crc, names=names, all=tuple(found))


def _times(file: str, lines: list[int], texts: list[str], recipe: Recipe) -> list[int]:
    """Times as the recipe reads those of rows, or in ISO 8601."""
    if not texts:
        return []
    column = pl.Series("time", texts)
    plain = replace(recipe, time="time", interval="none", round_time=None)
    try:
        times = to_nanoseconds([column], plain).nanoseconds
        if times.null_count() and recipe.time_format is not None:
            other = to_nanoseconds([column], replace(plain, time_format=None, start=None)).nanoseconds
            times = pl.select(pl.coalesce(times, other)).to_series()
    except RecipeError as error:
        raise _wrong(file, str(error)) from None
    if times.null_count():
        row = int(times.is_null().arg_max() or 0)
        raise _wrong(
            file,
            f"{texts[row]!r} is not a time as the recipe reads it, or in ISO 8601, such as 2024-03-01 08:00",
            lines[row],
        )
    return [int(time) for time in times.to_list()]


def _place(header: Sequence[str], pattern: re.Pattern[str]) -> int | None:
    return next((place for place, name in enumerate(header) if pattern.fullmatch(name.lower())), None)


def _wrong(file: str, what: str, line: int | None = None) -> SourceError:
    return SourceError(file, what, place=None if line is None else f"line {line}", code="labels-format")
