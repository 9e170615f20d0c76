"""Names, attributes and the chunk rule of a store on disk (documented in `docs/format.md`)."""

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import google_crc32c
import numpy as np

from longstride.storage.errors import StoreError

__all__ = [
    "ATTRIBUTES",
    "COMMITS",
    "CONSOLIDATED_KEYS",
    "DOCUMENTS",
    "FORMAT_VERSION",
    "IDENTITY",
    "KEPT_GENERATIONS",
    "LOCK_FILE",
    "MAX_DECODED_BYTES",
    "MIN_PACKED_ROWS",
    "ROOT",
    "ROOT_KEYS",
    "STAGED",
    "RowArray",
    "StoreLayout",
    "chunk_file",
    "chunk_index",
    "chunk_rows_for",
    "identity_of",
    "seal",
]

FORMAT_VERSION = 1
ATTRIBUTES = "longstride"
"""Key of our attributes in the root group."""
ROOT = "zarr.json"
"""The document that makes a folder a store: replacing it is the commit."""
ROOT_KEYS = {"zarr_format": 3, "node_type": "group"}
CONSOLIDATED_KEYS = {"kind": "inline", "must_understand": False}
COMMITS = "commits"
"""Group of what each commit says of the rows."""
LOCK_FILE = ".longstride.lock"
"""Lies in a folder while a writer fills it, and after a writer was killed there."""
STAGED = ".staged"
"""Folder, inside that of the store, for the unfinished work of an ingest or a copy."""
IDENTITY = "identity"
"""Key of our attributes that differs from store to store, and from commit to commit."""
DOCUMENTS = "documents_crc32c"
KEPT_GENERATIONS = 8
"""Commits whose small arrays stay, for readers that opened the store before the last append."""

TIME_ATTRIBUTES: dict[str, Any] = {
    "units": "nanoseconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
    "standard_name": "time",
}
"""CF units, written out: inferred units corrupt stamps on append."""

MAX_CHUNK_BYTES = 8 * 2**20
MIN_CHUNK_ROWS = 1024
MAX_DECODED_BYTES = 64 * 2**20
"""The most that is decoded at a time: of a chunk of a packed store, unless it has the fewest rows there can be."""
MIN_PACKED_ROWS = 64
"""The fewest rows of such a chunk, except in stores of even shorter chunks."""


def chunk_rows_for(num_channels: int, itemsize: int) -> int:
    """Rows R of one chunk: the largest power of two whose chunk is at most 8 MiB, and at least 1,024.

    A power of two of at least 1,024 keeps a chunk of values a whole number of pages, which mapping needs.
    """
    rows = MAX_CHUNK_BYTES // (num_channels * itemsize)
    return max(MIN_CHUNK_ROWS, 1 << (rows.bit_length() - 1) if rows else 0)


def chunk_file(array: str, index: int, num_dimensions: int) -> str:
    """Path of chunk `index` along the rows of an array, relative to the store."""
    return f"{array}/c.{index}" + ".0" * (num_dimensions - 1)


def chunk_index(file_name: str) -> int | None:
    """Index along the rows of a chunk file, by its name; None for any other file."""
    found = re.fullmatch(r"c\.(\d+)(\.0)*", file_name)
    return int(found[1]) if found else None


def seal(attributes: dict[str, Any]) -> int:
    """CRC-32C of our attributes alone; spaces, and attributes that others add, do not change it."""
    return int(google_crc32c.value(json.dumps(attributes, sort_keys=True).encode()))


def identity_of(attributes: dict[str, Any]) -> str:
    """SHA-256 of what a commit holds: checksums of its rows and all the rest, but not of its documents.

    Two stores of one identity have the same rows, so that it does no harm to take one for the other.
    """
    held = {key: value for key, value in attributes.items() if key not in (IDENTITY, DOCUMENTS)}
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


class RowArray(NamedTuple):
    """An array with an entry for every row: `time`, `values` or `labels`."""

    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    """() of time, (N,) of values, (L,) of labels."""
    dimensions: tuple[str, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.row_shape)


@dataclass(frozen=True, kw_only=True)
class StoreLayout:
    """What every row of a store has in common, fixed before the first chunk is written."""

    channels: tuple[str, ...]
    """N names, unique."""
    units: tuple[str | None, ...] = ()
    """Unit of each channel, None where unknown; empty means all unknown."""
    labels: tuple[str, ...] = ()
    """L names of label columns."""
    dtype: str = "float32"
    """Type of `values`: float32 or float64."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise StoreError("a store needs at least one channel", code="store-input")
        for kind, names in (("channel", self.channels), ("label", self.labels)):
            repeated = sorted(name for name, count in Counter(names).items() if count > 1)
            if repeated:
                raise StoreError(
                    f"{kind} names must be unique, these are repeated: {', '.join(repeated)}", code="store-input"
                )
        try:
            "".join(map(str, (*self.channels, *self.labels, *self.units))).encode()
        except UnicodeEncodeError as error:
            raise StoreError(f"a name or a unit is not UTF-8: {error.object!r:.80}", code="store-input") from None
        if self.dtype not in ("float32", "float64"):
            raise StoreError(f"values are stored as float32 or float64, not {self.dtype}", code="store-input")
        if not self.units:
            object.__setattr__(self, "units", (None,) * len(self.channels))
        if len(self.units) != len(self.channels):
            raise StoreError(
                f"{len(self.units)} units were given for {len(self.channels)} channels", code="store-input"
            )

    @property
    def chunk_rows(self) -> int:
        """Rows R of one chunk, for every row array."""
        return chunk_rows_for(len(self.channels), np.dtype(self.dtype).itemsize)

    @property
    def row_arrays(self) -> dict[str, RowArray]:
        """The row arrays by name."""
        arrays = {
            "time": RowArray(np.dtype(np.int64), (), ("time",)),
            "values": RowArray(np.dtype(self.dtype), (len(self.channels),), ("time", "channel")),
        }
        if self.labels:
            arrays["labels"] = RowArray(np.dtype(np.int8), (len(self.labels),), ("time", "label"))
        return arrays
