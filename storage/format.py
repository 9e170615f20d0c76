"""Names, attributes and the chunk rule of a store on disk (documented in `docs/format.md`)."""

from dataclasses import dataclass

from storage.errors import StoreError

__all__ = ["ATTRIBUTES", "FORMAT_VERSION", "StoreLayout", "chunk_file", "chunk_rows_for"]

FORMAT_VERSION = 1
ATTRIBUTES = "longstride"
"""Key of our attributes in the root group."""

TIME_ATTRIBUTES = {
    "units": "nanoseconds since 1970-01-01",
    "calendar": "proleptic_gregorian",
    "standard_name": "time",
}
"""CF units, written out: inferred units corrupt stamps on append."""

MAX_CHUNK_BYTES = 8 * 2**20
MIN_CHUNK_ROWS = 1024


def chunk_rows_for(num_channels: int, itemsize: int) -> int:
    """Rows R of one chunk: the largest power of two whose chunk is at most 8 MiB, and at least 1,024.

    A power of two keeps a chunk file of any row array a whole number of pages, which mapping needs.
    """
    rows = MAX_CHUNK_BYTES // (num_channels * itemsize)
    return max(MIN_CHUNK_ROWS, 1 << (rows.bit_length() - 1) if rows else 0)


def chunk_file(array: str, index: int, num_dimensions: int) -> str:
    """Path of chunk `index` along the rows of an array, relative to the store."""
    return f"{array}/c.{index}" + ".0" * (num_dimensions - 1)


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
    """Of `values`: float32 or float64."""

    def __post_init__(self) -> None:
        if not self.channels:
            raise StoreError("a store needs at least one channel")
        for kind, names in (("channel", self.channels), ("label", self.labels)):
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise StoreError(f"{kind} names must be unique, these are repeated: {', '.join(repeated)}")
        if self.dtype not in ("float32", "float64"):
            raise StoreError(f"values are stored as float32 or float64, not {self.dtype}")
        if not self.units:
            object.__setattr__(self, "units", (None,) * len(self.channels))
        if len(self.units) != len(self.channels):
            raise StoreError(f"{len(self.units)} units were given for {len(self.channels)} channels")

    @property
    def chunk_rows(self) -> int:
        """Rows R of one chunk, for every row array."""
        return chunk_rows_for(len(self.channels), int(self.dtype.removeprefix("float")) // 8)
