"""The second stage: parts merged in order, written as chunks, cut into segments, committed."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from longstride.pipeline.ingest.channel_map import Shape
from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.errors import AccountingError
from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.report import FileReport, IngestReport
from longstride.pipeline.ingest.report_page.overview import Overview
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.staging.clocks.row_clock import RowClock
from longstride.pipeline.ingest.staging.last_line import ends_within_line
from longstride.pipeline.ingest.staging.left_out import told_of_left_out
from longstride.pipeline.ingest.staging.part_file import Part, PartReader, steps_back_between
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.pipeline.ingest.writing.ahead import WriteAhead
from longstride.pipeline.ingest.writing.buckets import Bucket, plan_buckets
from longstride.pipeline.ingest.writing.extremes import far_values
from longstride.pipeline.ingest.writing.memory import refuse_large
from longstride.pipeline.ingest.writing.merge import MergedRows, merge_bucket
from longstride.pipeline.ingest.writing.overview import overview_of
from longstride.pipeline.ingest.writing.row_rules import RowRules
from longstride.pipeline.ingest.writing.spread import refuse_unknown_order
from longstride.pipeline.ingest.writing.stored_rows import StoredRows
from longstride.pipeline.ingest.writing.target import Contents, NewStore
from longstride.storage.series.gaps import default_max_gap, find_segments
from longstride.storage.text import counted
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter

__all__ = ["sensors_of", "write_store"]

THREADS = 2
"""Buckets merged at the same time."""


def write_store(
    plan: Plan,
    read: ReadSources,
    lock: StoreLock,
    *,
    ahead: WriteAhead,
    target: NewStore,
    sensors: Sequence[str] | None,
    bucket_bytes: int,
    progress: Callable[[float], object],
    publish: Callable[[IngestReport, Overview], IngestReport],
) -> IngestReport:
    """Write all rows that were read into `target`, unless they were written `ahead`, and commit.

    `sensors` are the names that a pivot makes channels of. `publish` completes the report, and puts on disk what
    must not be missing next to a store: it is called right before the commit. Raises SourceError for repeated
    times that are errors, and AccountingError rather than losing a row.
    """
    if plan.recipe.duplicates == "spread":
        refuse_unknown_order(read.parts, plan.sources, read.folder.path)
    if (rows := ahead.finish(read.parts)) is not None:
        return _commit(plan, read, rows, target, publish)
    with StoredRows(plan, lock, target, sensors) as rows:
        for bucket, merged in _merged(plan, read, rows.shape, bucket_bytes):
            rows.add(bucket, merged)
            progress(sum(part.stop - part.start for part in bucket.slices) / read.num_rows)
        return _commit(plan, read, rows, target, publish)


def sensors_of(parts: Sequence[Part]) -> list[str]:
    """All sensors that rows are of, in alphabetical order."""
    return sorted({name for part in parts for name in part.sensors or ()})


def _merged(plan: Plan, read: ReadSources, shape: Shape, bucket_bytes: int) -> Iterator[tuple[Bucket, MergedRows]]:
    """Each bucket merged, the next ones in the background."""
    recipe, parts = plan.recipe, read.parts
    readers = [PartReader(read.folder.path, part, RowClock.of(recipe)) for part in parts]
    row_bytes = max(part.row_bytes for part in parts)
    wide_bytes = shape.num_channels * np.dtype(parts[0].dtype).itemsize
    bucket_rows = max(1, bucket_bytes // THREADS // max(row_bytes, wide_bytes))
    pending: deque[tuple[Bucket, Future[MergedRows]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-merger") as pool:
        for bucket in plan_buckets(readers, bucket_rows, recipe.grid_ns):
            refuse_large(bucket, row_bytes, shape.names, every=recipe.every if recipe.grid_ns else None)
            pending.append((bucket, pool.submit(merge_bucket, bucket, shape, recipe.duplicates)))
            if len(pending) > THREADS:
                first, merged = pending.popleft()
                yield first, merged.result()
        for first, merged in pending:
            yield first, merged.result()


def _check_accounts(files: Sequence[FileReport], writer: StoreWriter, rules: RowRules) -> None:
    """Raise AccountingError unless every row that came in is accounted for."""
    for number, file in enumerate(files):
        file.rows_out = int(rules.rows_out[number])
        file.merged = int(rules.merged[number])
        file.deduplicated = int(rules.repeated[number])
        file.differing = int(rules.differing.by_source[number])
        if not file.is_balanced:
            raise AccountingError(
                f"{file.name} has {file.rows_in:,} rows, but they became {file.in_words()}: nothing was "
                "committed. This is a fault of Longstride, please report it",
                code="rows-unaccounted",
            )
    total = sum(file.rows_out for file in files) + rules.num_added
    written = writer.num_rows - writer.first_new_row
    if total != written:
        raise AccountingError(
            f"{total:,} rows came through, but {written:,} were written", code="rows-unaccounted"
        )


def _commit(
    plan: Plan,
    read: ReadSources,
    rows: StoredRows,
    target: NewStore,
    publish: Callable[[IngestReport, Overview], IngestReport],
) -> IngestReport:
    recipe, writer, rules = plan.recipe, rows.writer, rows.rules
    rules.refuse_differing()
    for number, steps_back in steps_back_between(read.parts).items():
        read.files[number].out_of_order += steps_back
    _check_accounts(read.files, writer, rules)
    step_ns = recipe.grid_ns or target.usual_step(writer, rules.series_start)
    max_gap_ns = recipe.max_gap_ns or default_max_gap(step_ns)
    missing = rules.missing.found() if rules.missing else np.empty((0, 2), np.int64)
    starts = [row - target.first_row for row in rules.series_start]
    found = Contents(
        segments=find_segments(writer.written_times(target.first_row), starts, max_gap_ns, missing),
        series=tuple(rules.series),
        series_end_ns=rules.series_end_ns,
        sources=[
            {**file.as_json(), "path": source.path} for file, source in zip(read.files, plan.sources, strict=True)
        ],
    )
    whole = target.complete(found, rules.series_begin_ns[0], max_gap_ns)
    report = IngestReport(
        store=str(writer.path),
        generation=writer.generation,
        files=tuple(read.files),
        num_rows=writer.num_rows,
        num_channels=len(writer.layout.channels),
        num_series=len(whole.series),
        num_segments=len(whole.segments),
        rows_in_segments=int((whole.segments.stop - whole.segments.start).sum()),
        rows_added=rules.num_added,
        values_filled=rules.fill.num_filled if rules.fill else 0,
        counter_wraps=rules.rates.num_wraps if rules.rates else 0,
        counter_resets=rules.rates.num_resets if rules.rates else 0,
        cadence=format_duration(step_ns),
        max_gap=format_duration(max_gap_ns),
        parts_reused=read.num_reused,
        look_at=tuple(_told(plan, read, writer, rules, is_new=target.first_row == 0)),
    )
    report = publish(report, overview_of(writer, whole.segments))
    writer.commit(
        whole.segments,
        whole.series,
        cadence_ns=step_ns,
        series_end_ns=whole.series_end_ns,
        sources=whole.sources,
        recipe=plan.resolved_recipe(max_gap_ns).as_json(),
    )
    return report


def _told(plan: Plan, read: ReadSources, writer: StoreWriter, rules: RowRules, *, is_new: bool) -> Iterator[str]:
    """What the whole files show."""
    recipe = plan.recipe
    if rules.spread and rules.spread.num_rows:
        yield (
            f"{counted(rules.spread.num_rows, 'row')} of a time that was before got a time of its own, until the "
            f"next one and within {recipe.spread_over}, evenly spread in the order of the file"
        )
    yield from told_of_left_out(read.parts, recipe.exclude)
    channels = writer.layout.channels
    # What is computed has other values than the log, and a pivot makes channels of rows.
    is_plain = not (recipe.sql or recipe.pivot or recipe.grid_ns)
    for far in far_values(writer):
        name = channels[far.channel]
        has_null = is_plain and name not in recipe.rate
        yield far.told(name, toml(f"{name}={far.value:.7g}") if has_null else None)
    if plan.intervals is not None and is_new:  # later, most are of rows that are there already
        yield from plan.intervals.told_of_unmatched({number for part in read.parts for number in part.matched})
    if without := [
        file.name for labels, file in zip(plan.label_files, read.files, strict=False) if labels is None
    ]:
        yield f"{listed(without)}: no file of labels; {listed(plan.labels_of_files)} is 0 in all rows"
    for source, columns, file in zip(plan.sources, plan.columns, read.files, strict=True):
        if columns.absent_is_zero and recipe.sql is None and columns.absent_labels:
            yield f"{file.name} has no column {listed(columns.absent_labels)}: labels are 0 in its rows"
        if columns.absent_is_zero and columns.lacking:
            yield f"{file.name} has no column {listed([*columns.lacking])}: labels made of it are 0 in its rows"
        if file.rows_in > 1 and ends_within_line(source):
            yield f"{file.name} does not end with a line break: its last value may be cut off"
