"""Rows that a program holds, written to Arrow files from which they are ingested as any others.

The files lie with the unfinished work of a job, and go when the job ends. After a kill they stay until the next
job over the same store, which begins by removing them.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longstride.pipeline.ingest.sources.files import checksum
from longstride.pipeline.ingest.sources.rows.given import has_rows
from longstride.storage.atomic import make_directory, naming

if TYPE_CHECKING:
    from longstride.pipeline.ingest.sources.columnar import ArrowSource
    from longstride.pipeline.ingest.sources.rows.batches import Batches

__all__ = ["Spool", "spooled"]


@dataclass(frozen=True)
class Spool:
    """What a job reads: files that were named, and those that rows were written to."""

    names: Sequence[str | os.PathLike[str]]
    """In the order that they were given in."""
    sources: "Mapping[str, ArrowSource]" = field(default_factory=dict)
    """The source that each file of rows is, by its path."""
    cut: Sequence[str] = ()
    """What was written in part, in words."""


@contextmanager
def spooled(given: Sequence[Any], folder: Path, max_bytes: int | None = None) -> Iterator[Spool]:
    """Write rows among the sources to files in `folder`, which is there until the end.

    `given` are sources as `listed_sources` gives them. Memory does not grow with the rows. Of each source, whole
    batches are written until there are `max_bytes`. Raises SourceError.
    """
    shutil.rmtree(folder, ignore_errors=True)  # of a job that was killed
    if not has_rows(given):
        yield Spool(list(given))
        return
    folder = folder.absolute()
    make_directory(folder)
    try:
        yield _written(given, folder, max_bytes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # parts that were read may lie there, to be taken over
            folder.parent.rmdir()


def _written(given: Sequence[Any], folder: Path, max_bytes: int | None) -> Spool:
    from longstride.pipeline.ingest.sources.rows.batches import Batches, name_of
    from longstride.pipeline.ingest.sources.rows.source import RowsSource

    names: list[str | os.PathLike[str]] = []
    sources, cut = {}, []
    kinds = Counter(name_of(one) for one in given if has_rows([one]))
    numbers: Counter[str] = Counter()
    for one in given:
        if not has_rows([one]):
            names.append(one)
            continue
        name = name_of(one)
        numbers[name] += 1
        if kinds[name] > 1:
            name += f", number {numbers[name]}"
        path = folder / name
        if num_rows := _write(Batches(one, name), path, max_bytes):
            cut.append(f"the first {num_rows:,} {name}")
        names.append(path)
        sources[str(path)] = RowsSource(str(path), name, checksum(str(path)))
    return Spool(names, sources, cut)


def _write(batches: "Batches", path: Path, max_bytes: int | None) -> int:
    """Write rows to an Arrow file; how many, where that is not all. Raises SourceError."""
    import pyarrow as pa

    num_rows = num_bytes = 0
    with naming(path), pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batches.schema) as writer:
        for batch in batches:
            if max_bytes is not None and num_bytes >= max_bytes:
                return num_rows
            writer.write_batch(batch)
            num_rows += batch.num_rows
            num_bytes += batch.nbytes
    return 0
