"""Series as they are read: rows of channels with times, segments and labels, wherever they come from."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from longstride.storage.format import MAX_DECODED_BYTES
from longstride.storage.html.table import html_table
from longstride.storage.series.joined_names import names_in
from longstride.storage.series.row_source import CheckedRows, RowSource
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.text import counted, readable_time

__all__ = ["SeriesData"]


class SeriesData(ABC):
    """T rows of N channels: what windows are served of. A store is one kind, an array another.

    Rows are read by slices: `store.values[1000:2000]`.
    """

    name: str
    """What it is called in messages: for a store its path, or its URL in an object store."""
    num_rows: int
    """T."""
    chunk_rows: int
    """R, rows of one block; statistics are kept for each."""
    cadence_ns: int
    """The usual step, in nanoseconds."""
    channels: tuple[str, ...]
    """N channel names."""
    units: tuple[str | None, ...]
    """Unit of each channel, None where unknown."""
    dtype: np.dtype[np.generic]
    """Type of the values."""
    label_names: tuple[str, ...]
    """L label names, empty where there are no labels."""
    series: tuple[str, ...]
    """Name of each series; one empty name where nothing names the series."""
    has_calendar: bool = True
    """Whether times are those of a clock; otherwise they are counted from 1970 on."""
    has_cadence: bool = True
    """Whether it is known how far apart rows are; otherwise they are counted as if that were a second."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, rows={self.num_rows:,}, channels={len(self.channels)})"

    def _repr_html_(self) -> str:
        """In a notebook: what there is of rows and segments, and the statistics of each channel."""
        first, last = map(readable_time, self.span_ns)
        facts = [
            ("rows", self.num_rows),
            ("span", f"{first} to {last} UTC"),
            ("cadence", f"{self.cadence_ns / 1e9:,.9g} s"),
            ("segments", f"{len(self.segments):,} in {len(self.series):,} series"),
            *([("labels", ", ".join(self.label_names))] if self.label_names else []),
        ]
        stats = self.stats()
        figures = (stats.mean, stats.std, stats.minimum, stats.maximum)
        missing = [f"{1 - count / self.num_rows:.3%}" for count in stats.count.tolist()]
        rows = zip(self.channels, self.units, missing, *(figure.tolist() for figure in figures), strict=True)
        columns = ["channel", "unit", "missing", "mean", "std", "minimum", "maximum"]
        return html_table(self.name, [], facts) + html_table(counted(len(self.channels), "channel"), columns, rows)

    @property
    @abstractmethod
    def values(self) -> RowSource:
        """All values (T, N), NaN being missing."""

    @property
    @abstractmethod
    def time(self) -> RowSource:
        """Time of each row (T,), int64, nanoseconds since 1970-01-01 UTC."""

    @property
    @abstractmethod
    def labels(self) -> RowSource | None:
        """Labels (T, L), int8, or None where the store has none: for evaluation, never an input."""

    @property
    @abstractmethod
    def segments(self) -> Segments:
        """All segments, in row order. Raises StoreError where they do not fit the rows."""

    @property
    @abstractmethod
    def block_statistics(self) -> Statistics:
        """Statistics (C, N): those of each block of `chunk_rows` rows by itself."""

    @property
    @abstractmethod
    def fingerprint(self) -> bytes:
        """A digest of all values: equal only where they are."""

    @abstractmethod
    def fingerprint_of(self, array: str) -> bytes:
        """The same of `time` or `labels`; nothing where there are none."""

    @abstractmethod
    def checked(self, array: str) -> RowSource:
        """Rows of `values`, `time` or `labels` that raise StoreError, when sliced, where they are damaged."""

    @property
    def rows_at_a_time(self) -> int:
        """How many rows whatever reads all of them takes: those of a chunk, or fewer if there are many labels."""
        time_bytes = np.dtype(np.int64).itemsize
        widest = max(self.dtype.itemsize * len(self.channels), time_bytes, len(self.label_names))
        fitting = max(1, MAX_DECODED_BYTES // widest)
        return min(self.chunk_rows, 1 << (fitting.bit_length() - 1))

    @property
    def span_ns(self) -> tuple[int, int]:
        """Time of the first and of the last row of all segments, or of all rows if there is no segment."""
        starts, stops, time = self.segments.start, self.segments.stop, self.checked("time")
        if not len(starts):
            return int(time[0]), int(time[-1])
        return int(time[starts].min()), int(time[stops - 1].max())

    def check_rows(self, array: str, start: int, stop: int) -> None:
        """Compare the chunks of rows start:stop with their checksums, as `checked` does, without reading more."""
        rows = self.checked(array)
        if isinstance(rows, CheckedRows):
            rows.check(start, stop)

    def row_text(self, row: int) -> str:
        """The number of a row, for people."""
        return f"{row:,}"

    def aliases(self, series: int) -> tuple[str, ...]:
        """By which names a series may be known elsewhere: its own, and those it has where stores are joined."""
        return names_in(self.name, self.series[series])

    def has_missing(self, columns: Sequence[int]) -> bool:
        """Whether a value of these channels is missing, or may be: then a mask says which."""
        return bool(self._lacks_values[list(columns)].any())

    @cached_property
    def _lacks_values(self) -> NDArray[np.bool_]:
        """Whether a value of each channel (N,) is missing; kept, since rows are read for it."""
        return self.stats().count < self.num_rows

    def read(self, start: int, stop: int) -> NDArray[np.floating]:
        """Values of rows start:stop, shape (stop - start, N). Raises IndexError outside 0..T."""
        self._check_range(start, stop)
        values: NDArray[np.floating] = self.values[start:stop]
        return values

    def stats(self, start: int = 0, stop: int | None = None) -> Statistics:
        """Statistics (N,) of rows start:stop (to the end by default), exact for any range.

        Whole blocks come from their stored statistics; only the rows at both ends are read.
        Raises IndexError outside 0..T, and StoreError where those rows are damaged.
        """
        stop = self.num_rows if stop is None else stop
        self._check_range(start, stop)
        values = self.checked("values")
        first_block = -(-start // self.chunk_rows)
        last_block = stop // self.chunk_rows
        if first_block >= last_block:
            return Statistics.of(values[start:stop])
        stored = self.block_statistics
        blocks = slice(first_block, last_block)
        return Statistics.merge(
            [
                Statistics.of(values[start : first_block * self.chunk_rows]),
                Statistics(**{name: field[blocks] for name, field in vars(stored).items()}),
                Statistics.of(values[last_block * self.chunk_rows : stop]),
            ]
        )

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.num_rows:
            raise IndexError(f"rows {start}:{stop} are not within the {self.num_rows} rows of {self.name}")
