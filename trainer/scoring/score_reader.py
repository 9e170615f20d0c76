"""Reading a file of scores: Parquet, with what it says of its run as JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from longstride.storage.places.files import open_file
from longstride.storage.series.data import SeriesData
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.rows.ranges import Ranges, all_rows, num_rows, rows_at

__all__ = ["Scores", "batches_of", "error_channels", "read_earlier", "read_errors", "read_scores", "seal"]

ABOUT = b"longstride"
SEAL = b"longstride_crc32c"
"""Key of the checksum of what is under the one above; pages of rows have checksums of Parquet."""
TOLD = {"run": str, "model": str, "threshold": float}
"""What readers need of it, and its types."""
MAX_SHOWN = 200


class Scores(NamedTuple):
    """The content of a file of scores."""

    scores: NDArray[np.float64]
    """(T,), NaN in rows that no window covers, or that were not to be scored."""
    about: dict[str, Any]
    """The run, its model, and the threshold."""
    rows: Ranges
    """The rows that were to be scored."""

    def windows(self, store: SeriesData) -> NDArray[np.int64]:
        """(G,): rows of a window of the model of each series; 1 where an older version did not say."""
        found = self.about.get("windows", self.about.get("window", 1))
        return np.broadcast_to(np.array(found, np.int64), len(store.series))


def read_scores(path: Path, store: SeriesData) -> Scores:
    """Read the scores of a store.

    Raises ScoresError where the file holds no scores, scores of other rows, or is damaged.
    """
    found = read_earlier(path, store)
    of_store = found.about["store"]["rows"] if "store" in found.about else num_rows(found.rows)
    if of_store != store.num_rows:
        grown = ": `longstride score --update` adds those of its new rows" if of_store < store.num_rows else ""
        raise ScoresError(
            f"{path} has scores of {of_store:,} rows, but {store.name} has {store.num_rows:,}"
            f"{grown or ': score that store'}",
            code="scores-differ",
        )
    return found


def read_earlier(path: Path, store: SeriesData) -> Scores:
    """The same of a store that may have grown since: there may be rows behind those that it had.

    Raises ScoresError as `read_scores`.
    """
    if not path.exists():
        raise ScoresError(f"{path} is not there: write it with `longstride score`", code="scores-missing")
    open_file(path, follow=True).close()  # a pipe would block, and a device never end
    with _read(path):
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            metadata = file.schema_arrow.metadata or {}
            about = json.loads(metadata[ABOUT])
            _check_types(file.schema_arrow)
            number = file.metadata.num_rows
            # A small file may hold any number of rows: they are read only if there are no more than in the store.
            fits = number <= store.num_rows
            table = file.read(["time", "score"]) if fits else file.schema_arrow.empty_table()
        time, scores = table["time"].cast(pa.int64()).to_numpy(), table["score"].cast(pa.float64()).to_numpy()
    sealed = metadata.get(SEAL)
    is_whole = isinstance(about, dict) and all(isinstance(about.get(name), kind) for name, kind in TOLD.items())
    if not is_whole or (sealed is not None and sealed != seal(metadata[ABOUT])) or table["time"].null_count:
        raise _damaged_facts(path)
    if not fits:
        raise ScoresError(
            f"{path} has scores of {number:,} rows, but {store.name} has {store.num_rows:,}: score that store",
            code="scores-differ",
        )
    ranges = _ranges(about, number)
    if ranges is None or len(time) != number:
        raise _damaged_facts(path)
    if len(ranges) and ranges[-1, 1] > store.num_rows:
        raise ScoresError(
            f"{path} has scores of rows up to {ranges[-1, 1]:,}, but {store.name} has {store.num_rows:,}: score "
            "that store",
            code="scores-differ",
        )
    done, whole = 0, np.full(store.num_rows, np.nan)
    for start, stop in ranges.tolist():
        of_range = slice(done, done + stop - start)
        if different := np.flatnonzero(time[of_range] != store.checked("time")[start:stop])[:1].tolist():
            raise ScoresError(
                f"{path} has scores of other times than those of {store.name}, from row "
                f"{start + different[0]:,} on: score that store",
                code="scores-differ",
            )
        whole[start:stop] = scores[of_range]
        done += stop - start
    return Scores(whole, about, ranges)


@contextmanager
def _read(path: Path) -> Iterator[None]:
    """Make ScoresError of what reading a file raises that holds no scores, or is damaged."""
    try:
        yield
    except (pa.ArrowException, KeyError, OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        found = " ".join(str(error).split())[:MAX_SHOWN]
        raise ScoresError(
            f"{path} is not a file of scores, or is damaged ({found}): expected one that `longstride score` wrote",
            code="scores-format",
        ) from error


def _ranges(about: dict[str, Any], number: int) -> Ranges | None:
    """The rows that a file of so many rows says it is of: all if it does not say; None if it cannot be of them."""
    if "ranges" not in about:
        return all_rows(number)
    try:
        ranges = np.array(about["ranges"], np.int64).reshape(-1, 2)
    except (ValueError, TypeError, OverflowError):
        return None
    edges = ranges.ravel()
    is_right = len(edges) == 0 or (edges[0] >= 0 and bool((np.diff(edges) > 0).all()))
    return ranges if is_right and num_rows(ranges) == number else None


def _damaged_facts(path: Path) -> ScoresError:
    return ScoresError(
        f"{path} is damaged: what it says of its run and threshold is not as it was written; score again",
        code="scores-format",
    )


def read_errors(
    path: Path,
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]]:
    """A file of scores, part by part: the first row, scores and alarms (rows,), errors (rows, N).

    Rows of a part follow each other in the store.
    """
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = [name for name in file.schema_arrow.names if name.startswith("error.")]
        about = json.loads((file.schema_arrow.metadata or {}).get(ABOUT, b"{}"))
        ranges, done = _ranges(about, file.metadata.num_rows), 0
        if ranges is None:
            raise _damaged_facts(path)
        for batch in file.iter_batches(columns=["score", "alarm", *names]):
            errors = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
            alarms = batch.column("alarm").fill_null(False).to_numpy(zero_copy_only=False)
            scores, of_channels = batch.column("score").to_numpy(), np.stack(errors, axis=1).astype(np.float64)
            at = rows_at(ranges, done, done + len(batch))
            apart = np.flatnonzero(np.diff(at) > 1) + 1
            for begin, stop in pairwise([0, *apart.tolist(), len(at)]):
                yield int(at[begin]), scores[begin:stop], alarms[begin:stop], of_channels[begin:stop]
            done += len(batch)


def _check_types(schema: pa.Schema) -> None:
    """Raise ValueError unless times and scores are numbers: texts, repeated, can take any amount of memory."""
    time, score = (schema.field(name).type for name in ("time", "score"))
    is_time = pa.types.is_timestamp(time) or pa.types.is_integer(time)
    if not (is_time and (pa.types.is_floating(score) or pa.types.is_integer(score))):
        raise ValueError(f"its times are {time}, its scores {score}")


def error_channels(path: Path) -> tuple[str, ...]:
    """The channels whose errors a file of scores has."""
    with _read(path), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
    return tuple(name.removeprefix("error.") for name in names if name.startswith("error."))


def batches_of(path: Path, num_rows: int) -> Iterator[pa.RecordBatch]:
    """All columns of a file, in batches of so many rows. Raises ScoresError where it is damaged."""
    with _read(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield from file.iter_batches(batch_size=num_rows)


def seal(told: bytes) -> bytes:
    """The checksum of what a file says of its run."""
    return f"{google_crc32c.value(told):08x}".encode()
