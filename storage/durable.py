"""Files that are either there whole or not there: temporary file, fsync, rename, fsync of the folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["make_directory", "sync_directory", "write_file"]


def write_file(path: Path, parts: Sequence[Any], *, size: int | None = None) -> None:
    """Replace `path` by the bytes of `parts` in one step.

    The file is padded with zeros to `size` bytes (sparse where the file system can). The rename is durable
    only after `sync_directory` of the folder: call that once for many files.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb", buffering=0) as file:
        for part in parts:
            view = memoryview(part).cast("B")
            while view:
                view = view[file.write(view) :]
        if size is not None:
            file.truncate(size)
        os.fsync(file.fileno())
    temporary.replace(path)


def make_directory(path: Path) -> None:
    """Make a folder, and those above it, that survive a power failure."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the renames inside a folder survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
