"""The file of scores: Parquet, written by all ranks, complete or absent."""

import glob
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from longstride.storage.atomic import naming
from longstride.storage.places.files import open_file
from longstride.storage.series.data import SeriesData
from longstride.storage.writing.output import output_file
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import ScoresError

__all__ = ["ScoreFile", "Scores", "read_errors", "read_scores", "series_of_rows", "table_bytes"]

ABOUT = b"longstride"
SEAL = b"longstride_crc32c"
"""Key of the checksum of what is under the one above; pages of rows have checksums of Parquet."""
TOLD = {"run": str, "model": str, "threshold": float}
"""What readers need of it, and its types."""
MAX_SHOWN = 200


class Scores(NamedTuple):
    """The content of a file of scores."""

    scores: NDArray[np.float64]
    """(T,), NaN in rows that no window covers."""
    about: dict[str, Any]
    """The run, its model, and the threshold."""


def read_scores(path: Path, store: SeriesData) -> Scores:
    """Read the scores of a store.

    Raises ScoresError where the file holds no scores, scores of other rows, or is damaged.
    """
    if not path.exists():
        raise ScoresError(f"{path} is not there: write it with `longstride score`", code="scores-missing")
    open_file(path, follow=True).close()  # a pipe would block, and a device never end
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = file.schema_arrow.metadata or {}
            about = json.loads(metadata[ABOUT])
            _check_types(file.schema_arrow)
            num_rows = file.metadata.num_rows
            # A small file may hold any number of rows: they are read only if there are as many as in the store.
            has_all = num_rows == store.num_rows
            table = file.read(["time", "score"]) if has_all else file.schema_arrow.empty_table()
        time, scores = table["time"].cast(pa.int64()).to_numpy(), table["score"].cast(pa.float64()).to_numpy()
    except (pa.ArrowException, KeyError, OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        found = " ".join(str(error).split())[:MAX_SHOWN]
        raise ScoresError(
            f"{path} is not a file of scores, or is damaged ({found}): expected one that `longstride score` wrote",
            code="scores-format",
        ) from error
    sealed = metadata.get(SEAL)
    is_whole = isinstance(about, dict) and all(isinstance(about.get(name), kind) for name, kind in TOLD.items())
    if not is_whole or (sealed is not None and sealed != _seal(metadata[ABOUT])) or table["time"].null_count:
        raise ScoresError(
            f"{path} is damaged: what it says of its run and threshold is not as it was written; score again",
            code="scores-format",
        )
    if {num_rows, len(time)} != {store.num_rows}:
        raise ScoresError(
            f"{path} has scores of {num_rows:,} rows, but {store.name} has {store.num_rows:,}: score that store",
            code="scores-differ",
        )
    if different := np.flatnonzero(time != store.checked("time")[:])[:1].tolist():
        raise ScoresError(
            f"{path} has scores of other times than those of {store.name}, from row {different[0]:,} on: "
            "score that store",
            code="scores-differ",
        )
    return Scores(scores, about)


def read_errors(
    path: Path,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]]:
    """A file of scores, part by part: the number of the first row, scores and alarms (rows,), errors (rows, N)."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = [name for name in file.schema_arrow.names if name.startswith("error.")]
        first = 0
        for batch in file.iter_batches(columns=["score", "alarm", *names]):
            errors = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
            alarms = batch.column("alarm").fill_null(False).to_numpy(zero_copy_only=False)
            yield first, batch.column("score").to_numpy(), alarms, np.stack(errors, axis=1).astype(np.float64)
            first += len(batch)


def table_bytes(lines: list[dict[str, Any]], kind: type[Any]) -> bytes:
    """A Parquet file with a line for each of several dicts, of the fields of a dataclass of texts and numbers."""
    types: dict[Any, pa.DataType] = {int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(field.name, types.get(field.type, pa.string())) for field in fields(kind)])
    data = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(lines, schema=schema), data, write_page_checksum=True)
    return bytes(data.getvalue())


def _check_types(schema: pa.Schema) -> None:
    """Raise ValueError unless times and scores are numbers: texts, repeated, can take any amount of memory."""
    time, score = (schema.field(name).type for name in ("time", "score"))
    is_time = pa.types.is_timestamp(time) or pa.types.is_integer(time)
    if not (is_time and (pa.types.is_floating(score) or pa.types.is_integer(score))):
        raise ValueError(f"its times are {time}, its scores {score}")


def _seal(told: bytes) -> bytes:
    return f"{google_crc32c.value(told):08x}".encode()


def series_of_rows(store: SeriesData, first: int, stop: int) -> NDArray[np.int64]:
    """Numbers of the series of rows first:stop; -1 where a row lies in no segment, between those of two series."""
    segments, at = store.segments, np.arange(first, stop)
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
        ranks: Ranks,
        store: SeriesData,
        channels: tuple[str, ...],
        *,
        raw: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Nothing is written yet; with `overwrite`, a file may be there that is replaced.

        With `raw`, there is a second column for each channel.
        """
        self.path = Path(os.path.realpath(path))
        self.about: dict[str, Any] = {}
        """Kept in the metadata of the file: to be set before its end."""
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
        rows = slice(first, first + len(scores))
        series = series_of_rows(self._store, rows.start, rows.stop)
        series_column = pa.array(series.astype(np.int32), mask=series < 0)
        columns = [
            pa.array(np.asarray(self._store.checked("time")[rows]), pa.timestamp("ns", "UTC")),
            pa.DictionaryArray.from_arrays(series_column, list(self._store.series)),
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
        self._writer = pq.ParquetWriter(self._part_file, self._schema, write_page_checksum=True)
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
        told = json.dumps(self.about).encode()
        schema = self._schema.with_metadata({ABOUT: told, SEAL: _seal(told)})
        with naming(self.path), pq.ParquetWriter(self._file, schema, write_page_checksum=True) as writer:
            for rank in range(self._ranks.world_size):
                with pq.ParquetFile(self._part(rank), page_checksum_verification=True) as part:
                    for batch in part.iter_batches():
                        writer.write_batch(batch)
        for rank in range(self._ranks.world_size):  # before the rename: a kill after it is to leave nothing
            self._part(rank).unlink()
        self._held.close()

    def _part(self, rank: int) -> Path:
        return self.path.with_name(f".{self.path.name}.part-{rank}")
