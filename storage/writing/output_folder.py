"""A folder of files that a command writes together: all of them appear in one step, or none.

As with `output_file`, work goes to `.NAME.unfinished`, which is locked while it is written. A process that was
killed leaves that folder, but not the lock: the next one takes it over.
"""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from longstride.storage.atomic import exchange, naming, still_named, sync_directory
from longstride.storage.errors import LongstrideError
from longstride.storage.format import ROOT
from longstride.storage.writing.output import folder_above, unfinished, written_at

__all__ = ["check_output_folder", "output_folder"]

StrPath = str | os.PathLike[str]


def check_output_folder(path: StrPath, mark: str, *, overwrite: bool) -> Path:
    """Where a folder is written that is named by `path`: the folder that a link leads to.

    One that is there may be empty. With `overwrite` it may also be of the same kind: it then has a file `mark`.
    Raises LongstrideError for anything else that is there, and for a URL.
    """
    named, out = written_at(path)
    try:
        mode = out.lstat().st_mode
    except FileNotFoundError:
        return out
    if not stat.S_ISDIR(mode):
        raise LongstrideError(f"{named} is not a folder: give another path", code="path-taken")
    if (out / ROOT).exists():
        raise LongstrideError(f"{named} is a store: give another path", code="path-taken")
    if any(out.iterdir()):
        if not (out / mark).is_file():
            raise LongstrideError(
                f"{named} is a folder of other files, without {mark}: give another path", code="path-taken"
            )
        if not overwrite:
            raise LongstrideError(
                f"{named} is there already: add --overwrite to replace it, or give another path", code="path-taken"
            )
    return out


@contextmanager
def output_folder(path: StrPath, mark: str, *, overwrite: bool = False) -> Iterator[Path]:
    """An empty folder to write files to, which appears as `path` when the block ends without an error.

    It holds files, and no folders. Raises LongstrideError as `check_output_folder`, and where another process is
    writing this folder.
    """
    out = check_output_folder(path, mark, overwrite=overwrite)
    made = unfinished(out)
    with naming(out), folder_above(out), _locked_and_empty(made, out):
        try:
            check_output_folder(path, mark, overwrite=overwrite)  # another process may have written it meanwhile
            yield made
            for file in made.iterdir():
                with open(file, "rb") as written:
                    os.fsync(written.fileno())
            sync_directory(made)
            if out.exists() and any(out.iterdir()):
                with _locked(out, out):  # it comes to lie where another process would take it over
                    exchange(made, out)
                    shutil.rmtree(made)
            else:
                made.rename(out)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        sync_directory(out.parent)


@contextmanager
def _locked_and_empty(made: Path, out: Path) -> Iterator[None]:
    while True:
        made.mkdir(exist_ok=True)
        with _locked(made, out) as is_there:
            if not is_there:
                continue  # renamed or removed by the process that held it
            for left in made.iterdir():
                left.unlink()
            yield
            return


@contextmanager
def _locked(folder: Path, out: Path) -> Iterator[bool]:
    """Hold a folder; the kernel frees it when the process dies. Gives whether it still has its name."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LongstrideError(
                f"{out} is being written by another process: wait for it to end, or stop it", code="output-locked"
            ) from None
        yield still_named(descriptor, folder)
    finally:
        os.close(descriptor)
