"""Exporting rows of a store to a Parquet or Arrow file, which an ingest turns into the same store again."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.recipe import Recipe
from longstride.storage.atomic import naming
from longstride.storage.cli.keywords import typed
from longstride.storage.errors import LongstrideError, StoreError, coded
from longstride.storage.location import local_path
from longstride.storage.open import StoreOrPath, opened
from longstride.storage.series.gaps import default_max_gap
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import name_of
from longstride.storage.writing.output import check_output, output_file

__all__ = ["Exported", "export"]

WRITERS: dict[str, Callable[[Any, pa.Schema], AbstractContextManager[Any]]] = {
    "parquet": lambda file, schema: pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True),
    "arrow": lambda file, schema: pa.ipc.new_file(file, schema),
}


JOB = b"longstride_export"
"""Key of the name of the job that has written a file: of the rows of a store, all checksums and settings of it."""


class Exported(NamedTuple):
    """The files that an export has written."""

    num_rows: int
    num_bytes: int
    recipe: Path
    """The recipe by which an ingest reads the file."""
    was_there: bool = False
    """Whether this very export had been done before: nothing was done now."""


class _Run(NamedTuple):
    """Rows start:stop, all of one series (an index)."""

    start: int
    stop: int
    series: int


@coded
@typed
def export(
    store: StoreOrPath,
    out: str | os.PathLike[str],
    to: str,
    *,
    rows: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[int], object] | None = None,
) -> Exported:
    """Write `rows` start:stop (all by default) to one file, and next to it the recipe that reads it (`OUT.toml`).

    `to` is parquet or arrow. There is a column for the time (nanoseconds, UTC), the series where they have names,
    each channel and each label. Rows are taken a chunk at a time, and `progress` is called with their number. An
    export that was done is not done again. Raises LongstrideError where one of the two files exists and is another
    (`overwrite` replaces them), `rows` are not within those of the store, or rows are damaged.
    """
    out = local_path(out)
    check_output(out, overwrite=True)  # whether a file is there that may not be replaced is seen when it is known
    store = opened(store)
    if to not in WRITERS:
        raise LongstrideError(f"the file would be of kind {to!r}: expected parquet or arrow", code="option-value")
    start, stop = (0, store.num_rows) if rows is None else rows
    if not 0 <= start < stop <= store.num_rows:
        raise LongstrideError(
            f"rows {start}:{stop} are not within the {store.num_rows:,} rows of {store.name}: give rows A:B with "
            f"0 <= A < B <= {store.num_rows}",
            code="rows-outside",
        )
    recipe_path = out.with_name(f"{out.name}.toml")
    recipe = _recipe(store)
    job = name_of(store, ["export", to, start, stop])
    schema, text = _schema(store, recipe, job), recipe.as_toml().encode()
    # An export that was killed between its two renames has left the same recipe.
    is_same = recipe_path.is_file() and recipe_path.read_bytes() == text
    if is_same and not overwrite and _job_of(out, to) == job:
        return Exported(stop - start, out.stat().st_size, recipe_path, was_there=True)
    with (
        output_file(out, overwrite=overwrite) as file,
        output_file(recipe_path, overwrite=overwrite or is_same) as recipe_file,
        naming(out),  # whose rows are written here, not the recipe
    ):
        recipe_file.write(text)
        with WRITERS[to](file, schema) as writer:
            for batch in _batches(store, schema, start, stop):
                writer.write_batch(batch)
                if progress:
                    progress(len(batch))
        num_bytes = file.tell()
        file.flush()
        os.fsync(file.fileno())  # the recipe comes first, and is not to stay alone where the disk is full
    return Exported(stop - start, num_bytes, recipe_path)


def _recipe(store: SeriesStore) -> Recipe:
    """A recipe that reads the rows as they are: the steps that made them from a log are not repeated."""
    taken = {*store.channels, *store.label_names}
    time = _free("time", taken)
    before = store.attributes["recipe"]
    max_gap_ns = default_max_gap(store.cadence_ns)
    recipe = Recipe(
        time=time,
        series=None if store.series == ("",) else _free("series", {*taken, time}),
        labels=store.label_names,
        channels=store.channels,
        unit=tuple(f"{name}={unit}" for name, unit in zip(store.channels, store.units, strict=True) if unit),
        max_gap=before.get("max_gap") or (format_duration(max_gap_ns) if max_gap_ns else None),
        dtype=store.layout.dtype,  # type: ignore[arg-type]
    )
    return replace(recipe, split_on_missing=before.get("split_on_missing"))


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _job_of(out: Path, to: str) -> str | None:
    """The export that has written a whole file; None where there is no file, or one of others.

    Parquet and Arrow repeat the schema in a footer, which is written last.
    """
    try:
        schema = pq.read_schema(out) if to == "parquet" else _schema_of_arrow(out)
    except (OSError, pa.ArrowException):
        return None
    metadata: dict[bytes, bytes] = schema.metadata or {}
    return metadata.get(JOB, b"").decode("ascii", "replace")


def _schema_of_arrow(path: Path) -> pa.Schema:
    with pa.OSFile(os.fspath(path)) as opened_file, pa.ipc.open_file(opened_file) as file:
        return file.schema


def _schema(store: SeriesStore, recipe: Recipe, job: str) -> pa.Schema:
    fields = [pa.field(recipe.time, pa.timestamp("ns", "UTC"))]
    if recipe.series_column is not None:
        fields.append(pa.field(recipe.series_column, pa.dictionary(pa.int32(), pa.string())))
    values = pa.from_numpy_dtype(store.layout.dtype)
    fields += [pa.field(name, values) for name in store.channels]
    fields += [pa.field(name, pa.int8()) for name in store.label_names]
    return pa.schema(fields, {JOB: job.encode()})


def _batches(store: SeriesStore, schema: pa.Schema, start: int, stop: int) -> Iterator[pa.RecordBatch]:
    keyed = store.series != ("",)
    runs = _runs(store) if keyed else [_Run(0, store.num_rows, 0)]
    names = pa.array(store.series)
    time, values = store.checked("time"), store.checked("values")
    step = store.rows_at_a_time
    for row in range(start - start % step, stop, step):
        part = slice(max(row, start), min(row + step, stop))
        columns = [pa.array(time[part]).cast(schema.field(0).type)]
        if keyed:
            counts = [max(0, min(run.stop, part.stop) - max(run.start, part.start)) for run in runs]
            index = np.repeat(np.array([run.series for run in runs], np.int32), counts)
            columns.append(pa.DictionaryArray.from_arrays(pa.array(index), names))
        columns += [pa.array(np.ascontiguousarray(channel)) for channel in values[part].T]
        if store.label_names:
            columns += [pa.array(np.ascontiguousarray(label)) for label in store.checked("labels")[part].T]
        yield pa.record_batch(columns, schema=schema)


def _runs(store: SeriesStore) -> list[_Run]:
    """Which rows belong to which series; segments do not tell it for the rows between them."""
    runs = _runs_by_ends(store)
    return _runs_by_segments(store) if runs is None else runs


def _runs_by_ends(store: SeriesStore) -> list[_Run] | None:
    """Runs of series that follow each other and end at recorded times; None where rows were appended."""
    runs, start = [], 0
    for series, end_ns in enumerate(store.series_end_ns):
        stop = _row_of(store, end_ns, start) + 1
        runs.append(_Run(start, stop, series))
        start = stop
    edges = np.array([run.stop for run in runs], np.int64)
    found = np.searchsorted(edges, store.segments.start, side="right")
    is_so = start == store.num_rows and np.array_equal(found, store.segments.series)
    return runs if is_so else None


def _row_of(store: SeriesStore, time_ns: int, start: int) -> int:
    """First row from `start` on with this time; the number of rows where there is none."""
    time = store.checked("time")
    for row in range(start, store.num_rows, store.chunk_rows):
        found = np.flatnonzero(time[row : row + store.chunk_rows] == time_ns)
        if len(found):
            return row + int(found[0])
    return store.num_rows


def _runs_by_segments(store: SeriesStore) -> list[_Run]:
    """Rows between two segments of one series belong to it; between two series, time steps back where one ends."""
    segments = store.segments
    if len(set(segments.series.tolist())) < len(store.series):
        raise StoreError(
            f"{store.name} has rows of a series without a segment, and it is not recorded where appends have put "
            "them: make the store again with `longstride ingest --rebuild`, then export it",
            code="series-unknown",
        )
    runs: list[_Run] = []
    start = 0
    for number, (stop, series) in enumerate(zip(segments.stop.tolist(), segments.series.tolist(), strict=True)):
        last = number + 1 == len(segments)
        if last or segments.series[number + 1] != series:
            limit = store.num_rows if last else int(segments.start[number + 1])
            time = store.checked("time")[stop - 1 : limit]
            back = np.flatnonzero(time[1:] <= time[:-1])
            at_end = np.flatnonzero(time == store.series_end_ns[series]) if store.series_end_ns else back[:0]
            ends = (*back[:1], *at_end[:1], len(time) - 1)
            runs.append(_Run(start, stop + int(min(ends)), series))
            start = runs[-1].stop
    return [*runs[:-1], runs[-1]._replace(stop=store.num_rows)]
