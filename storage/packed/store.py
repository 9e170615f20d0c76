"""The packed layout: the same rows, cut into shards and compressed, in a folder or an object store."""

from functools import cached_property
from typing import Any

from longstride.storage.packed.rows import PackedRows
from longstride.storage.packed.shards import Packing
from longstride.storage.places.place import Place
from longstride.storage.store import SeriesStore

__all__ = ["PackedStore"]


class PackedStore(SeriesStore):
    """A store in the packed layout: its rows are decoded, and copied, each time that they are sliced."""

    def __init__(self, place: Place, attributes: dict[str, Any]) -> None:
        """Use `open_store`."""
        super().__init__(place, attributes)
        self.packing = Packing(*(attributes["packed"][field] for field in Packing._fields))
        """How its rows are cut into shards and chunks."""

    @cached_property
    def values(self) -> PackedRows:
        """All values (T, N), NaN being missing."""
        return self.rows("values")

    @cached_property
    def time(self) -> PackedRows:
        """Time of each row (T,), nanoseconds since 1970-01-01 UTC."""
        return self.rows("time")

    @cached_property
    def labels(self) -> PackedRows | None:
        """Labels (T, L), or None where the store has none: for evaluation, never an input."""
        return self.rows("labels") if self.label_names else None

    def rows(self, name: str) -> PackedRows:
        """A new reader of `values`, `time` or `labels`, with threads and a cache of its own."""
        return PackedRows(
            self.place,
            name,
            self.layout.row_arrays[name],
            self.num_rows,
            packing=self.packing,
            check_unchanged=self.check_unchanged,
            shard_sizes=self.attributes["packed"]["shard_bytes"][name],
        )
