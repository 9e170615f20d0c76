"""Files that are either there whole or not there: temporary file, fsync, rename, fsync of the folder."""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from longstride.storage.errors import StoreError

__all__ = [
    "exchange",
    "make_directory",
    "naming",
    "open_lock",
    "still_named",
    "sync_directory",
    "write_file",
    "write_files",
]

AT_FDCWD = -100
RENAME_EXCHANGE = 2
SYNCS = 8
"""Files and folders that wait for the disk at the same time: it has little more to do for all than for one."""


def write_file(path: Path, parts: Sequence[Any], *, size: int | None = None) -> None:
    """Replace `path` by the bytes of `parts` in one step.

    The file is padded with zeros to `size` bytes (sparse where the file system can). The rename is durable
    only after `sync_directory` of the folder: call that once for many files.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with naming(path), open(temporary, "wb", buffering=0) as file:
            for part in parts:
                view = memoryview(part).cast("B")
                while view:
                    view = view[file.write(view) :]
            if size is not None:
                file.truncate(size)
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # on a full disk it would keep the room that others need
        raise


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write small files, by their paths in a folder that is there, as `write_file` does, in any order.

    They survive a power failure, and so do the folders that are made for them.
    """
    folders = {path for name in files for path in Path(name).parents}
    for path in sorted(folders - {Path()}):
        (folder / path).mkdir(exist_ok=True)
    with ThreadPoolExecutor(SYNCS, thread_name_prefix="longstride-files") as pool:
        for _ in pool.map(lambda name: write_file(folder / name, [files[name]]), files):
            pass
        for _ in pool.map(lambda path: sync_directory(folder / path), folders):
            pass


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let errors of the system say which file it was; those of writing, such as a full disk, do not."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def make_directory(path: Path) -> None:
    """Make a folder, and those above it, that survive a power failure."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(exist_ok=True)
        sync_directory(path.parent)


def open_lock(path: Path) -> IO[str]:
    """Open a file that processes lock, to read and write it; it is made where there is none.

    It may lie in a folder that comes from a stranger: raises StoreError for a link, which could lead to any file,
    and for a pipe, a device or a folder.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _no_lock(path) from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_lock(path)
    return os.fdopen(descriptor, "r+", encoding="utf-8")


def still_named(descriptor: int, path: Path) -> bool:
    """Whether an open file or folder still has this name: another process may have renamed or removed it.

    A lock on one that has not would keep no other process out.
    """
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _no_lock(path: Path) -> StoreError:
    return StoreError(f"{path} is a link, a pipe, a device or a folder: remove it", code="not-a-file")


def sync_directory(path: Path) -> None:
    """Make the renames inside a folder survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exchange(first: Path, second: Path) -> None:
    """Swap two folders or files of one file system in one step, and make that survive a power failure.

    Where the system cannot, three renames in a row do it: a kill between them leaves the first one next to its
    place, under a name that ends in `.tmp`. Raises OSError if one of them is absent or cannot be moved.
    """
    if not _exchange_in_one_step(first, second):
        aside = first.with_name(f".{first.name}.{os.getpid()}.tmp")
        first.rename(aside)
        try:
            second.rename(first)
        except OSError:
            aside.rename(first)
            raise
        aside.rename(second)
    for folder in {first.parent, second.parent}:
        sync_directory(folder)


def _exchange_in_one_step(first: Path, second: Path) -> bool:
    """Whether kernel and file system could; Python has no call for it."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), ctypes.c_uint(RENAME_EXCHANGE)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(code, os.strerror(code), os.fspath(first), None, os.fspath(second))
