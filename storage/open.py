"""Opening a store, whichever layout it has and wherever it lies."""

import json
import os
from typing import Any

from longstride.storage.errors import StoreError, coded
from longstride.storage.format import ATTRIBUTES, FORMAT_VERSION, LOCK_FILE, ROOT, seal
from longstride.storage.location import Folder, Place, place_of
from longstride.storage.mapped.store import MappedStore
from longstride.storage.packed.store import PackedStore
from longstride.storage.store import SeriesStore

__all__ = ["StoreOrPath", "open_mapped", "open_store", "opened"]

StoreOrPath = SeriesStore | str | os.PathLike[str]


@coded
def open_store(path: str | os.PathLike[str]) -> SeriesStore:
    """Open the committed state at `path`: a folder, or where the store is packed a URL (s3://bucket/name) too.

    Raises StoreError where there is no store, or one that is unfinished, altered or of another format version, and
    PlaceError where an object store cannot be reached.
    """
    place = place_of(path)
    attributes = _read_attributes(place)
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


def _read_attributes(place: Place) -> dict[str, Any]:
    """Our attributes in the root document, as the last commit wrote them."""
    document = f"{place.name}/{ROOT}"
    try:
        data = place.get(ROOT)
    except FileNotFoundError:
        if isinstance(place, Folder) and (place.path / LOCK_FILE).exists():
            raise StoreError(
                f"{place.name} holds an unfinished store (expected {document}): run the ingest again",
                code="store-unfinished",
            ) from None
        raise StoreError(f"{place.name} holds no store (expected {document})", code="store-missing") from None
    try:
        attributes: dict[str, Any] = json.loads(data)["attributes"][ATTRIBUTES]
        version = attributes["format"]
    except ValueError as error:
        raise StoreError(
            f"{document} cannot be read ({error}): restore it or ingest again", code="store-damaged"
        ) from error
    except (KeyError, IndexError, TypeError):
        raise StoreError(
            f"{place.name} is not a Longstride store: make one with `longstride ingest`", code="store-missing"
        ) from None
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{place.name} has format {version}, this version reads {FORMAT_VERSION}: "
            "ingest it again, or use the version that wrote it",
            code="store-format",
        )
    if attributes.pop("seal_crc32c", None) != seal(attributes):
        raise StoreError(
            f"{document} was altered after its commit: restore it from a backup or ingest again",
            code="store-damaged",
        )
    return attributes
