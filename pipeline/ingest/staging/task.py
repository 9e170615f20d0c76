"""The task that reads a section of a source, and leaves its rows as sorted parts and its faults as rejects."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.sources.base import Raw, Section, Unparsed
from longstride.pipeline.ingest.sources.reading import Reading
from longstride.pipeline.ingest.staging.clocks.midnight import refuse_midnight
from longstride.pipeline.ingest.staging.clocks.row_clock import positions
from longstride.pipeline.ingest.staging.left_out import count_left_out
from longstride.pipeline.ingest.staging.other_header import refuse_other_header
from longstride.pipeline.ingest.staging.part_file import Part, whole_part, write_part
from longstride.pipeline.ingest.staging.precision import find_rounded
from longstride.pipeline.ingest.staging.recent import RecentParts
from longstride.pipeline.ingest.staging.reject_file import write_rejects
from longstride.pipeline.ingest.staging.spans import Spans
from longstride.pipeline.ingest.staging.values import parse
from longstride.storage.errors import LongstrideError

if TYPE_CHECKING:
    from longstride.pipeline.ingest.query import Query
    from longstride.pipeline.ingest.sources.row_labels import LabelsOfRows

__all__ = ["ReadSection"]

THREADS = 2
"""Pieces at the same time of a file that is one section, as a compressed one is."""


@dataclass(frozen=True)
class ReadSection:
    """A task: callable, sent to any process, safe to repeat."""

    reading: Reading
    section: Section
    recent: RecentParts = field(default_factory=RecentParts)
    """Where the process that began the job finds its parts again."""

    def __call__(self) -> Iterator[Part]:
        """Read the section, leave its parts in the folder, and say of each what it is. Raises SourceError."""
        reading = self.reading
        pieces = reading.source.pieces(self.section, reading.columns, reading.recipe, reading.piece_bytes)
        parts = (partial(self._part, number, last, read) for number, (read, last) in enumerate(_with_last(pieces)))
        is_alone = self.section.num_bytes == reading.source.num_bytes
        try:
            yield from _in_threads(parts) if is_alone else (part() for part in parts)
        except LongstrideError:
            reading.source.refuse_changed()  # then that is what is wrong with it
            raise

    def left_behind(self) -> list[Part] | None:
        """The parts, where an interrupted job left them all."""
        parts: list[Part] = []
        while not parts or not parts[-1].last:
            part = self._left(len(parts))
            if part is None:
                return None
            parts.append(part)
        return parts

    def _part(self, piece: int, last: bool, read: Unparsed) -> Part:
        return self._left(piece) or self._stage(piece, last, read(), read.done_bytes)

    def _left(self, piece: int) -> Part | None:
        place = self.reading.number, self.section.number, piece
        return whole_part(self.reading.folder, place, self.section.crc)

    def _stage(self, piece: int, last: bool, raw: Raw, done_bytes: int) -> Part:
        reading, recipe, columns = self.reading, self.reading.recipe, self.reading.columns
        query = _query(reading, raw)
        parsed = parse(
            reading.source.name,
            raw,
            columns,
            recipe,
            keep_all=query is not None,
            settled=reading.settled,
        )
        refuse_other_header(reading.source.name, raw, parsed.rejects)
        frame, lines = parsed.frame, parsed.lines
        if query is not None:
            if self.section.number == piece == 0:
                query.check_alone(frame)
            frame, kept = query.run(frame)
            lines = lines[kept]
        num_filtered = parsed.frame.height - frame.height
        rounded, measurements = find_rounded(frame, lines, reading.channels, recipe)
        time = frame[columns.time_name].to_numpy()
        blocks = {"time": time, "line": lines}
        sensors = None
        if columns.pivot is not None:
            sensors, blocks["sensor"] = _codes(frame[columns.pivot])
        blocks["labels"] = (
            frame.select(columns.labels).to_numpy(order="c") if columns.labels else _no_columns(frame)
        )
        matched: list[int] = []
        if reading.intervals is not None:
            of = None if columns.series is None else frame[columns.series].to_list()
            marked, matched = reading.intervals.mark(time, of)
            blocks["labels"] = np.concatenate([blocks["labels"], marked], axis=1)
        elif reading.row_labels is not None:
            marked = self._labels_of_rows(reading.row_labels, piece, raw, time, lines)
            blocks["labels"] = np.concatenate([blocks["labels"], marked], axis=1)
        elif reading.num_absent_labels:
            marked = np.zeros((frame.height, reading.num_absent_labels), np.int8)
            blocks["labels"] = np.concatenate([blocks["labels"], marked], axis=1)
        values = frame.select(pl.col(reading.channels).cast(_dtype(reading)).fill_null(float("nan")))
        # Polars takes longer to turn columns into rows than numpy.
        blocks["values"] = np.ascontiguousarray(values.to_numpy(order="fortran"))
        series, codes = ([""], None) if columns.series is None else _codes(frame[columns.series])
        if length := recipe.longest_fall:
            refuse_midnight(reading.source, time, blocks.get("sensor", codes), lines, length)
        order = _order(time, codes)
        spans, steps_back = _spans(time, series, codes, order)
        if order is not None:
            blocks = {name: block[order] for name, block in blocks.items()}
        place = reading.number, self.section.number, piece
        rejects_crc = write_rejects(reading.folder, place, parsed.rejects) if parsed.rejects else 0
        assert raw.num_rows == frame.height + num_filtered + len(parsed.rejects)
        part = Part(
            source=reading.number,
            section=self.section.number,
            piece=piece,
            last=last,
            done_bytes=done_bytes,
            num_rows=frame.height,
            dtype=reading.dtype,
            num_channels=len(reading.channels),
            num_labels=blocks["labels"].shape[1],
            sensors=sensors,
            spans=spans,
            rows_in=raw.num_rows,
            blank=raw.num_blank,
            headers=raw.num_headers,
            filtered=num_filtered,
            rejected=dict(Counter(reject.reason for reject in parsed.rejects)),
            ambiguous=parsed.num_ambiguous,
            nonexistent=parsed.num_nonexistent,
            steps_back=steps_back,
            rounded=rounded,
            measurements=measurements,
            matched=matched,
            left_out=count_left_out(raw.frame, recipe.exclude) if recipe.sql is None else {},
            section_crc=self.section.crc,
            rejects_crc=rejects_crc,
        )
        return write_part(reading.folder, part, blocks, self.recent)

    def _labels_of_rows(
        self, labels: "LabelsOfRows", piece: int, raw: Raw, time: NDArray[np.int64], lines: NDArray[np.int64]
    ) -> NDArray[np.int8]:
        """Labels of rows of a piece, of which some may be left out."""
        if labels.has_times:
            return labels.at_times(time, lines, self.reading.source)
        if labels.starts is None:  # lines are numbers of rows
            return labels.of_rows(lines - 1)
        position = positions(raw).to_numpy()[np.searchsorted(raw.lines, lines)]
        return labels.of_rows(labels.starts[self.section.number, piece] + position)


def _in_threads(parts: Iterator[Callable[[], Part]]) -> Iterator[Part]:
    """Parts in order, made some at a time: those of a section that is a whole file, which one task reads."""
    staged: deque[Future[Part]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-stage") as pool:
        for part in parts:
            staged.append(pool.submit(part))
            if len(staged) == THREADS:
                yield staged.popleft().result()
        for left in staged:
            yield left.result()


def _with_last(pieces: Iterator[Unparsed]) -> Iterator[tuple[Unparsed, bool]]:
    """Each piece, and whether it is the last; the one after the next is read in the background."""
    with ThreadPoolExecutor(1, thread_name_prefix="longstride-ahead") as pool:
        piece, following = next(pieces, None), next(pieces, None)
        while piece is not None:
            task = pool.submit(next, pieces, None) if following else None
            yield piece, following is None
            piece, following = following, task.result() if task else None


def _query(reading: Reading, raw: Raw) -> "Query | None":
    if reading.recipe.sql is None:
        return None
    from longstride.pipeline.ingest.query import Query

    unused = {name: raw.frame.schema[name] for name in reading.columns.unused}
    return Query(reading.recipe.sql, reading.columns, unused)


def _dtype(reading: Reading) -> type[pl.Float32] | type[pl.Float64]:
    return pl.Float32 if reading.dtype == "float32" else pl.Float64


def _no_columns(frame: pl.DataFrame) -> NDArray[np.int8]:
    return np.empty((frame.height, 0), np.int8)


def _codes(column: pl.Series) -> tuple[list[str], NDArray[np.int32]]:
    """Names in alphabetical order, and for each row which it is."""
    if column.is_empty():
        return [], np.empty(0, np.int32)
    names = column.unique().sort()
    codes = column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int32)
    return names.to_list(), codes


def _order(time: NDArray[np.int64], codes: NDArray[np.int32] | None) -> NDArray[np.intp] | None:
    """Rows by series and time, those of equal time as they came; None where they are in this order."""
    if codes is None:
        return None if (time[1:] >= time[:-1]).all() else np.argsort(time, kind="stable")
    sorted_already = (codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (time[1:] >= time[:-1]))
    return None if sorted_already.all() else np.lexsort((time, codes))


def _spans(
    time: NDArray[np.int64], series: list[str], codes: NDArray[np.int32] | None, order: NDArray[np.intp] | None
) -> tuple[Spans, int]:
    """What a part has of each series, and how many rows come before the one that they follow in the file."""
    if not len(time):
        return Spans([], []), 0
    by_series = time
    bounds = np.array([0, len(time)])
    if codes is not None:
        by_file = np.argsort(codes, kind="stable")
        by_series = time[by_file]
        bounds = np.searchsorted(codes[by_file], np.arange(len(series) + 1))
    back = by_series[1:] < by_series[:-1]
    back[bounds[1:-1] - 1] = False
    ordered = time if order is None else time[order]
    starts, stops = bounds[:-1], bounds[1:]
    ends = (ordered[starts], ordered[stops - 1], by_series[starts], by_series[stops - 1])
    return Spans(series, np.stack([starts, stops, *ends], axis=1)), int(np.count_nonzero(back))
