"""Opening a store, whichever layout it has and wherever it lies."""

import os

from longstride.storage.store import SeriesStore

__all__ = ["open_store"]


def open_store(path: str | os.PathLike[str]) -> SeriesStore:
    """Open the committed state at `path`: a folder, or where the store is packed a URL (s3://bucket/name) too.

    Raises StoreError where there is no store, or one that is unfinished, altered or of another format version, and
    PlaceError where an object store cannot be reached.
    """
    return SeriesStore.open(path)
