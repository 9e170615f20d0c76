"""Rows in the order of the store, by series and time: buckets that are slices of the parts.

Each part is sorted, so the rows of a range of time are one slice of it, and a bucket is read straight from the
parts. Rows of equal time lie in one bucket, in the order of the sources and of their lines.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.staging.part_file import PartReader
from longstride.pipeline.ingest.staging.spans import Span
from longstride.pipeline.ingest.writing.grid.resample import refuse_early

__all__ = ["Bucket", "BucketsInOrder", "OutOfOrderError", "Slice", "plan_buckets"]

SAMPLES_PER_BUCKET = 2
"""Samples of each part, where parts are so many that each has only some rows in a bucket."""
SMALL_BUCKETS = 8
"""As large together as the largest bucket: 4 MiB each, where that has 32."""
SHORT_SLICES = 512
"""As large together as the largest bucket: 64 KiB each. Shorter ones take longer to find than to read."""
MIN_SPACING, MAX_SPACING = 16, 1024


class Slice(NamedTuple):
    """Rows start:stop of a part."""

    reader: PartReader
    start: int
    stop: int


class Bucket(NamedTuple):
    """All rows of one series in a range of time."""

    series: str
    slices: list[Slice]
    """In the order in which rows of equal time are taken."""
    ends_series: bool


class OutOfOrderError(Exception):
    """A part begins before the one ahead of it has ended."""


class BucketsInOrder:
    """Buckets of parts that come one by one, in the order of sources and lines, each where the last has ended.

    So a row can be of a bucket that is given out before later rows are known.
    """

    def __init__(self, every_ns: int | None) -> None:
        """With `every_ns`, no step of that grid lies in two buckets."""
        self._every_ns = every_ns or 1
        self._series: str | None = None
        self._last_time = 0
        self._held: list[Slice] = []
        """Rows of the series, of whose last time, or step of the grid, more may come."""

    def add(self, reader: PartReader) -> Iterator[Bucket]:
        """Take a part. Raises OutOfOrderError where it does not begin behind the last one, or with it."""
        for span in reader.part.spans:
            if self._every_ns > 1:
                refuse_early(span.first_time, self._every_ns)
            if self._series is None or span.series > self._series:
                yield from self.end()
                self._series = span.series
            elif span.series < self._series or span.first_time < self._last_time:
                raise OutOfOrderError
            elif done := self._before(span.first_time // self._every_ns * self._every_ns):
                yield Bucket(span.series, done, ends_series=False)
            self._held.append(Slice(reader, span.start, span.stop))
            self._last_time = span.last_time

    def end(self) -> Iterator[Bucket]:
        """No more rows of this series will come."""
        if self._series is not None:
            yield Bucket(self._series, self._held, ends_series=True)
        self._held = []

    def _before(self, time: int) -> list[Slice]:
        """Rows before a time, which are held no longer."""
        if self._last_time < time:  # rows need not be looked at
            done, self._held = self._held, []
            return done
        edges = [
            start + int(np.searchsorted(reader.times(start, stop), time)) for reader, start, stop in self._held
        ]
        pairs = list(zip(self._held, edges, strict=True))
        self._held = [piece._replace(start=edge) for piece, edge in pairs if edge < piece.stop]
        return [piece._replace(stop=edge) for piece, edge in pairs if piece.start < edge]


def plan_buckets(readers: Sequence[PartReader], bucket_rows: int, every_ns: int | None) -> Iterator[Bucket]:
    """Cut the rows of all parts, given in the order of sources and lines, into buckets of about `bucket_rows`.

    With `every_ns`, no step of that grid lies in two buckets. Raises RecipeError where one begins too early.
    """
    for series, spans in _by_series(readers):
        cuts = _cuts(spans, bucket_rows, every_ns)
        first = np.searchsorted(cuts, [span.first_time for _, span in spans], side="right")
        last = np.searchsorted(cuts, [span.last_time for _, span in spans], side="right")
        edges = [_edges(*span, cuts[start:stop]) for span, start, stop in zip(spans, first, last, strict=True)]
        # A span is asked for the buckets alone that it reaches into: in a sorted log these are few.
        for number in range(int(last.max()) + 1):
            slices = []
            for index in np.flatnonzero((first <= number) & (number <= last)).tolist():
                start, stop = edges[index][number - first[index] :][:2].tolist()
                if start < stop:
                    slices.append(Slice(spans[index][0], start, stop))
            if slices:
                yield Bucket(series, slices, number == int(last.max()))


def _by_series(readers: Sequence[PartReader]) -> Iterator[tuple[str, list[tuple[PartReader, Span]]]]:
    """The spans of each series, in the order of the parts; made when it is its turn, for they may be many."""
    names = sorted({name for reader in readers for name in reader.part.spans.series})
    number = {name: index for index, name in enumerate(names)}
    counts = [len(reader.part.spans) for reader in readers]
    part = np.repeat(np.arange(len(readers), dtype=np.int32), counts)
    place = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
    of = np.fromiter(
        (number[name] for reader in readers for name in reader.part.spans.series), np.int32, len(part)
    )
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.arange(len(names) + 1))
    for index, series in enumerate(names):
        chosen = order[bounds[index] : bounds[index + 1]]
        pairs = zip(part[chosen].tolist(), place[chosen].tolist(), strict=True)
        yield series, [(readers[one], readers[one].part.spans[at]) for one, at in pairs]


def _edges(reader: PartReader, span: Span, cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where a span begins, where each of the buckets does that begin within it, and where it ends."""
    inner = span.start + np.searchsorted(reader.times(span.start, span.stop), cuts) if len(cuts) else cuts
    return np.concatenate([[span.start], inner, [span.stop]])


def _cuts(spans: Sequence[tuple[PartReader, Span]], bucket_rows: int, every_ns: int | None) -> NDArray[np.int64]:
    """Times at which buckets begin, but for the first."""
    rows = np.array([span.stop - span.start for _, span in spans])
    first = np.array([span.first_time for _, span in spans])
    last = np.array([span.last_time for _, span in spans])
    # Small buckets are merged side by side, and stay in the processor's cache.
    small_rows = max(1, bucket_rows // SMALL_BUCKETS)
    if (first[1:] >= last[:-1]).all() and rows.max() <= bucket_rows:
        number = np.cumsum(rows) // small_rows
        cuts = first[1:][number[1:] > number[:-1]]
    elif rows.sum() <= small_rows:
        cuts = np.empty(0, np.int64)
    else:
        # Each part has a slice in each bucket: the more parts, the larger the buckets must be.
        cuts = _sampled_cuts(spans, min(bucket_rows, max(small_rows, len(spans) * bucket_rows // SHORT_SLICES)))
    if every_ns is not None:
        refuse_early(int(first.min()), every_ns)
        cuts = cuts // every_ns * every_ns
    return np.unique(cuts)


def _sampled_cuts(spans: Sequence[tuple[PartReader, Span]], bucket_rows: int) -> NDArray[np.int64]:
    spacing = min(MAX_SPACING, max(MIN_SPACING, bucket_rows // (SAMPLES_PER_BUCKET * len(spans))))
    sampled = np.sort(np.concatenate([reader.times(span.start, span.stop)[::spacing] for reader, span in spans]))
    every_bucket = max(1, bucket_rows // spacing)
    cuts: NDArray[np.int64] = sampled[every_bucket::every_bucket]
    return cuts
