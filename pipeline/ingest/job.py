"""Ingest, start to end: read every section into sorted parts, join them in order, write chunks, commit, report."""

import os
import shutil
import time as clock
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from storage.lock import StoreLock

from pipeline.ingest.assembly import Assembly
from pipeline.ingest.duration import format_duration
from pipeline.ingest.errors import AccountingError, RecipeError, SourceError
from pipeline.ingest.executor import Run, in_threads, on_cluster, on_processes
from pipeline.ingest.grid import default_max_gap, find_segments, usual_step
from pipeline.ingest.join import Joined, Shape, join
from pipeline.ingest.order import Bucket, plan_buckets
from pipeline.ingest.parts import Part, PartReader
from pipeline.ingest.plan import Plan, make_plan
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.reject_files import RejectLimit, collect_rejects
from pipeline.ingest.report import FileReport, IngestReport
from pipeline.ingest.report_page import write_report
from pipeline.ingest.stage import ReadSection
from storage.durable import make_directory
from storage.format import StoreLayout
from storage.writer import StoreWriter

__all__ = ["ingest"]

PIECE_BYTES = 8 * 2**20
BUCKET_BYTES = 64 * 2**20
JOB_FILE = "job.json"
READ_SHARE = 0.75
"""Of the way, when all sources are read."""


def ingest(
    sources: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    recipe: Recipe,
    *,
    workers: int | None = None,
    dask: str | None = None,
    progress: Callable[[float], object] | None = None,
    piece_bytes: int = PIECE_BYTES,
    bucket_bytes: int = BUCKET_BYTES,
) -> IngestReport:
    """Turn source files into a new store at `out`, in memory that does not grow with them.

    Sections of the sources are read by threads of this process, by `workers` local processes, or by the workers of
    the Dask scheduler at the address `dask`; the store is the same. What an interrupted ingest of the same sources
    and recipe has left is taken over. `progress` is called with bytes of the sources as they are done.

    Raises RecipeError, SourceError, RejectsError or StoreError, and then there is no store.
    """
    started = clock.perf_counter()
    plan = make_plan(sources, recipe)
    with StoreLock(Path(out)) as lock:
        job = _Job(plan, lock, progress or (lambda _: None))
        with _executor(workers, dask) as run:
            job.read(run, piece_bytes)
        return job.write(bucket_bytes, started)


def _executor(workers: int | None, dask: str | None) -> AbstractContextManager[Run[Any]]:
    if workers is not None and dask is not None:
        raise RecipeError("workers and dask contradict each other: name one of them")
    if dask is not None:
        return on_cluster(dask)
    return in_threads() if workers is None else on_processes(workers)


class _Job:
    """Counts everything on its way into the store."""

    def __init__(self, plan: Plan, lock: StoreLock, progress: Callable[[float], object]) -> None:
        self._plan = plan
        self._lock = lock
        self._progress = progress
        self._files = [
            FileReport(
                name=source.name,
                num_bytes=source.num_bytes,
                unused=columns.unused,
                absent=tuple(name for name in plan.union if name not in channels),
            )
            for source, columns, channels in zip(plan.sources, plan.columns, plan.channels, strict=True)
        ]
        self._total_bytes = sum(file.num_bytes for file in self._files)
        self._done_bytes = 0.0
        self._parts: list[Part] = []
        self._reused = 0

    def read(self, run: Run[list[Part]], piece_bytes: int) -> None:
        """Have every section read into parts; those that an interrupted job has left are taken as they are."""
        folder = self._prepared_folder(self._plan.fingerprint(piece_bytes))
        limit = RejectLimit(self._plan.recipe, self._total_bytes)
        for parts in self._taken_over(run, folder, piece_bytes):
            for part in parts:
                self._count(part)
                limit.add(part)
            self._parts += parts
            if limit.is_exceeded(self._done_bytes / READ_SHARE):
                raise limit.error(folder, self._lock.path, self._files, self._parts)
        for number, source in enumerate(self._plan.sources):
            file = self._files[number]
            file.crc = source.crc
            if source.num_rows is not None and source.num_rows != file.rows_in:
                raise AccountingError(
                    f"{source.name} says that it has {source.num_rows:,} rows, but {file.rows_in:,} were read"
                )
        self._advance_to(READ_SHARE * self._total_bytes)
        self._parts.sort(key=lambda part: (part.source, part.section, part.piece))
        if limit.is_exceeded(self._total_bytes):
            raise limit.error(folder, self._lock.path, self._files, self._parts)
        self._refuse_counters()

    def _taken_over(self, run: Run[list[Part]], folder: Path, piece_bytes: int) -> Iterator[list[Part]]:
        """Parts of each section, in any order."""
        left_behind: list[list[Part]] = []
        sizes: dict[tuple[int, int], float] = {}

        def tasks() -> Iterator[ReadSection]:
            for reading in self._plan.readings(folder, piece_bytes):
                for section in reading.source.sections(piece_bytes):
                    task = ReadSection(reading, section)
                    sizes[reading.number, section.number] = section.num_bytes
                    parts = task.left_behind()
                    if parts is None:
                        yield task
                    else:
                        self._reused += len(parts)
                        left_behind.append(parts)

        def all_parts() -> Iterator[list[Part]]:
            for parts in run(tasks()):
                yield parts
                while left_behind:
                    yield left_behind.pop()
            yield from left_behind

        for parts in all_parts():
            if parts:
                self._advance(READ_SHARE * sizes[parts[0].source, parts[0].section])
            yield parts

    def _prepared_folder(self, fingerprint: str) -> Path:
        """The folder for parts, empty unless this very job has begun to fill it."""
        folder = self._lock.staged
        job = folder / JOB_FILE
        if not (job.is_file() and job.read_text() == fingerprint):
            shutil.rmtree(folder, ignore_errors=True)
            make_directory(folder)
            job.write_text(fingerprint)
        return folder

    def _count(self, part: Part) -> None:
        file = self._files[part.source]
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
        measurements = {name for part in self._parts for name in part.measurements}
        for part in self._parts:
            for name, (line, value) in part.rounded.items():
                if name not in measurements:
                    source = self._plan.sources[part.source]
                    raise SourceError(
                        source.name, rounding(name, value, self._plan.recipe), place=f"{source.line} {line}"
                    )

    def write(self, bucket_bytes: int, started: float) -> IngestReport:
        """Join the parts in order, write the store, and commit it. `started` is the clock when the job began."""
        plan, recipe = self._plan, self._plan.recipe
        sensors = None
        if recipe.pivot is not None:
            sensors = sorted({name for part in self._parts for name in part.sensors or ()})
        channels = plan.store_channels(sensors)
        plan.check_settings(channels)
        if not any(part.num_rows for part in self._parts):
            raise SourceError(", ".join(file.name for file in self._files), "there are no rows")
        layout = StoreLayout(
            channels=tuple(channel.name for channel in channels),
            units=tuple(recipe.unit_of(channel.name, channel.column) for channel in channels),
            labels=recipe.labels,
            dtype=recipe.dtype,
        )
        with StoreWriter(self._lock, layout) as writer:
            assembly = Assembly(writer, channels, recipe, len(plan.sources))
            self._assemble(assembly, plan.shape(sensors), bucket_bytes)
            return self._commit(writer, assembly, started)

    def _assemble(self, assembly: Assembly, shape: Shape, bucket_bytes: int) -> None:
        readers = [PartReader(self._lock.staged, part) for part in self._parts]
        num_rows = sum(part.num_rows for part in self._parts)
        row_bytes = sum(dtype.itemsize * width for dtype, width in self._parts[0].blocks.values())
        width = shape.num_columns * len(shape.sensors or ("",)) * np.dtype(self._parts[0].dtype).itemsize
        bucket_rows = max(1, bucket_bytes // max(row_bytes, width))
        series: str | None = None
        share = (1 - READ_SHARE) * self._total_bytes / num_rows
        for bucket, joined in self._joined(readers, shape, bucket_rows):
            if bucket.series != series:
                series = bucket.series
                assembly.begin_series(series)
            assembly.add(joined)
            if bucket.ends_series:
                assembly.end_series()
            self._advance(share * sum(part.stop - part.start for part in bucket.slices))
        self._advance_to(self._total_bytes)

    def _joined(
        self, readers: Sequence[PartReader], shape: Shape, bucket_rows: int
    ) -> Iterator[tuple[Bucket, Joined]]:
        """Each bucket joined, the next one in the background."""
        recipe = self._plan.recipe
        with ThreadPoolExecutor(1, thread_name_prefix="longstride-joiner") as pool:
            before = None
            for bucket in plan_buckets(readers, bucket_rows, recipe.every_ns):
                task = bucket, pool.submit(join, bucket, shape, recipe.duplicates)
                if before is not None:
                    yield before[0], before[1].result()
                before = task
            if before is not None:
                yield before[0], before[1].result()

    def _commit(self, writer: StoreWriter, assembly: Assembly, started: float) -> IngestReport:
        """Cut segments, make sure that no row is lost, and commit."""
        self._check_accounts(writer, assembly)
        plan, recipe = self._plan, self._plan.recipe
        step_ns = recipe.every_ns or usual_step(writer.written_times(), writer.num_rows, assembly.series_start)
        max_gap_ns = recipe.max_gap_ns or default_max_gap(step_ns)
        missing = assembly.missing.found() if assembly.missing else np.empty((0, 2), np.int64)
        segments = find_segments(writer.written_times(), assembly.series_start, max_gap_ns, missing)
        resolved = replace(
            recipe,
            channels=recipe.channels if recipe.sql else plan.union,
            exclude=recipe.exclude if recipe.sql else (),
            max_gap=format_duration(max_gap_ns) if max_gap_ns else None,
        )
        writer.commit(
            segments,
            tuple(assembly.series),
            cadence_ns=step_ns,
            sources=[file.as_json() for file in self._files],
            recipe=resolved.as_json(),
            series_end_ns=assembly.series_end_ns,
        )
        generation = 1
        report = IngestReport(
            store=os.fspath(writer.path),
            generation=generation,
            files=tuple(self._files),
            num_rows=writer.num_rows,
            num_channels=len(writer.layout.channels),
            num_series=len(assembly.series),
            num_segments=len(segments),
            rows_in_segments=int((segments.stop - segments.start).sum()),
            rows_added=assembly.steps.num_added if assembly.steps else 0,
            values_filled=assembly.fill.num_filled if assembly.fill else 0,
            counter_wraps=assembly.rates.num_wraps if assembly.rates else 0,
            counter_resets=assembly.rates.num_resets if assembly.rates else 0,
            cadence=format_duration(step_ns),
            max_gap=format_duration(max_gap_ns),
            seconds=clock.perf_counter() - started,
            parts_reused=self._reused,
            rejects=collect_rejects(self._lock.staged, writer.path, generation, self._files, self._parts),
        )
        write_report(report)
        return report

    def _check_accounts(self, writer: StoreWriter, assembly: Assembly) -> None:
        for number, file in enumerate(self._files):
            file.rows_out = int(assembly.rows_out[number])
            file.merged = int(assembly.merged[number])
            file.deduplicated = int(assembly.repeated[number])
            if not file.is_balanced:
                raise AccountingError(
                    f"{file.name} has {file.rows_in:,} rows, but they became {file.told()}: nothing was committed. "
                    "This is a fault of Longstride, please report it"
                )
        added = assembly.steps.num_added if assembly.steps else 0
        total = sum(file.rows_out for file in self._files) + added
        if total != writer.num_rows:
            raise AccountingError(f"{total:,} rows came through, but {writer.num_rows:,} were written")

    def _advance(self, num_bytes: float) -> None:
        self._done_bytes += num_bytes
        self._progress(num_bytes)

    def _advance_to(self, num_bytes: float) -> None:
        self._advance(num_bytes - self._done_bytes)


def rounding(name: str, value: str, recipe: Recipe) -> str:
    """What is wrong with a whole number that the store would round, and what to do."""
    limit = 2**53 if name in recipe.rate or recipe.dtype == "float64" else 2**24
    ways = [f'subtract an offset (--sql \'SELECT * REPLACE ("{name}" - {value} AS "{name}") FROM rows\')']
    if name not in recipe.rate:
        ways.append(f"store its increase a second (--rate {name!r})")
    if limit < 2**53:
        ways.append("keep it with --dtype float64")
    return (
        f"column {name!r} is {value}, a whole number that would be rounded (it is exact up to {limit:,}): "
        f"{', '.join(ways[::-1])}, or leave the column out with --exclude {name!r}"
    )
