"""The hour that comes twice when clocks are set back: which of the two each row is of, told by the order of rows.

A file is read for its times alone before its sections are read: what a row near the end of a piece is depends on
rows of the next one, so no section could tell by itself, and the answer does not depend on how a file is cut.
"""

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw
from longstride.pipeline.ingest.sources.reading import Reading, SettledTimes
from longstride.pipeline.ingest.times.stamps import to_nanoseconds

__all__ = ["settle_autumn"]

NIGHT_NS = 12 * 3600 * 10**9
"""Rows that are further apart are of two autumns."""


def settle_autumn(reading: Reading) -> Reading:
    """Find the times of rows of an hour that comes twice, where the recipe infers them. Raises SourceError.

    Rows of each series (and sensor) are taken in the order of the file. Those of such an hour that follow each
    other are of summer time until times go back, once, and of winter time from there on. Where they do not go
    back, or do so more than once, or by so little that a row came late, the order tells nothing.
    """
    recipe, columns = reading.recipe, reading.columns
    if recipe.ambiguous != "infer" or recipe.timezone == "UTC" or recipe.counts_rows:
        return reading
    keys = tuple(name for name in (columns.series, columns.pivot) if name is not None)
    times = replace(columns, labels=(), absent_labels=(), channels=(), unused=(), lacking={})
    plain = replace(recipe, sql=None)
    found = _Hours(recipe, columns.time, keys)
    for section in reading.source.sections(reading.piece_bytes):
        for read in reading.source.pieces(section, times, plain, reading.piece_bytes):
            found.add(read())
    return replace(reading, settled=found.settled())


class _Hour(NamedTuple):
    """Rows of one series that follow each other, all of an hour that comes twice."""

    earliest: NDArray[np.int64]
    """Times if it is the first of the two, (rows,) in the order of the file."""
    latest: NDArray[np.int64]
    line: NDArray[np.int64]


class _Hours:
    """Rows of hours that come twice, as pieces of a file come by."""

    def __init__(self, recipe: Recipe, time: tuple[str, ...], keys: tuple[str, ...]) -> None:
        self._recipe, self._time, self._keys = recipe, time, keys
        self._num_rows: dict[str, int] = defaultdict(int)
        self._last: dict[str, int] = {}
        self._direction = 0
        """Steps forward less steps back, of rows of one series."""
        self._rows: dict[str, list[pl.DataFrame]] = defaultdict(list)

    def add(self, raw: Raw) -> None:
        """Look at the next rows."""
        rows = self._timed(raw)
        steps = pl.col("earliest").diff().over("key").sign()
        rows = rows.with_columns(steps.alias("sign"), pl.int_range(pl.len()).over("key").alias("row"))
        self._direction += int(rows["sign"].sum())
        doubtful = rows.filter(pl.col("latest") != pl.col("earliest"))
        for (key,), some in doubtful.group_by("key", maintain_order=True):
            self._rows[str(key)].append(some.with_columns(pl.col("row") + self._num_rows[str(key)]))
        ends = rows.group_by("key", maintain_order=True).agg(
            pl.len().alias("rows"), pl.first("earliest").alias("first"), pl.last("earliest").alias("last")
        )
        for key, num_rows, first, last in ends.iter_rows():
            self._direction += int(np.sign(first - self._last.get(key, first)))
            self._num_rows[key] += num_rows
            self._last[key] = last

    def _timed(self, raw: Raw) -> pl.DataFrame:
        """Key, line, earliest and latest time of each row that has a time."""
        columns = [raw.frame[name] for name in self._time]
        earliest = latest = to_nanoseconds(columns, self._recipe).nanoseconds
        if earliest.null_count():
            earliest, latest = (
                to_nanoseconds(columns, replace(self._recipe, ambiguous=which)).nanoseconds
                for which in ("earliest", "latest")
            )
        names = [raw.frame[name].cast(pl.String, strict=False).fill_null("") for name in self._keys]
        key = pl.select(pl.concat_str(names, separator="\0")).to_series() if names else pl.lit("")
        rows = pl.DataFrame({"line": raw.lines, "earliest": earliest, "latest": latest}).with_columns(
            key.alias("key")
        )
        return rows.drop_nulls()

    def settled(self) -> SettledTimes:
        """The times of rows of which the order tells."""
        found = [
            (hour.line, times)
            for rows in self._rows.values()
            for hour in _hours(pl.concat(rows))
            if (times := _settled(hour, is_reversed=self._direction < 0)) is not None
        ]
        if not found:
            return SettledTimes(np.empty(0, np.int64), np.empty(0, np.int64))
        line, times = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(line)
        return SettledTimes(line[order], times[order])


def _hours(rows: pl.DataFrame) -> list[_Hour]:
    """Cut rows of one series where other rows lie between them, or months."""
    row, earliest = rows["row"].to_numpy(), rows["earliest"].to_numpy()
    cuts = np.flatnonzero((np.diff(row) != 1) | (np.abs(np.diff(earliest)) > NIGHT_NS)) + 1
    parts = (np.split(rows[name].to_numpy(), cuts) for name in ("earliest", "latest", "line"))
    return [_Hour(*of_one) for of_one in zip(*parts, strict=True)]


def _settled(hour: _Hour, *, is_reversed: bool) -> NDArray[np.int64] | None:
    """Times of the rows; None where their order does not tell which of the two hours they are of."""
    turn = slice(None, None, -1 if is_reversed else 1)
    earliest, latest = hour.earliest[turn], hour.latest[turn]
    steps = np.diff(earliest)
    back = np.flatnonzero(steps < 0)
    if not len(back):
        back = np.flatnonzero(steps == 0)
    if len(back) != 1:
        return None
    switch = int(back[0]) + 1
    times = np.where(np.arange(len(earliest)) < switch, earliest, latest)
    settled = np.diff(times)
    others = np.delete(settled, switch - 1)
    # A row that came late would make a step of nearly an hour; an hour that begins again, one like all others.
    is_usual = not len(others) or settled[switch - 1] <= 2 * others.max()
    is_short = settled[switch - 1] <= (latest[switch] - earliest[switch]) // 2
    return times[turn] if is_usual or is_short else None
