"""The first stage: every section of every source read into parts."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from longstride.pipeline.executor import TaskRunner
from longstride.pipeline.ingest.errors import AccountingError, SourceError
from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.report import FileReport
from longstride.pipeline.ingest.sources.reading import Reading
from longstride.pipeline.ingest.staging.clocks.autumn import settle_autumn
from longstride.pipeline.ingest.staging.clocks.midnight import refuse_midnight_between
from longstride.pipeline.ingest.staging.clocks.row_clock import RowClock
from longstride.pipeline.ingest.staging.folder import StagedFolder, part_name
from longstride.pipeline.ingest.staging.part_file import Part, counted
from longstride.pipeline.ingest.staging.precision import refuse_rounded
from longstride.pipeline.ingest.staging.recent import RecentParts
from longstride.pipeline.ingest.staging.reject_file import RejectLimit
from longstride.pipeline.ingest.staging.task import ReadSection
from longstride.storage.writing.lock import StoreLock

__all__ = ["ReadSources"]

RECENT_BYTES = 64 * 2**20
"""Of parts that stay in memory until they are passed on."""


class ReadSources:
    """Reads the sources of a plan, and counts what they hold."""

    def __init__(self, plan: Plan, lock: StoreLock, piece_bytes: int, progress: Callable[[float], object]) -> None:
        self._plan = plan
        self._store = lock.path
        self._piece_bytes = piece_bytes
        self._progress = progress
        self._total_bytes = sum(source.num_bytes for source in plan.sources)
        self._done_bytes = 0
        self._done_of: dict[tuple[int, int], int] = {}
        """Bytes of each section."""
        self._limit = RejectLimit(plan.recipe, self._total_bytes)
        self.files = [
            FileReport(
                name=source.name,
                num_bytes=source.num_bytes,
                unused=tuple(name for name in columns.unused if name not in plan.recipe.series_parts),
                absent=_without(plan.union, channels),
            )
            for source, columns, channels in zip(plan.sources, plan.columns, plan.channels, strict=True)
        ]
        self.folder = StagedFolder(lock, plan.fingerprint(piece_bytes))
        self.parts: list[Part] = []
        """In the order of sources and lines."""
        self.recent = RecentParts(RECENT_BYTES)
        self._sections: deque[tuple[int, int]] = deque()
        """Source and number of those that were not passed on to their end, in order."""
        self._to_pass_on: dict[tuple[int, int, int], Part] = {}
        """Parts by their places, which wait for those before them."""
        self._next_piece = 0
        """Of the first of these sections."""
        self._num_labels: dict[int, int] = {}
        """Rows of each file of labels, by the number of the first source that it is of."""
        self.num_reused = 0
        """Parts that an interrupted job had left."""

    def run(self, run_tasks: TaskRunner[Any], pass_on: Callable[[Part], object]) -> None:
        """Have every section read into parts; those that an interrupted job has left are taken as they are.

        Meanwhile, `pass_on` gets the parts in the order of sources and lines. Raises SourceError, and RejectsError
        where too many rows cannot be read.
        """
        left_behind = self.folder.prepare()
        try:
            for parts in run_tasks(self._tasks(left_behind)):
                self._take(parts)
                self._pass_on(pass_on)
            self._pass_on(pass_on)
        except FileNotFoundError as error:
            raise _out_of_sight(error.filename) from error
        for source in self._plan.sources:
            source.refuse_changed_at_end()
        self._advance(self._total_bytes - self._done_bytes)
        self._stop_at_limit()
        self.parts.sort(key=lambda part: part.place)
        if (length := self._plan.recipe.longest_fall) and self._plan.recipe.pivot is None:
            refuse_midnight_between(self.parts, self._plan.sources, length)
        if clock := RowClock.of(self._plan.recipe):
            self.parts = list(counted(self.parts, clock))
        self._date_files()
        self._see(left_behind)
        for source, file in zip(self._plan.sources, self.files, strict=True):
            file.crc = source.crc
            if source.num_rows is not None and source.num_rows != file.rows_in:
                raise AccountingError(
                    f"{source.name} says that it has {source.num_rows:,} rows, but {file.rows_in:,} were read",
                    code="rows-unaccounted",
                )
        if not any(part.num_rows for part in self.parts):
            filtered = sum(file.filtered for file in self.files)
            if not filtered and any(part.rejected for part in self.parts):
                raise self._limit.error(self.folder.path, self._store, self._plan.sources, self.parts)
            why = f": the query drops {filtered:,}" if filtered else ""
            raise SourceError(
                ", ".join(file.name for file in self.files), f"there are no rows{why}", code="source-empty"
            )
        refuse_rounded(self.parts, self._plan.sources, self._plan.recipe)

    @property
    def num_rows(self) -> int:
        """Rows of all parts."""
        return sum(part.num_rows for part in self.parts)

    def _tasks(self, left_behind: dict[str, int]) -> Iterator[ReadSection]:
        """The sections that are left to read. Parts of the others are taken on the way."""
        for reading in self._plan.readings(self.folder.path, self._piece_bytes):
            away = _anywhere(self._with_row_labels(settle_autumn(reading)))
            for section in reading.source.sections(self._piece_bytes):
                task = ReadSection(away, section, self.recent)
                self._sections.append((reading.number, section.number))
                # NFS remembers for a while that a file is absent: only existing ones are asked for.
                begun = part_name(reading.number, section.number, 0) in left_behind
                parts = task.left_behind() if begun else None
                if parts is None:
                    yield task
                else:
                    self._take(parts)

    def _with_row_labels(self, reading: Reading) -> Reading:
        """Write the labels of its rows where tasks find them. Raises SourceError where they are not as many."""
        if not self._plan.label_files:
            return reading
        from longstride.pipeline.ingest.sources.row_labels import LabelsOfRows, number_rows

        file = self._plan.label_files[reading.number]
        if file is None:
            return replace(reading, num_absent_labels=len(self._plan.labels_of_files))
        first = self._plan.label_files.index(file)
        path = self.folder.path / f"{first}.labels"
        if first == reading.number:  # others have the same file
            self._num_labels[first] = file.write(path)
        num_labels = self._num_labels[first]
        starts, num_rows = None, num_labels
        if not file.has_times:
            starts, num_rows = number_rows(reading.source, reading.columns, reading.recipe, reading.piece_bytes)
        if num_rows != num_labels:
            raise SourceError(
                file.source.name,
                f"it has {num_labels:,} rows of labels ({', '.join(file.names)}), and {reading.source.name} has "
                f"{num_rows:,} rows: is it of another log, or has one of them lines that are no rows? One of "
                "intervals has columns start and end",
                code="labels-format",
            )
        labels = LabelsOfRows(file.source.name, path, len(file.names), num_labels, file.has_times, starts)
        return replace(reading, row_labels=labels)

    def _take(self, parts: Sequence[Part]) -> None:
        """Count parts of one section, in order."""
        for part in parts:
            self._count(part)
            self._limit.add(part)
            section = part.source, part.section
            self._advance(part.done_bytes - self._done_of.get(section, 0))
            self._done_of[section] = part.done_bytes
            self._to_pass_on[part.place] = part
        self.parts += parts
        self._stop_at_limit()

    def _pass_on(self, pass_on: Callable[[Part], object]) -> None:
        """Pass on the parts that follow those that were, as far as they have come."""
        while self._sections:
            part = self._to_pass_on.pop((*self._sections[0], self._next_piece), None)
            if part is None:
                return
            self._next_piece += 1
            if part.last:
                self._sections.popleft()
                self._next_piece = 0
            pass_on(part)

    def _stop_at_limit(self) -> None:
        if self._limit.is_exceeded(self._done_bytes):
            raise self._limit.error(self.folder.path, self._store, self._plan.sources, self.parts)

    def _see(self, left_behind: dict[str, int]) -> None:
        """Raise SourceError unless all parts are here; count those that were not written again."""
        found = self.folder.stamps()
        for part in self.parts:
            name = part_name(*part.place)
            if name not in found:
                raise _out_of_sight(str(self.folder.path / name))
            self.num_reused += found[name] == left_behind.get(name)

    def _count(self, part: Part) -> None:
        file = self.files[part.source]
        file.rows_in += part.rows_in
        file.blank_lines += part.blank
        file.repeated_headers += part.headers
        file.filtered += part.filtered
        file.out_of_order += part.steps_back
        file.ambiguous += part.ambiguous
        file.nonexistent += part.nonexistent
        for reason, count in part.rejected.items():
            file.rejected[reason] = file.rejected.get(reason, 0) + count

    def _date_files(self) -> None:
        """Say from when to when the rows of each file are; all parts have times by now."""
        for part in self.parts:
            file = self.files[part.source]
            for span in part.spans:
                first, last = span.first_time, span.last_time
                file.first_time_ns = first if file.first_time_ns is None else min(first, file.first_time_ns)
                file.last_time_ns = last if file.last_time_ns is None else max(last, file.last_time_ns)

    def _advance(self, num_bytes: int) -> None:
        self._done_bytes += num_bytes
        self._progress(num_bytes)


def _without(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    left_out = frozenset(others)
    return tuple(name for name in names if name not in left_out)


def _anywhere(reading: Reading) -> Reading:
    """The same, for workers that have another working directory."""
    name = reading.source.name
    return replace(reading, source=reading.source.named(name if "://" in name else str(Path(name).absolute())))


def _out_of_sight(name: str) -> SourceError:
    return SourceError(
        name,
        "a worker and this process do not both see this file: was it removed? All workers of a cluster need the "
        "sources and the folder of the store on a file system that they share, under the same paths",
        code="files-not-shared",
    )
