"""Reading a store: `SeriesStore.open(path)` and then plain arrays."""

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from storage.errors import StoreError
from storage.format import ATTRIBUTES, FORMAT_VERSION, chunk_file
from storage.mapping import map_chunk_files
from storage.segments import Segments
from storage.statistics import Statistics

__all__ = ["SeriesStore"]


class SeriesStore:
    """One committed state of a store: T rows of N channels. Safe to pickle; a later commit does not change it."""

    def __init__(self, path: Path, root: zarr.Group) -> None:
        """Use `SeriesStore.open`."""
        self.path = path
        self._root = root
        attributes: dict[str, Any] = root.attrs[ATTRIBUTES]  # type: ignore[assignment]
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

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "SeriesStore":
        """Open the committed state at `path`.

        Raises StoreError where there is no store, an unfinished one, or one of another format version.
        """
        path = Path(path)
        document = path / "zarr.json"
        if not document.exists():
            found = "an unfinished store: run the ingest again" if (path / ".lock").exists() else "no store"
            raise StoreError(f"{path} holds {found} (expected {document})")
        try:
            json.loads(document.read_bytes())
            root = zarr.open_group(path, mode="r", use_consolidated=True)
        except ValueError as error:
            raise StoreError(f"{document} cannot be read ({error}): restore it or ingest again") from error
        attributes = root.attrs.get(ATTRIBUTES)
        if not isinstance(attributes, dict):
            raise StoreError(f"{path} is a Zarr group but not a Longstride store: make one with `pipeline ingest`")
        if attributes.get("format") != FORMAT_VERSION:
            raise StoreError(
                f"{path} has format {attributes.get('format')}, this version reads {FORMAT_VERSION}: "
                "ingest it again, or use the version that wrote it"
            )
        return cls(path, root)

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return SeriesStore.open, (self.path,)

    def __repr__(self) -> str:
        return f"SeriesStore({str(self.path)!r}, rows={self.num_rows:,}, channels={len(self.channels)})"

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """N channel names."""
        return self._names("channel")

    @cached_property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each channel, None where unknown."""
        return tuple(self.attributes["units"][channel] for channel in self.channels)

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
        return self._map("labels") if "labels" in self._root else None

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """L label names, empty where the store has no labels."""
        return self._names("label") if "label" in self._root else ()

    @cached_property
    def series(self) -> tuple[str, ...]:
        """Name of each series; one empty name where the log was not keyed."""
        return self._names(self._commit("series"))

    @cached_property
    def segments(self) -> Segments:
        """All segments, in row order."""
        return Segments(*(self._read(self._commit(f"segment_{bound}")) for bound in ("start", "stop", "series")))

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
        stored = self._block_statistics
        blocks = slice(first_block, last_block)
        return Statistics.merge(
            [
                Statistics.of(self.values[start : first_block * self.chunk_rows]),
                Statistics(**{name: field[blocks] for name, field in vars(stored).items()}),
                Statistics.of(self.values[last_block * self.chunk_rows : stop]),
            ]
        )

    @cached_property
    def _block_statistics(self) -> Statistics:
        return Statistics(**{name: self._read(self._commit(f"block_{name}")) for name in _STATISTICS})

    def _commit(self, name: str) -> str:
        return f"commits/{self.generation}/{name}"

    def _check_range(self, start: int, stop: int) -> None:
        if not 0 <= start <= stop <= self.num_rows:
            raise IndexError(f"rows {start}:{stop} are not within the {self.num_rows} rows of {self.path}")

    def _names(self, name: str) -> tuple[str, ...]:
        return tuple(str(item) for item in self._read(name))

    def _read(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = np.asarray(self._root[name][...])  # type: ignore[index]
        return array

    def _map(self, name: str) -> NDArray[Any]:
        array = self._root[name]
        assert isinstance(array, zarr.Array)
        row_shape = array.shape[1:]
        row_bytes = array.dtype.itemsize * int(np.prod(row_shape, dtype=np.int64))
        num_chunks = -(-self.num_rows // self.chunk_rows)
        files = [self.path / chunk_file(name, index, array.ndim) for index in range(num_chunks)]
        mapped = map_chunk_files(files, self.chunk_rows * row_bytes)
        view: NDArray[Any] = mapped.view(array.dtype).reshape(-1, *row_shape)
        return view[: self.num_rows]


_STATISTICS = tuple(Statistics.__dataclass_fields__)
