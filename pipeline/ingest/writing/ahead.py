"""Rows that are written while later ones are still read, as long as parts come in order of series and time.

Chunks that are written ahead are no more than those of any job that was not committed. Where a part is out of
order, or anything is wrong, all parts lie in the staged folder: what was written is dropped, and the second stage
begins with all of them.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType

from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.staging.clocks.row_clock import RowClock
from longstride.pipeline.ingest.staging.part_file import Part, PartReader, counted_from
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.pipeline.ingest.writing.buckets import Bucket, BucketsInOrder, OutOfOrderError
from longstride.pipeline.ingest.writing.memory import refuse_large
from longstride.pipeline.ingest.writing.merge import merge_bucket
from longstride.pipeline.ingest.writing.stored_rows import StoredRows
from longstride.pipeline.ingest.writing.target import NewStore
from longstride.storage.errors import LongstrideError
from longstride.storage.writing.lock import StoreLock

__all__ = ["WriteAhead"]


class WriteAhead:
    """Takes parts in the order of sources and lines."""

    def __init__(self, plan: Plan, read: ReadSources, lock: StoreLock, target: NewStore) -> None:
        self._recipe = plan.recipe
        self._folder = read.folder.path
        self._recent = read.recent
        self._clock = RowClock.of(plan.recipe)
        self._buckets = BucketsInOrder(plan.recipe.grid_ns)
        self._names = tuple(source.name for source in plan.sources)
        self._num_parts = self._num_rows = 0
        self._leave = ExitStack()
        # The channels of a pivot are known when all is read; of a store that exists, the last chunk would change.
        is_known = plan.recipe.pivot is None and target.is_new
        self._rows = StoredRows(plan, lock, target, None) if is_known else None

    def __enter__(self) -> "WriteAhead":
        if self._rows is not None:
            self._leave.enter_context(self._rows)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.__exit__(kind, error, trace)

    @property
    def goes_on(self) -> bool:
        """Whether rows are still written ahead."""
        return self._rows is not None

    def add(self, part: Part) -> None:
        """Take the next part."""
        try:
            if self._rows is not None:
                if self._clock is not None:
                    part = counted_from(part, self._clock, self._num_rows)
                self._num_parts += 1
                self._num_rows += part.rows_in
                reader = PartReader(self._folder, part, self._clock, self._recent)
                self._write(self._rows, self._buckets.add(reader))
        except (OutOfOrderError, LongstrideError, FileNotFoundError):
            self._stop()  # what is an error is found again, when all is known

    def finish(self, parts: Sequence[Part]) -> StoredRows | None:
        """The rows of these parts, which are all; None where not all are written."""
        try:
            if self._rows is not None and len(parts) == self._num_parts:
                self._write(self._rows, self._buckets.end())
                return self._rows
        except (LongstrideError, FileNotFoundError):
            pass
        self._stop()
        return None

    def _write(self, rows: StoredRows, buckets: Iterable[Bucket]) -> None:
        for bucket in buckets:
            row_bytes = bucket.slices[0].reader.part.row_bytes
            every = self._recipe.every if self._recipe.grid_ns else None
            refuse_large(bucket, row_bytes, self._names, every=every)
            rows.add(bucket, merge_bucket(bucket, rows.shape, self._recipe.duplicates))
            for piece in bucket.slices:
                if piece.stop == piece.reader.part.num_rows:
                    self._recent.drop(piece.reader.part.place)

    def _stop(self) -> None:
        self._rows = None
        self._recent.close()
        self._leave.close()
