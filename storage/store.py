"""A store as it is read: what the two layouts, mapped and packed, have in common. `open_store` opens one."""

import json
from abc import ABC, abstractmethod
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.format import (
    ATTRIBUTES,
    IDENTITY,
    KEPT_GENERATIONS,
    MAX_DECODED_BYTES,
    ROOT,
    StoreLayout,
)
from longstride.storage.html.table import html_table
from longstride.storage.places.folder import Folder
from longstride.storage.places.place import Place
from longstride.storage.row_source import CheckedRows, RowSource
from longstride.storage.segments import Segments
from longstride.storage.statistics import Statistics
from longstride.storage.text import counted, readable_time

__all__ = ["SeriesStore"]


class SeriesStore(ABC):
    """One committed state of a store: T rows of N channels. Later commits change neither it nor pickled copies.

    Rows are read by slices: `store.values[1000:2000]`. Those of a mapped store are numpy arrays, nothing copied;
    those of a packed store are decoded each time.
    """

    def __init__(self, place: Place, attributes: dict[str, Any]) -> None:
        """Use `open_store`."""
        self.place = place
        """Where its files lie."""
        self.name = place.name
        """The path, or the URL in an object store, for messages."""
        self.attributes = attributes
        """Format, generation, sources, recipe and checksums, as in `docs/format.md`."""
        self.num_rows: int = attributes["num_rows"]
        """T, the committed rows."""
        self.chunk_rows: int = attributes["chunk_rows"]
        """R, rows of one chunk of the mapped layout, for every row array; statistics are kept for each."""
        self.cadence_ns: int = attributes["cadence_ns"]
        """The usual step, in nanoseconds."""
        self.generation: int = attributes["generation"]
        """Number of the commit."""
        self.layout = StoreLayout(
            channels=tuple(attributes["channels"]),
            units=tuple(attributes["units"]),
            labels=tuple(attributes["labels"]),
            dtype=attributes["dtype"],
        )
        self.channels = self.layout.channels
        """N channel names."""
        self.units = self.layout.units
        """Unit of each channel, None where unknown."""
        self.label_names = self.layout.labels
        """L label names, empty where the store has no labels."""
        self.series: tuple[str, ...] = tuple(attributes["series"])
        """Name of each series; one empty name where no column names the series."""
        self.series_end_ns: tuple[int, ...] = tuple(attributes.get("series_end_ns", ()))
        """Time of the last row of each series, nanoseconds since 1970-01-01 UTC; empty where not recorded."""
        self._checked: dict[str, RowSource] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers must see the rows that the process which sends it has planned with, whatever is appended.
        return type(self), (self.place, self.attributes)

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
    def folder(self) -> Folder:
        """Where its files lie, if that is a folder. Raises StoreError for an object store."""
        if not isinstance(self.place, Folder):
            raise StoreError(f"{self.name} is not a folder of this machine: unpack it first", code="not-a-folder")
        return self.place

    @property
    def path(self) -> Path:
        """Its folder. Raises StoreError if it is in an object store, where it has none."""
        return self.folder.path

    @property
    def rows_at_a_time(self) -> int:
        """How many rows whatever reads all of them takes: those of a chunk, or fewer if there are many labels."""
        widest = max(array.row_bytes for array in self.layout.row_arrays.values())
        fitting = max(1, MAX_DECODED_BYTES // widest)
        return min(self.chunk_rows, 1 << (fitting.bit_length() - 1))

    @cached_property
    def segments(self) -> Segments:
        """All segments, in row order. Raises StoreError where they do not fit the rows."""
        segments = Segments(*(self._read_commit(f"segment_{bound}/c/0") for bound in ("start", "stop", "series")))
        try:
            segments.check(self.num_rows, len(self.series))
        except StoreError as error:
            raise StoreError(
                f"{self.name} is damaged, {error}: get the store again from where it was made",
                code="store-damaged",
            ) from None
        return segments

    @property
    def span_ns(self) -> tuple[int, int]:
        """Time of the first and of the last row of all segments, or of all rows if there is no segment."""
        starts, stops, time = self.segments.start, self.segments.stop, self.checked("time")
        if not len(starts):
            return int(time[0]), int(time[-1])
        return int(time[starts].min()), int(time[stops - 1].max())

    def checked(self, array: str) -> RowSource:
        """Rows of `values`, `time` or `labels` that raise StoreError, when sliced, where a chunk is damaged.

        Each chunk is compared with its checksum once, when one of its rows is first read.
        """
        if array not in self._checked:
            rows: Any = getattr(self, array)
            if isinstance(rows, np.ndarray):  # a packed chunk is checked each time that it is decoded
                checksums = self.attributes["checksums_crc32c"][array]
                rows = CheckedRows(rows, checksums, self.chunk_rows, store=self.name, array=array)
            self._checked[array] = rows
        return self._checked[array]

    def check_rows(self, array: str, start: int, stop: int) -> None:
        """Compare the chunks of rows start:stop with their checksums, as `checked` does, without reading more."""
        rows = self.checked(array)
        if isinstance(rows, CheckedRows):
            rows.check(start, stop)

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

    @cached_property
    def block_statistics(self) -> Statistics:
        """Stored statistics (C, N): those of each chunk by itself."""
        blocks: dict[str, NDArray[Any]] = {}
        num_blocks = -(-self.num_rows // self.chunk_rows)
        for field in fields(Statistics):
            data = self._read_commit(f"block_{field.name}/c/0/0", num_blocks * len(self.channels))
            dtype = np.int64 if field.name == "count" else np.float64
            blocks[field.name] = data.view(dtype).reshape(-1, len(self.channels))
        return Statistics(**blocks)

    def check_unchanged(self) -> None:
        """Raise StoreError where there is another store in the place of the one that was opened.

        To be asked after its files have been opened: those that are open by then are its own.
        """
        expected = self.attributes.get(IDENTITY)
        if expected is None:  # written before stores had one
            self._check_kept()
            return
        try:
            data = self.place.get(f"commits/{self.generation}/{ROOT}")
        except FileNotFoundError:
            self._check_kept()
            data = b""
        try:
            found = json.loads(data)["attributes"][ATTRIBUTES][IDENTITY]
        except (ValueError, KeyError, TypeError, RecursionError):
            found = None
        if found != expected:
            raise StoreError(
                f"{self.name} is not the store that was opened: it was made again since then, or its files were "
                "changed; open it again, and check it with `longstride verify`",
                code="store-changed",
            )

    def get(self, name: str) -> bytes:
        """A file of the store, by its name within it. Raises FileNotFoundError, and PlaceError as `Place.get`."""
        return self.place.get(name)

    def get_checked(self, name: str) -> bytes:
        """A small chunk file. Raises StoreError where its checksum is not the recorded one."""
        file = f"{self.name}/{name}"
        try:
            data = self.get(name)
        except FileNotFoundError:
            self._check_kept()
            self.check_unchanged()
            raise StoreError(
                f"chunk {file} is missing: restore it from a backup or ingest again", code="store-damaged"
            ) from None
        if google_crc32c.value(data) != self.attributes["checksums_crc32c"][name][0]:
            self.check_unchanged()
            raise StoreError(
                f"chunk {file} is damaged: restore it from a backup or ingest again", code="store-damaged"
            )
        return data

    def _read_commit(self, name: str, length: int | None = None) -> NDArray[np.int64]:
        """A small array of this commit as int64, of `length` values where it is known."""
        name = f"commits/{self.generation}/{name}"
        if name not in self.attributes["checksums_crc32c"]:  # an empty array has no file
            return np.empty(0, np.int64)
        data = self.get_checked(name)
        if len(data) % 8 or (length is not None and len(data) != 8 * length):
            raise StoreError(
                f"chunk {self.name}/{name} has {len(data):,} bytes, which its array cannot have: get the store "
                "again from where it was made",
                code="store-damaged",
            )
        return np.frombuffer(data, np.int64)

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.num_rows:
            raise IndexError(f"rows {start}:{stop} are not within the {self.num_rows} rows of {self.name}")

    def _check_kept(self) -> None:
        if not self.place.sizes(f"commits/{self.generation}"):
            raise StoreError(
                f"{self.name} no longer keeps commit {self.generation}: it was rebuilt, or is more than "
                f"{KEPT_GENERATIONS - 1} appends ahead; open the store again",
                code="store-changed",
            )
