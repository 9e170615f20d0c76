"""A store as it is read: what the two layouts, mapped and packed, have in common. `open_store` opens one."""

import json
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
    ROOT,
    StoreLayout,
)
from longstride.storage.places.folder import Folder
from longstride.storage.places.place import Place
from longstride.storage.series.data import SeriesData
from longstride.storage.series.row_source import CheckedRows, RowSource
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics

__all__ = ["SeriesStore"]


class SeriesStore(SeriesData):
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
        self.units = self.layout.units
        self.dtype = np.dtype(self.layout.dtype)
        self.label_names = self.layout.labels
        self.series: tuple[str, ...] = tuple(attributes["series"])
        """Name of each series; one empty name where no column names the series."""
        self.series_end_ns: tuple[int, ...] = tuple(attributes.get("series_end_ns", ()))
        """Time of the last row of each series, nanoseconds since 1970-01-01 UTC; empty where not recorded."""
        self._checked: dict[str, RowSource] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers must see the rows that the process which sends it has planned with, whatever is appended.
        return type(self), (self.place, self.attributes)

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

    @cached_property
    def fingerprint(self) -> bytes:
        """The checksums of all chunks of values."""
        return self.fingerprint_of("values")

    def fingerprint_of(self, array: str) -> bytes:
        """The checksums of all chunks of `values`, `time` or `labels`."""
        return np.array(self.attributes["checksums_crc32c"].get(array, []), "<u4").tobytes()

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

    def _check_kept(self) -> None:
        if not self.place.sizes(f"commits/{self.generation}"):
            raise StoreError(
                f"{self.name} no longer keeps commit {self.generation}: it was rebuilt, or is more than "
                f"{KEPT_GENERATIONS - 1} appends ahead; open the store again",
                code="store-changed",
            )
