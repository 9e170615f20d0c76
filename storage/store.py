"""Reading a store: `SeriesStore.open(path)` and then plain arrays.

Zarr is not needed to read the mapped layout: a chunk file is the bytes of its rows, and the root document says
the rest. A training worker so starts without importing it.
"""

import json
import os
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
    FORMAT_VERSION,
    KEPT_GENERATIONS,
    LOCK_FILE,
    ROOT,
    StoreLayout,
    chunk_file,
    seal,
)
from longstride.storage.location import Folder, Place, place_of
from longstride.storage.mapping import map_chunk_files
from longstride.storage.segments import Segments
from longstride.storage.statistics import Statistics

__all__ = ["SeriesStore"]


class SeriesStore:
    """One committed state of a store: T rows of N channels. Later commits change neither it nor pickled copies."""

    def __init__(self, path: Path, attributes: dict[str, Any]) -> None:
        """Use `SeriesStore.open`."""
        self.path = path
        self.name = str(path)
        """For messages: the path, or the URL of a store in an object store, which has no path."""
        self.attributes = attributes
        """Format, generation, sources, recipe and checksums, as in `docs/format.md`."""
        self.num_rows: int = attributes["num_rows"]
        """T, the committed rows."""
        self.chunk_rows: int = attributes["chunk_rows"]
        """R, rows of one chunk, for every row array."""
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
        """Name of each series; one empty name where the log was not keyed."""
        self.series_end_ns: tuple[int, ...] = tuple(attributes.get("series_end_ns", ()))
        """Time of the last row of each series, nanoseconds since 1970-01-01 UTC; empty where not recorded."""

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "SeriesStore":
        """Open the committed state at `path`: a folder, or where the store is packed a URL (s3://bucket/name) too.

        Raises StoreError where there is no store, an unfinished or an altered one, or one of another format
        version, and PlaceError where an object store cannot be reached.
        """
        place = place_of(path)
        attributes = _read_attributes(place)
        if "packed" in attributes:
            from longstride.storage.packed.rows import PackedStore

            return PackedStore(place, attributes)
        if not isinstance(place, Folder):
            raise StoreError(f"{place.name} is mapped, which needs a disk: write a packed one there, with `pack`")
        return cls(place.path, attributes)

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers must see the rows that the process which sends it has planned with, whatever is appended.
        return SeriesStore, (self.path, self.attributes)

    @property
    def is_mapped(self) -> bool:
        """Whether arrays are views of files, to be read as memory; else each slice of them is decoded."""
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, rows={self.num_rows:,}, channels={len(self.channels)})"

    @cached_property
    def values(self) -> NDArray[np.floating]:
        """All values (T, N), NaN being missing: a read-only view of the mapped chunk files, nothing copied."""
        return self._map("values")

    @cached_property
    def time(self) -> NDArray[np.int64]:
        """Time of each row (T,), nanoseconds since 1970-01-01 UTC: a read-only mapped view."""
        return self._map("time")

    @cached_property
    def labels(self) -> NDArray[np.int8] | None:
        """Labels (T, L), or None where the store has none: for evaluation, never an input."""
        return self._map("labels") if self.label_names else None

    @cached_property
    def segments(self) -> Segments:
        """All segments, in row order."""
        return Segments(*(self._read_commit(f"segment_{bound}/c/0") for bound in ("start", "stop", "series")))

    def read(self, start: int, stop: int) -> NDArray[np.floating]:
        """Values of rows start:stop, shape (stop - start, N), read-only. Raises IndexError outside 0..T."""
        self._check_range(start, stop)
        return self.values[start:stop]

    def stats(self, start: int = 0, stop: int | None = None) -> Statistics:
        """Statistics (N,) of rows start:stop (to the end by default), exact for any range.

        Whole blocks come from their stored statistics; only the rows at both ends are read.
        Raises IndexError outside 0..T.
        """
        stop = self.num_rows if stop is None else stop
        self._check_range(start, stop)
        first_block = -(-start // self.chunk_rows)
        last_block = stop // self.chunk_rows
        if first_block >= last_block:
            return Statistics.of(self.values[start:stop])
        stored = self.block_statistics
        blocks = slice(first_block, last_block)
        return Statistics.merge(
            [
                Statistics.of(self.values[start : first_block * self.chunk_rows]),
                Statistics(**{name: field[blocks] for name, field in vars(stored).items()}),
                Statistics.of(self.values[last_block * self.chunk_rows : stop]),
            ]
        )

    def chunk_files(self, array: str) -> list[Path]:
        """Chunk files of `values`, `time` or `labels`, in row order."""
        num_chunks = -(-self.num_rows // self.chunk_rows)
        num_dimensions = len(self.layout.row_arrays[array].dimensions)
        return [self.path / chunk_file(array, index, num_dimensions) for index in range(num_chunks)]

    @cached_property
    def block_statistics(self) -> Statistics:
        """Stored statistics (C, N): those of each chunk by itself."""
        blocks: dict[str, NDArray[Any]] = {}
        for field in fields(Statistics):
            data = self._read_commit(f"block_{field.name}/c/0/0")
            dtype = np.int64 if field.name == "count" else np.float64
            blocks[field.name] = data.view(dtype).reshape(-1, len(self.channels))
        return Statistics(**blocks)

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.num_rows:
            raise IndexError(f"rows {start}:{stop} are not within the {self.num_rows} rows of {self.name}")

    def _map(self, name: str) -> NDArray[Any]:
        self._check_kept()  # else the files may be those of a store that was made in its place
        array = self.layout.row_arrays[name]
        mapped = map_chunk_files(self.chunk_files(name), self.chunk_rows * array.row_bytes)
        view: NDArray[Any] = mapped.view(array.dtype).reshape(-1, *array.row_shape)
        return view[: self.num_rows]

    def _check_kept(self) -> None:
        if not (self.path / f"commits/{self.generation}").exists():
            raise StoreError(
                f"{self.path} no longer keeps commit {self.generation}: it was made again, or is more than "
                f"{KEPT_GENERATIONS - 1} appends ahead; open the store again"
            )

    def _read_commit(self, name: str) -> NDArray[np.int64]:
        """A small array of this commit as int64."""
        name = f"commits/{self.generation}/{name}"
        if name not in self.attributes["checksums_crc32c"]:  # an empty array has no file
            return np.empty(0, np.int64)
        return np.frombuffer(self.get_checked(name), np.int64)

    def get_checked(self, name: str) -> bytes:
        """A small chunk file. Raises StoreError where it is not what its checksum says."""
        file = f"{self.name}/{name}"
        try:
            data = self.get(name)
        except FileNotFoundError:
            self._check_kept()
            raise StoreError(f"chunk {file} is missing: restore it from a backup or ingest again") from None
        if google_crc32c.value(data) != self.attributes["checksums_crc32c"][name][0]:
            raise StoreError(f"chunk {file} is damaged: restore it from a backup or ingest again")
        return data

    def get(self, name: str) -> bytes:
        """A file of the store, by its name within it. Raises FileNotFoundError."""
        return (self.path / name).read_bytes()


def _read_attributes(place: Place) -> dict[str, Any]:
    """Our attributes in the root document, as the last commit wrote them."""
    document = f"{place.name}/{ROOT}"
    try:
        data = place.get(ROOT)
    except FileNotFoundError:
        unfinished = isinstance(place, Folder) and (place.path / LOCK_FILE).exists()
        found = "an unfinished store: run the ingest again" if unfinished else "no store"
        raise StoreError(f"{place.name} holds {found} (expected {document})") from None
    try:
        attributes: dict[str, Any] = json.loads(data)["attributes"][ATTRIBUTES]
        version = attributes["format"]
    except ValueError as error:
        raise StoreError(f"{document} cannot be read ({error}): restore it or ingest again") from error
    except (KeyError, IndexError, TypeError):
        raise StoreError(f"{place.name} is not a Longstride store: make one with `longstride ingest`") from None
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{place.name} has format {version}, this version reads {FORMAT_VERSION}: "
            "ingest it again, or use the version that wrote it"
        )
    if attributes.pop("seal_crc32c", None) != seal(attributes):
        raise StoreError(f"{document} was altered after its commit: restore it from a backup or ingest again")
    return attributes
