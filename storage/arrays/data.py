"""An array as series: rows of channels, wherever they lie, with the times and labels they came with."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.chunked import ChunkedRows
from longstride.storage.arrays.remap import MappedPart, part_of
from longstride.storage.format import chunk_rows_for
from longstride.storage.mapped.mapping import allow_large_pages
from longstride.storage.series.data import SeriesData
from longstride.storage.series.row_source import RowSource
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics

__all__ = ["ArrayData"]

WHOLE_BYTES = 2**32
"""Up to so many, all values are looked at for missing ones, and for the fingerprint."""
NUM_EXCERPTS = 1_024
EXCERPT_BYTES = 2**16
"""Of a larger array, so much at so many places makes the fingerprint."""
NUM_READ = 64
"""Of an array that has to be read, it is this many places."""


class ArrayData(SeriesData):
    """T rows of N channels of an array; `from_array` makes it. Nothing of the array is copied.

    Whatever changes the array while it is used changes what is served.
    """

    def __init__(
        self,
        values: NDArray[Any] | ChunkedRows,
        *,
        name: str,
        channels: Sequence[str],
        time: RowSource,
        cadence_ns: int,
        segments: Segments,
        series: Sequence[str],
        labels: NDArray[np.int8] | None = None,
        label_names: Sequence[str] = (),
        missing: bool | None = None,
        has_calendar: bool = True,
        has_cadence: bool = True,
    ) -> None:
        """`values` (T, N), `time` (T,) in ns, `labels` (T, L); `missing`: whether any value is, if known.

        `has_calendar`: whether times are those of a clock; `has_cadence`: whether their step is known.
        """
        self._values, self._time, self._labels = _prepared(values), time, labels
        self._segments = segments
        self._missing = missing
        self.has_calendar, self.has_cadence = has_calendar, has_cadence
        self.name = name
        self.num_rows = len(values)
        self.channels = tuple(channels)
        self.units = (None,) * len(self.channels)
        self.dtype = values.dtype
        self.label_names = tuple(label_names)
        self.series = tuple(series)
        self.cadence_ns = cadence_ns
        self.chunk_rows = chunk_rows_for(len(self.channels), self.dtype.itemsize)

    def __getstate__(self) -> dict[str, Any]:
        # Another process maps a file itself; what lies in memory is copied to it.
        part = part_of(self._values) if isinstance(self._values, np.ndarray) else None
        return {**vars(self), "_values": part or self._values}

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = state["_values"]
        vars(self).update(state, _values=_prepared(values.map() if isinstance(values, MappedPart) else values))

    def without_memory(self) -> "ArrayData":
        """The same without values that lie in memory: for a process that only plans."""
        made = copy(self)
        if isinstance(self._values, np.ndarray) and part_of(self._values) is None:
            made._values = np.empty((0, len(self.channels)), self.dtype)
        return made

    @property
    def values(self) -> NDArray[Any] | ChunkedRows:
        """All values (T, N), NaN being missing."""
        return self._values

    @property
    def time(self) -> RowSource:
        """Time of each row (T,), int64, nanoseconds since 1970-01-01 UTC."""
        return self._time

    @property
    def labels(self) -> NDArray[np.int8] | None:
        """Labels (T, L), or None where there are none."""
        return self._labels

    @property
    def segments(self) -> Segments:
        """All segments, in row order."""
        return self._segments

    def checked(self, array: str) -> RowSource:
        """The rows themselves: an array has no checksums."""
        rows: RowSource = getattr(self, array)
        return rows

    @cached_property
    def block_statistics(self) -> Statistics:
        """Statistics (C, N) of each block; the first call reads all values."""
        blocks = [Statistics.of(block) for block in self._blocks()]
        return Statistics(
            **{name: np.stack([getattr(block, name) for block in blocks]) for name in vars(blocks[0])}
        )

    def has_missing(self, columns: Sequence[int]) -> bool:
        """Whether a value may be missing. Of more than 4 GiB it is not known, unless the caller has said."""
        if self._missing is None:
            self._missing = self._may_miss()
        return self._missing

    @cached_property
    def fingerprint(self) -> bytes:
        """Checksums of all blocks, the same as those of a store of these rows; of more than 4 GiB, of excerpts."""
        if self._is_seen:
            return self._checksums(self._values)
        rows = max(1, EXCERPT_BYTES // self._values[:1].nbytes)
        number = NUM_EXCERPTS if isinstance(self._values, np.ndarray) else NUM_READ
        starts = np.linspace(0, max(0, self.num_rows - rows), number).astype(np.int64).tolist()
        sums = [google_crc32c.value(np.ascontiguousarray(self._values[row : row + rows])) for row in starts]
        return np.array([self.num_rows, *sums], "<u8").tobytes()

    def fingerprint_of(self, array: str) -> bytes:
        """Checksums of all blocks of `time` or `labels`, as a store of these rows has them."""
        rows = getattr(self, array)
        return b"" if rows is None else self._checksums(rows)

    def _checksums(self, rows: RowSource) -> bytes:
        blocks = (rows[row : row + self.chunk_rows] for row in range(0, self.num_rows, self.chunk_rows))
        return np.array([google_crc32c.value(np.ascontiguousarray(block)) for block in blocks], "<u4").tobytes()

    def _may_miss(self) -> bool:
        if self.dtype.kind != "f":
            return False
        return not self._is_seen or any(map(_has_nan, self._blocks()))

    @property
    def _is_seen(self) -> bool:
        """Whether all values are looked at: those that lie in memory or in a file, up to a size."""
        return isinstance(self._values, np.ndarray) and self._values.nbytes <= WHOLE_BYTES

    def _blocks(self) -> list[NDArray[Any]]:
        rows = range(0, self.num_rows, self.chunk_rows)
        return [self._values[row : row + self.chunk_rows] for row in rows]


def _prepared(values: NDArray[Any] | ChunkedRows) -> NDArray[Any] | ChunkedRows:
    """The same values. Files should be in large pages, as a store's are, before the first of them is read."""
    if isinstance(values, np.ndarray):
        allow_large_pages(values)
    return values


def _has_nan(block: NDArray[Any]) -> bool:
    if block.flags.c_contiguous and block.dtype.itemsize >= 4:
        flat = block.reshape(-1)
        # A sum of squares is NaN only where one of them is, and costs a third of asking each value.
        with np.errstate(over="ignore"):
            return bool(np.isnan(np.dot(flat, flat)))
    return bool(np.isnan(block).any())
