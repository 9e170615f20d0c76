"""The file of scores: Parquet, written by all ranks, complete or absent."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import ScoresError

__all__ = ["ScoreFile", "Scores", "read_scores"]

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


def read_scores(path: Path, store: SeriesStore) -> Scores:
    """Read the scores of a store. Raises ScoresError where the file holds no scores, or scores of other rows."""
    if not path.is_file():
        raise ScoresError(f"{path} is not there: write it with `longstride score`", code="scores-missing")
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        metadata = file.schema_arrow.metadata or {}
        about = json.loads(metadata[ABOUT])
        table = file.read(["time", "score"])
        time, scores = table["time"].cast(pa.int64()).to_numpy(), table["score"].cast(pa.float64()).to_numpy()
    except PermissionError:
        raise
    except (pa.ArrowException, KeyError, OSError, ValueError, RecursionError) as error:
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
    if len(time) != store.num_rows:
        raise ScoresError(
            f"{path} has scores of {len(time):,} rows, but {store.name} has {store.num_rows:,}: score that store",
            code="scores-differ",
        )
    if different := np.flatnonzero(time != store.time)[:1].tolist():
        raise ScoresError(
            f"{path} has scores of other times than those of {store.name}, from row {different[0]:,} on: "
            "score that store",
            code="scores-differ",
        )
    return Scores(scores, about)


def _seal(told: bytes) -> bytes:
    return f"{google_crc32c.value(told):08x}".encode()


class ScoreFile:
    """Each rank writes rows of its own, in order; then rank 0 puts them together."""

    def __init__(
        self, path: Path, ranks: Ranks, store: SeriesStore, channels: tuple[str, ...], about: dict[str, Any]
    ) -> None:
        """`about` is kept in the metadata of the file."""
        self.path = path
        self._ranks = ranks
        self._store = store
        told = json.dumps(about).encode()
        self._schema = pa.schema(
            [
                ("time", pa.timestamp("ns", "UTC")),
                ("series", pa.dictionary(pa.int32(), pa.string())),
                ("score", pa.float64()),
                *((f"error.{name}", pa.float32()) for name in channels),
            ],
            {ABOUT: told, SEAL: _seal(told)},
        )

    def __enter__(self) -> "ScoreFile":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(self._part(self._ranks.rank), self._schema)
        return self

    def write(self, first: int, scores: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
        """Scores (rows,) and errors (rows, N) of the rows from `first` on."""
        rows = slice(first, first + len(scores))
        segment = np.searchsorted(self._store.segments.stop, np.arange(rows.start, rows.stop), side="right")
        series = self._store.segments.series[np.minimum(segment, len(self._store.segments) - 1)]
        columns = [
            pa.array(np.asarray(self._store.time[rows]), pa.timestamp("ns", "UTC")),
            pa.DictionaryArray.from_arrays(pa.array(series.astype(np.int32)), list(self._store.series)),
            pa.array(scores),
            *(pa.array(column.astype(np.float32)) for column in errors.T),
        ]
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        try:
            if error is None:
                self._ranks.gather(None)  # all have closed theirs
                self._ranks.on_first(self._put_together)
        finally:
            self._part(self._ranks.rank).unlink(missing_ok=True)
            if self._ranks.is_first:
                self._unfinished.unlink(missing_ok=True)

    def _put_together(self) -> None:
        with pq.ParquetWriter(self._unfinished, self._schema, write_page_checksum=True) as writer:
            for rank in range(self._ranks.world_size):
                for batch in pq.ParquetFile(self._part(rank)).iter_batches():
                    writer.write_batch(batch)
        self._unfinished.replace(self.path)

    @property
    def _unfinished(self) -> Path:
        return self.path.with_name(f".{self.path.name}.unfinished")

    def _part(self, rank: int) -> Path:
        return self.path.with_name(f".{self.path.name}.part-{rank}")
