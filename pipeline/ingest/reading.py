"""The first stage: every section of every source read into parts, by whoever runs the tasks."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.ingest.errors import AccountingError, SourceError
from pipeline.ingest.executor import Run
from pipeline.ingest.parts import Part
from pipeline.ingest.plan import Plan
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.reject_files import RejectLimit
from pipeline.ingest.report import FileReport
from pipeline.ingest.stage import LARGEST_EXACT, ReadSection
from storage.durable import make_directory
from storage.lock import StoreLock

__all__ = ["ReadSources"]

JOB_FILE = "job.json"


class ReadSources:
    """Reads the sources of a plan, and counts what they hold."""

    def __init__(self, plan: Plan, lock: StoreLock, progress: Callable[[float], object]) -> None:
        self._plan = plan
        self._lock = lock
        self._progress = progress
        self._total_bytes = sum(source.num_bytes for source in plan.sources)
        self._done_bytes = 0
        self.files = [
            FileReport(
                name=source.name,
                num_bytes=source.num_bytes,
                unused=columns.unused,
                absent=tuple(name for name in plan.union if name not in channels),
            )
            for source, columns, channels in zip(plan.sources, plan.columns, plan.channels, strict=True)
        ]
        self.parts: list[Part] = []
        """In the order of sources and lines."""
        self.num_reused = 0
        """Parts that an interrupted job had left."""

    def run(self, run: Run[Any], piece_bytes: int) -> None:
        """Have every section read into parts; those that an interrupted job has left are taken as they are.

        Raises SourceError, and RejectsError where too many rows cannot be read.
        """
        folder = self._prepared_folder(self._plan.fingerprint(piece_bytes))
        limit = RejectLimit(self._plan.recipe, self._total_bytes)
        for parts in self._parts_of_sections(run, folder, piece_bytes):
            for part in parts:
                self._count(part)
                limit.add(part)
            self.parts += parts
            if limit.is_exceeded(self._done_bytes):
                raise limit.error(folder, self._lock.path, self._plan.sources, self.parts)
        self._advance(self._total_bytes - self._done_bytes)
        self.parts.sort(key=lambda part: (part.source, part.section, part.piece))
        if limit.is_exceeded(self._total_bytes):
            raise limit.error(folder, self._lock.path, self._plan.sources, self.parts)
        for source, file in zip(self._plan.sources, self.files, strict=True):
            file.crc = source.crc
            if source.num_rows is not None and source.num_rows != file.rows_in:
                raise AccountingError(
                    f"{source.name} says that it has {source.num_rows:,} rows, but {file.rows_in:,} were read"
                )
        if not any(part.num_rows for part in self.parts):
            raise SourceError(", ".join(file.name for file in self.files), "there are no rows")
        self._refuse_counters()

    def _prepared_folder(self, fingerprint: str) -> Path:
        """The folder for parts, empty unless this very job has begun to fill it."""
        folder = self._lock.staged
        job = folder / JOB_FILE
        if not (job.is_file() and job.read_text() == fingerprint):
            shutil.rmtree(folder, ignore_errors=True)
            make_directory(folder)
            job.write_text(fingerprint)
        return folder

    def _parts_of_sections(self, run: Run[Any], folder: Path, piece_bytes: int) -> Iterator[list[Part]]:
        """Parts of each section, in any order."""
        num_bytes: dict[tuple[int, int], int] = {}
        left_behind: list[list[Part]] = []

        def tasks() -> Iterator[ReadSection]:
            for reading in self._plan.readings(folder, piece_bytes):
                for section in reading.source.sections(piece_bytes):
                    num_bytes[reading.number, section.number] = section.num_bytes
                    task = ReadSection(reading, section)
                    parts = task.left_behind()
                    if parts is None:
                        yield task
                    else:
                        left_behind.append(parts)

        def found() -> Iterator[list[Part]]:
            for parts in run(tasks()):
                yield parts
                while left_behind:
                    yield taken_over()
            while left_behind:
                yield taken_over()

        def taken_over() -> list[Part]:
            self.num_reused += len(left_behind[-1])
            return left_behind.pop()

        for parts in found():
            if parts:
                self._advance(num_bytes[parts[0].source, parts[0].section])
            yield parts

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
        for run in part.runs:
            first, last = run.first_time, run.last_time
            file.first_time_ns = first if file.first_time_ns is None else min(first, file.first_time_ns)
            file.last_time_ns = last if file.last_time_ns is None else max(last, file.last_time_ns)

    def _refuse_counters(self) -> None:
        """Raise SourceError for a channel of whole numbers that the store would round."""
        measurements = {name for part in self.parts for name in part.measurements}
        for part in self.parts:
            for name, (line, value) in part.rounded.items():
                if name not in measurements:
                    source = self._plan.sources[part.source]
                    message = _rounding(name, value, self._plan.recipe)
                    raise SourceError(source.name, message, place=f"{source.line} {line}")

    def _advance(self, num_bytes: int) -> None:
        self._done_bytes += num_bytes
        self._progress(num_bytes)


def _rounding(name: str, value: str, recipe: Recipe) -> str:
    """What is wrong with a whole number that the store would round, and what to do."""
    limit = LARGEST_EXACT["float64" if name in recipe.rate else recipe.dtype]
    remedies = [f"leave the column out with --exclude {name!r}"]
    remedies.insert(
        0, f'subtract an offset (--sql \'SELECT * REPLACE ("{name}" - {value} AS "{name}") FROM rows\')'
    )
    if name not in recipe.rate:
        remedies.insert(0, f"store its increase a second (--rate {name!r})")
    if limit == LARGEST_EXACT["float32"]:
        remedies.insert(0, "keep it with --dtype float64")
    return (
        f"column {name!r} is {value}, a whole number that would be rounded (it is exact up to {limit:,}): "
        f"{', '.join(remedies[:-1])}, or {remedies[-1]}"
    )
