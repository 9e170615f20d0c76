"""The file of scores: Parquet, written by all ranks, complete or absent."""

import glob
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from longstride.storage.atomic import naming
from longstride.storage.series.data import SeriesData
from longstride.storage.writing.output import output_file
from longstride.trainer.scoring.rows.ranges import Ranges, all_rows, rows_at
from longstride.trainer.scoring.score_reader import ABOUT, SEAL, batches_of, seal

if TYPE_CHECKING:
    from longstride.trainer.engine.distributed import Ranks

__all__ = ["ScoreFile", "series_of_rows", "table_bytes"]

GROUP_ROWS = 2**16
"""Rows of a row group: the same scores are the same bytes, whoever has written them and in which parts."""


def table_bytes(lines: list[dict[str, Any]], kind: type[Any]) -> bytes:
    """A Parquet file with a line for each of several dicts, of the fields of a dataclass of texts and numbers."""
    types: dict[Any, pa.DataType] = {int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(field.name, types.get(field.type, pa.string())) for field in fields(kind)])
    data = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(lines, schema=schema), data, write_page_checksum=True)
    return bytes(data.getvalue())


def series_of_rows(store: SeriesData, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the series of some rows; -1 where a row lies in no segment, between those of two series."""
    segments = store.segments
    outside = [0 if len(store.series) == 1 else -1]
    numbers = np.concatenate([segments.series, outside])  # the last is found by -1 and by S
    before = numbers[np.searchsorted(segments.start, at, side="right") - 1]
    after = numbers[np.searchsorted(segments.stop, at, side="right")]
    return np.where(before == after, before, -1)


class ScoreFile:
    """Each rank writes rows of its own, in order; then rank 0 puts them together."""

    def __init__(
        self,
        path: Path,
        ranks: "Ranks",
        store: SeriesData,
        channels: tuple[str, ...],
        *,
        rows: Ranges | None = None,
        raw: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Nothing is written yet; with `overwrite`, a file may be there that is replaced.

        `rows` are those that it will have, by default all. With `raw`, there is a second column for each channel.
        """
        self.path = Path(os.path.realpath(path))
        self.about: dict[str, Any] = {}
        """Kept in the metadata of the file: to be set before its end."""
        self.num_kept = 0
        """So many first rows stay as they are in the file that is replaced."""
        self._rows = all_rows(store.num_rows) if rows is None else rows
        self._overwrite = overwrite
        self._ranks = ranks
        self._store = store
        self._schema = pa.schema(
            [
                ("time", pa.timestamp("ns", "UTC")),
                ("series", pa.dictionary(pa.int32(), pa.string())),
                ("score", pa.float64()),
                ("alarm", pa.bool_()),
                *((f"error.{name}", pa.float32()) for name in channels),
                *((f"raw.{name}", pa.float32()) for name in channels if raw),
            ]
        )
        self._held = ExitStack()
        """Only rank 0 enters it: its end is the rename."""
        self._leave = ExitStack()

    def __enter__(self) -> "ScoreFile":
        """Hold the file. Raises, on every rank, LongstrideError as `output_file`."""
        with ExitStack() as stack:
            stack.push(self._leave)
            self._leave.push(self._held)
            self._ranks.on_first(self._hold)
            self._ranks.together(self._open_part)
            stack.pop_all()
        return self

    def write(
        self, first: int, scores: NDArray[np.float64], alarms: NDArray[np.bool_], *errors: NDArray[np.float64]
    ) -> None:
        """Scores and alarms (rows,) of the rows from `first` on, and errors (rows, N), raw ones if asked for."""
        stop = first + len(scores)
        rows, time = np.arange(first, stop), self._store.checked("time")[first:stop]
        columns = [
            pa.array(np.asarray(time), pa.timestamp("ns", "UTC")),
            self._series_column(rows),
            pa.array(scores),
            pa.array(alarms, mask=np.isnan(scores)),
            *(pa.array(column.astype(np.float32)) for part in errors for column in part.T),
        ]
        with naming(self._part(self._ranks.rank)):
            self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._leave.__exit__(kind, error, trace)
            return
        with self._leave:
            self._ranks.together(self._close_part)
            self._ranks.on_first(self._put_together)

    def _hold(self) -> None:
        self._file = self._held.enter_context(output_file(self.path, overwrite=self._overwrite))
        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.part-*"):
            left.unlink()

    def _open_part(self) -> None:
        part = self._part(self._ranks.rank)
        self._part_file = self._leave.enter_context(open(part, "wb"))  # noqa: SIM115
        self._writer = _writer(self._part_file, self._schema)
        self._leave.push(self._abandon)

    def _abandon(self, kind: object, error: BaseException | None, trace: object) -> None:
        """After an error, remove the part; to close the writer meets the error again where the disk is full."""
        if error is not None:
            self._part(self._ranks.rank).unlink(missing_ok=True)
            with suppress(OSError):
                self._writer.close()

    def _close_part(self) -> None:
        with naming(self._part(self._ranks.rank)):
            self._writer.close()
            self._part_file.flush()

    def _put_together(self) -> None:
        told = json.dumps({**self.about, "ranges": self._rows.tolist()}).encode()
        schema = self._schema.with_metadata({ABOUT: told, SEAL: seal(told)})
        with naming(self.path), _writer(self._file, schema) as writer:
            first = 0
            for group in _grouped(self._batches()):
                rows = rows_at(self._rows, first, first + len(group))
                writer.write_batch(group.set_column(1, "series", self._series_column(rows)).cast(schema))
                first += len(group)
        for rank in range(self._ranks.world_size):  # before the rename: a kill after it is to leave nothing
            self._part(rank).unlink()
        self._held.close()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, those that are kept first."""
        left = self.num_kept
        if left:
            for batch in batches_of(self.path, GROUP_ROWS):
                yield batch.slice(0, min(left, len(batch)))
                left -= len(batch)
                if left <= 0:
                    break
        for rank in range(self._ranks.world_size):
            yield from batches_of(self._part(rank), GROUP_ROWS)

    def _series_column(self, rows: NDArray[np.int64]) -> pa.DictionaryArray:
        """The series of rows; of a row in no segment, none."""
        series = series_of_rows(self._store, rows).astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(series, mask=series < 0), list(self._store.series))

    def _part(self, rank: int) -> Path:
        return self.path.with_name(f".{self.path.name}.part-{rank}")


def _writer(file: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    """Numbers are written as they are: a dictionary of scores takes longer than all else, and more room."""
    return pq.ParquetWriter(file, schema, write_page_checksum=True, use_dictionary=["series"])


def _grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of a row group each."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        while len(batch):
            missing = GROUP_ROWS - sum(map(len, held))
            held.append(batch.slice(0, missing))
            batch = batch.slice(missing)
            if sum(map(len, held)) == GROUP_ROWS:
                yield _as_one(held)
                held = []
    if held:
        yield _as_one(held)


def _as_one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Batches as one; their series are left out: each may number them in another way."""
    without = [batch.set_column(1, "series", pa.nulls(len(batch))) for batch in batches]
    (found,) = pa.Table.from_batches(without).combine_chunks().to_batches()
    return found
