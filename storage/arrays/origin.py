"""Where rows that are read piece by piece come from, so that a cache knows when they were changed."""

import os
from pathlib import Path
from typing import Any

__all__ = ["origin_of"]


def origin_of(array: Any) -> list[Any] | None:
    """Files with their sizes and times of change, and the name within them; None where that is not known."""
    name = str(getattr(array, "name", ""))
    if hasattr(array, "dask"):
        return ["dask", name]  # a digest of all that it is computed of
    source = getattr(array, "encoding", {}).get("source")  # xarray
    source = source or getattr(getattr(array, "file", None), "filename", None)  # h5py
    root = getattr(getattr(array, "store", None), "root", None)  # zarr, in a folder
    if root is not None:
        return [_state(path) for path in sorted(Path(root).rglob("*")) if path.is_file()] + [name]
    if isinstance(source, str) and Path(source).is_file():
        return [_state(Path(source)), name]
    return None


def _state(path: Path) -> list[Any]:
    found = path.stat()
    return [os.path.abspath(path), found.st_size, found.st_mtime_ns]  # noqa: PTH100 (links are kept)
