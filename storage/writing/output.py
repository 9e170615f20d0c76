"""A file that a command writes: refused before the work where it cannot be, held by one process, whole or absent.

Work goes to `.NAME.unfinished`, which is locked as long as it is written, and renamed at the end. A process that
was killed leaves that file, but not the lock: the next one takes it over.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from longstride.storage.atomic import naming, still_named, sync_directory
from longstride.storage.errors import LongstrideError, StoreError
from longstride.storage.format import COMMITS, ROOT
from longstride.storage.location import local_path

__all__ = ["check_output", "folder_above", "output_file", "refuse_inside_store", "unfinished", "written_at"]

StrPath = str | os.PathLike[str]


@contextmanager
def output_file(path: StrPath, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """A new file to write to, which appears as `path` when the block ends without an error, and only then.

    Folders above it are made. What a link names is written, and the link stays. Raises LongstrideError as
    `check_output`, and where another process is writing this file.
    """
    out = check_output(path, overwrite=overwrite)
    with naming(out), folder_above(out):
        file = _acquire(out)
        try:
            check_output(path, overwrite=overwrite)  # another process may have written it meanwhile
            yield file
            file.flush()
            os.fsync(file.fileno())
            unfinished(out).replace(out)
        except BaseException:
            unfinished(out).unlink(missing_ok=True)
            raise
        finally:
            with suppress(OSError):  # what could not be written above cannot be here
                file.close()
        sync_directory(out.parent)


def check_output(path: StrPath, *, overwrite: bool) -> Path:
    """Where a file is written that is named by `path`: the file that a link leads to.

    Raises LongstrideError for a URL, a folder, a pipe or a device, and without `overwrite` for a file that exists.
    """
    named, out = written_at(path)
    try:
        # Of an open pipe, /dev/stdout leads to a name that no file has.
        mode = named.stat().st_mode if named.exists() else out.lstat().st_mode
    except FileNotFoundError:
        return out
    if stat.S_ISDIR(mode):
        raise LongstrideError(f"{named} is a folder: give the path of a file", code="path-taken")
    if not stat.S_ISREG(mode):
        raise LongstrideError(f"{named} is a pipe or a device: give the path of a file", code="path-taken")
    if not overwrite:
        raise LongstrideError(
            f"{named} is there already: add --overwrite to replace it, or give another path", code="path-taken"
        )
    return out


def refuse_inside_store(path: Path) -> None:
    """Raise StoreError for a path inside a store: it could replace a file of the store, or be removed with it."""
    for folder in Path(os.path.realpath(path)).parents:  # it goes round no loop of links
        if (folder / ROOT).is_file() and (folder / COMMITS).is_dir():
            raise StoreError(f"{path} lies inside the store {folder}: give another path", code="path-taken")


def unfinished(out: Path) -> Path:
    """Where a file lies while it is written."""
    return out.with_name(f".{out.name}.unfinished")


def written_at(path: StrPath) -> tuple[Path, Path]:
    """A path as it is named, and what it leads to. Raises LongstrideError where nothing can be written there."""
    named = local_path(path)
    out = Path(os.path.realpath(named))
    above = next(folder for folder in out.parents if folder.exists())
    if not above.is_dir():
        raise LongstrideError(f"{above} is a file, not a folder: give another path", code="path-taken")
    refuse_inside_store(out)
    return named, out


@contextmanager
def folder_above(out: Path) -> Iterator[None]:
    """Make the folders above a file; those that were made go again where nothing was written."""
    made = [folder for folder in out.parents if not folder.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for folder in made:
            sync_directory(folder.parent)
        yield
    except BaseException:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


def _acquire(out: Path) -> IO[bytes]:
    """The unfinished file, empty and locked; the kernel frees it when the process dies."""
    path = unfinished(out)
    while True:
        file = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666), "wb")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise LongstrideError(
                f"{out} is being written by another process: wait for it to end, or stop it", code="output-locked"
            ) from None
        if still_named(file.fileno(), path):
            file.truncate(0)
            return file
        file.close()
