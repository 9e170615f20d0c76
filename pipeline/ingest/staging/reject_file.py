"""`rejects/`: the rows that cannot be read, as Parquet, next to the store."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import google_crc32c

from longstride.pipeline.ingest.errors import RejectsError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.folder import rejects_name, written_whole
from longstride.pipeline.ingest.staging.part_file import Part
from longstride.storage.atomic import make_directory, naming, sync_directory

__all__ = ["RejectLimit", "collect_rejects", "report_folder", "write_rejects"]

ENOUGH_ROWS = 100_000
"""Before as many are read, what share of them is rejected says little of the rest."""


def report_folder(store: Path) -> Path:
    """Where the report of an ingest goes: next to the store."""
    return store.with_name(f"{store.name}.report")


def write_rejects(folder: Path, place: tuple[int, int, int], rejects: Sequence[Reject]) -> int:
    """Leave the rejects of a piece next to its part; give the CRC-32C of the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(_table(rejects, ""), sink, write_page_checksum=True)
    data = sink.getvalue().to_pybytes()
    with written_whole(folder / rejects_name(*place)) as temporary:
        temporary.write_bytes(data)
    return int(google_crc32c.value(data))


def collect_rejects(
    folder: Path, store: Path, generation: int, sources: Sequence[Source], parts: Sequence[Part]
) -> str | None:
    """Put all rejects into one file next to the store, and return its path; None where there are none.

    It survives a power failure: to be called before the commit. Files of commits that were not made, of an earlier
    store, or of a writer that was killed are removed. Generation 0 is that of a job that stops.
    """
    path = report_folder(store) / "rejects" / f"{generation}.parquet"
    for file in path.parent.glob("*.parquet"):
        if file.stem == "0" or (file.stem.isdecimal() and int(file.stem) >= generation > 0):
            file.unlink()
    for file in report_folder(store).rglob(".*.tmp"):
        file.unlink()
    if not any(part.rejected for part in parts):
        return None
    import pyarrow.parquet as pq

    make_directory(path.parent)
    with (
        _durable(path) as temporary,
        pq.ParquetWriter(temporary, _schema(), write_page_checksum=True) as writer,
    ):
        for part in parts:
            for table in _rejects_of(folder, part):
                writer.write_table(table.set_column(0, "file", [[sources[part.source].name] * table.num_rows]))
    return str(path)


class RejectLimit:
    """Stops a job in which too many rows cannot be read."""

    def __init__(self, recipe: Recipe, total_bytes: int) -> None:
        self._recipe = recipe
        self._total_bytes = total_bytes
        self._num_rows = 0
        self._reasons: Counter[str] = Counter()

    def add(self, part: Part) -> None:
        """Count the rows of a part."""
        self._num_rows += part.rows_in
        self._reasons.update(part.rejected)

    def is_exceeded(self, done_bytes: float) -> bool:
        """Whether so many are rejected that the rest, all good, would not make up for it."""
        if not self._reasons or (self._num_rows < ENOUGH_ROWS and done_bytes < self._total_bytes):
            return False
        expected = self._num_rows * max(1.0, self._total_bytes / max(1.0, done_bytes))
        return self._reasons.total() > self._recipe.max_rejected(int(expected))

    def error(self, folder: Path, store: Path, sources: Sequence[Source], parts: Sequence[Part]) -> RejectsError:
        """Say how many, why, and where they are."""
        parts = sorted(parts, key=lambda part: part.place)
        path = collect_rejects(folder, store, 0, sources, parts)
        reason, count = self._reasons.most_common(1)[0]
        first = next(
            f"{sources[part.source].name}, {sources[part.source].line} {row['line']}: {row['detail']}"
            for part in parts
            if reason in part.rejected
            for table in _rejects_of(folder, part)
            for row in table.to_pylist()
            if row["reason"] == reason
        )
        total = self._reasons.total()
        share = f"{total:,} of {self._num_rows:,} rows cannot be read ({total / self._num_rows:.2%})"
        limit = f"more than --max-rejects {self._recipe.max_rejects} allows"
        if total <= self._recipe.max_rejected(self._num_rows):
            limit = "and no other row is left"
        return RejectsError(
            f"{first}. {share}, {limit}: {count:,} for {reason!r}. They are in {path}: leave them out with "
            f"--max-rejects {total}, or let `longstride profile` propose a recipe that reads them",
            code="too-many-rejects",
        )


@contextmanager
def _durable(path: Path) -> Iterator[Path]:
    """A name to write to; what was written appears as `path`."""
    temporary = path.with_name(f".{path.name}.tmp")
    with naming(path):
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def _rejects_of(folder: Path, part: Part) -> Iterator[Any]:
    import pyarrow.parquet as pq

    if part.rejected:
        yield pq.read_table(folder / rejects_name(*part.place), page_checksum_verification=True)


def _schema() -> Any:
    import pyarrow as pa

    text = pa.string()
    return pa.schema([("file", text), ("line", pa.int64()), ("reason", text), ("detail", text), ("raw", text)])


def _table(rejects: Sequence[Reject], file: str) -> Any:
    import pyarrow as pa

    columns = list(zip(*((file, *reject) for reject in rejects), strict=True))
    return pa.table(columns, schema=_schema())
