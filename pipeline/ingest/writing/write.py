"""The second stage: parts joined in order, written as chunks, cut into segments, committed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.append import End, columns_before
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.errors import AccountingError
from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.report import FileReport, IngestReport
from longstride.pipeline.ingest.staging.part_file import Part, PartReader, steps_back_between
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.pipeline.ingest.writing.buckets import Bucket, plan_buckets
from longstride.pipeline.ingest.writing.merge import Joined, Shape, join
from longstride.pipeline.ingest.writing.row_rules import Assembly
from longstride.pipeline.ingest.writing.segments import default_max_gap, find_segments, usual_step
from longstride.storage.format import StoreLayout
from longstride.storage.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter

__all__ = ["sensors_of", "write_store"]


def write_store(
    plan: Plan,
    read: ReadSources,
    lock: StoreLock,
    *,
    before: SeriesStore | None,
    generation: int,
    sensors: Sequence[str] | None,
    bucket_bytes: int,
    progress: Callable[[float], object],
    publish: Callable[[IngestReport], IngestReport],
) -> IngestReport:
    """Write all rows that were read, after those of the store `before` where there is one, and commit.

    A new store begins with `generation`. `sensors` are the names that a pivot makes channels of. `publish`
    completes the report, and puts on disk what must not be missing beside a store: it is called right before the
    commit. Raises SourceError for repeated times that are errors, and AccountingError rather than losing a row.
    """
    recipe = plan.recipe
    end = None
    if before is not None:
        plan = replace(plan, union=columns_before(before, plan.union, pivot=recipe.pivot is not None))
        first_series = min(run.series for part in read.parts for run in part.runs)
        end = End.of(before, first_series, look_for_missing=recipe.split_on_missing is not None)
    channels = plan.store_channels(sensors)
    plan.check_settings(channels)
    layout = StoreLayout(
        channels=tuple(channel.name for channel in channels),
        units=tuple(recipe.unit_of(channel.name, channel.column) for channel in channels),
        labels=recipe.labels,
        dtype=recipe.dtype,
    )
    new = before is None
    with StoreWriter(lock, layout, generation=generation) if new else StoreWriter.appending(lock) as writer:
        assert writer.layout.channels == layout.channels
        assembly = Assembly(writer, channels, recipe, len(plan.sources))
        if end is not None:
            assembly.go_on(end.last_time, end.missing_rows())
        _assemble(plan, read, assembly, plan.shape(sensors), bucket_bytes, progress)
        for number, steps_back in steps_back_between(read.parts).items():
            read.files[number].out_of_order += steps_back
        _check_accounts(read.files, writer, assembly)
        return _commit(plan, read, writer, assembly, before, end, publish)


def sensors_of(parts: Sequence[Part]) -> list[str]:
    """All sensors that rows are of, in alphabetical order."""
    return sorted({name for part in parts for name in part.sensors or ()})


def _assemble(
    plan: Plan,
    read: ReadSources,
    assembly: Assembly,
    shape: Shape,
    bucket_bytes: int,
    progress: Callable[[float], object],
) -> None:
    parts = read.parts
    readers = [PartReader(read.folder.path, part) for part in parts]
    read_bytes = max(sum(dtype.itemsize * width for dtype, width in part.blocks.values()) for part in parts)
    wide_bytes = shape.num_channels * np.dtype(parts[0].dtype).itemsize
    bucket_rows = max(1, bucket_bytes // max(read_bytes, wide_bytes))
    num_rows = sum(part.num_rows for part in parts)
    series: str | None = None
    for bucket, joined in _joined(plan, readers, shape, bucket_rows):
        if bucket.series != series:
            series = bucket.series
            assembly.begin_series(series)
        assembly.add(joined)
        if bucket.ends_series:
            assembly.end_series()
        progress(sum(part.stop - part.start for part in bucket.slices) / num_rows)


def _joined(
    plan: Plan, readers: Sequence[PartReader], shape: Shape, bucket_rows: int
) -> Iterator[tuple[Bucket, Joined]]:
    """Each bucket joined, the next one in the background."""
    recipe = plan.recipe
    with ThreadPoolExecutor(1, thread_name_prefix="longstride-joiner") as pool:
        before = None
        for bucket in plan_buckets(readers, bucket_rows, recipe.every_ns):
            task = bucket, pool.submit(join, bucket, shape, recipe.duplicates)
            if before is not None:
                yield before[0], before[1].result()
            before = task
        if before is not None:
            yield before[0], before[1].result()


def _check_accounts(files: Sequence[FileReport], writer: StoreWriter, assembly: Assembly) -> None:
    """Raise AccountingError unless every row that came in is accounted for."""
    for number, file in enumerate(files):
        file.rows_out = int(assembly.rows_out[number])
        file.merged = int(assembly.merged[number])
        file.deduplicated = int(assembly.repeated[number])
        if not file.is_balanced:
            raise AccountingError(
                f"{file.name} has {file.rows_in:,} rows, but they became {file.told()}: nothing was committed. "
                "This is a fault of Longstride, please report it",
                code="rows-unaccounted",
            )
    total = sum(file.rows_out for file in files) + assembly.num_added
    written = writer.num_rows - writer.first_new_row
    if total != written:
        raise AccountingError(
            f"{total:,} rows came through, but {written:,} were written", code="rows-unaccounted"
        )


def _commit(
    plan: Plan,
    read: ReadSources,
    writer: StoreWriter,
    assembly: Assembly,
    before: SeriesStore | None,
    end: End | None,
    publish: Callable[[IngestReport], IngestReport],
) -> IngestReport:
    recipe = plan.recipe
    step_ns = recipe.every_ns or _usual_step(writer, assembly, before, end)
    max_gap_ns = recipe.max_gap_ns or default_max_gap(step_ns)
    missing = assembly.missing.found() if assembly.missing else np.empty((0, 2), np.int64)
    first = writer.first_new_row if end is None else end.start
    starts = [row - first for row in assembly.series_start]
    if end is not None:
        starts[0] = 0
    segments = find_segments(writer.written_times(first), starts, max_gap_ns, missing)
    series, ends = tuple(assembly.series), list(assembly.series_end_ns)
    sources = [file.as_json() for file in read.files]
    if before is not None:
        next_time_ns = int(before.time[first]) if first < before.num_rows else assembly.series_begin_ns[0]
        segments = _after(before, segments, series, first, end, next_time_ns, max_gap_ns)
        last = {
            **dict(zip(before.series, before.series_end_ns, strict=True)),
            **dict(zip(series, ends, strict=True)),
        }
        series, ends = tuple(last), list(last.values())
        sources = [*before.attributes["sources"], *sources]
    resolved = replace(
        recipe,
        channels=recipe.channels if recipe.sql else plan.union,
        exclude=recipe.exclude if recipe.sql else (),
        max_gap=format_duration(max_gap_ns) if max_gap_ns else None,
    )
    report = IngestReport(
        store=str(writer.path),
        generation=writer.generation,
        files=tuple(read.files),
        num_rows=writer.num_rows,
        num_channels=len(writer.layout.channels),
        num_series=len(series),
        num_segments=len(segments),
        rows_in_segments=int((segments.stop - segments.start).sum()),
        rows_added=assembly.num_added,
        values_filled=assembly.fill.num_filled if assembly.fill else 0,
        counter_wraps=assembly.rates.num_wraps if assembly.rates else 0,
        counter_resets=assembly.rates.num_resets if assembly.rates else 0,
        cadence=format_duration(step_ns),
        max_gap=format_duration(max_gap_ns),
        parts_reused=read.num_reused,
    )
    report = publish(report)
    writer.commit(
        segments, series, cadence_ns=step_ns, series_end_ns=ends, sources=sources, recipe=resolved.as_json()
    )
    return report


def _usual_step(writer: StoreWriter, assembly: Assembly, before: SeriesStore | None, end: End | None) -> int:
    """The usual step in nanoseconds: that of the first commit, unless none of its series had two rows."""
    if before is None:
        return usual_step(writer.written_times(), writer.num_rows, assembly.series_start)
    starts = [*range(before.num_rows if not before.cadence_ns else 0), *assembly.series_start[end is not None :]]
    return before.cadence_ns or usual_step(writer.written_times(), writer.num_rows, starts)


def _after(
    before: SeriesStore,
    segments: Segments,
    series: tuple[str, ...],
    first: int,
    end: End | None,
    next_time_ns: int,
    max_gap_ns: int,
) -> Segments:
    """Segments of a store up to row `first`, and those that were found from there on in rows of `series`."""
    whole = before.segments.start < first
    old = Segments(
        before.segments.start[whole], before.segments.stop[whole].clip(max=first), before.segments.series[whole]
    )
    names = tuple(dict.fromkeys((*before.series, *series)))
    index = np.array([names.index(name) for name in series], np.int64)
    new = Segments(segments.start + first, segments.stop + first, index[segments.series])
    goes_on = end is not None and end.joins_up(old, next_time_ns, max_gap_ns)
    # A long missing run at the beginning leaves nothing to join up with.
    if goes_on and len(new) and new.start[0] == first:
        old = Segments(old.start, np.append(old.stop[:-1], new.stop[0]), old.series)
        new = Segments(new.start[1:], new.stop[1:], new.series[1:])
    joined: list[NDArray[np.int64]] = [
        np.concatenate([getattr(part, name) for part in (old, new)]) for name in ("start", "stop", "series")
    ]
    return Segments(*joined)
