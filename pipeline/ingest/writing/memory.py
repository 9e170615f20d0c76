"""The memory that a bucket needs: rows of one time, or of one step of a grid, are in memory together."""

from collections.abc import Sequence

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.writing.buckets import Bucket
from longstride.storage.memory import memory_of_machine
from longstride.storage.text import iso_time

__all__ = ["refuse_large"]

COPIES = 4
"""Of the rows of a bucket, while they are put in order and summarised; measured."""


def refuse_large(
    bucket: Bucket, row_bytes: int, names: Sequence[str], *, every: str | None, memory_bytes: int | None = None
) -> None:
    """Raise SourceError for a bucket that needs more memory than there is: by default, than this machine has.

    `row_bytes` are those of one row as it is read, `names` those of the sources.
    """
    available = memory_of_machine() if memory_bytes is None else memory_bytes
    num_rows = sum(part.stop - part.start for part in bucket.slices)
    needed = COPIES * num_rows * row_bytes
    if needed <= available:
        return
    first = bucket.slices[0]
    moment = iso_time(int(first.reader.read(first.start, first.start + 1)["time"][0]))
    of = f" of series {bucket.series!r}" if bucket.series else ""
    if every is None:
        found, remedy = f"{num_rows:,} rows{of} have the time {moment} or nearly so", "see whether --time is right"
    else:
        found = f"{num_rows:,} rows{of} fall into the step of --every {every} around {moment}"
        remedy = "give a shorter --every"
    raise SourceError(
        names[first.reader.part.source],
        f"{found}: they are in memory together, which takes about {needed / 2**30:,.1f} GiB, and there are "
        f"{available / 2**30:,.1f}: {remedy}, or drop rows with --sql",
        code="step-too-large",
    )
