"""Opening a store, whichever layout it has and wherever it lies."""

import os

from longstride.storage.document import read_attributes
from longstride.storage.errors import StoreError
from longstride.storage.location import Folder, place_of
from longstride.storage.mapped.store import MappedStore
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore

__all__ = ["StoreOrPath", "open_mapped", "open_store", "opened"]

StoreOrPath = SeriesStore | str | os.PathLike[str]


def open_store(path: str | os.PathLike[str]) -> SeriesStore:
    """Open the committed state at `path`: a folder, or where the store is packed a URL (s3://bucket/name) too.

    Raises StoreError where there is no store, or one that is unfinished, altered or of another format version, and
    PlaceError where an object store cannot be reached.
    """
    place = place_of(path)
    attributes = read_attributes(place)
    if "packed" in attributes:
        return PackedStore(place, attributes)
    if not isinstance(place, Folder):
        raise StoreError(
            f"{place.name} is a mapped store, which needs a disk: write a packed one there with `longstride pack`",
            code="not-a-folder",
        )
    return MappedStore(place, attributes)


def opened(store: StoreOrPath) -> SeriesStore:
    """A store as it is, or the one at a path or URL, as `open_store` opens it."""
    return store if isinstance(store, SeriesStore) else open_store(store)


def open_mapped(path: str | os.PathLike[str]) -> MappedStore:
    """Open a store whose rows are arrays in memory. Raises StoreError as `open_store`, and for a packed one."""
    store = open_store(path)
    if not isinstance(store, MappedStore):
        raise StoreError(f"{store.name} is packed: unpack it first with `longstride unpack`", code="store-packed")
    return store
