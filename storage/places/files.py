"""Files that may come from a stranger: nothing but a file, of a size that makes sense, is opened and read."""

import os
import stat
from pathlib import Path
from typing import IO

from longstride.storage.places.object_answers import PlaceError

__all__ = ["MAX_TEXT_BYTES", "open_file", "read_file"]

MAX_TEXT_BYTES = 64 * 2**20
"""Far more than any file of settings has."""


def open_file(path: Path, *, follow: bool = False) -> IO[bytes]:
    """Open a file to read it without a buffer.

    Raises PlaceError for a pipe, a device or a folder, which could block or never end, and unless `follow` is set,
    which is for paths that the user named, for a link, which could lead elsewhere.
    """
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags)
    except OSError:
        mode = _mode(path)
        if not (stat.S_ISSOCK(mode) or (stat.S_ISLNK(mode) and not follow)):
            raise
        raise _not_a_file(path, mode) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_a_file(path, mode)
    return os.fdopen(descriptor, "rb", buffering=0)


def read_file(path: Path, *, max_bytes: int = MAX_TEXT_BYTES, follow: bool = False) -> bytes:
    """All bytes of a file. Raises PlaceError as `open_file`, and for one of more than `max_bytes` bytes."""
    with open_file(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= max_bytes:
            return file.read()
    raise PlaceError(
        f"{path} has {size:,} bytes, expected at most {max_bytes:,}: check where it is from", code="file-too-large"
    )


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _not_a_file(path: Path, mode: int) -> PlaceError:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    return PlaceError(f"{path} is {kind}: put the file itself there", code="not-a-file")
