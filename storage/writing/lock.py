"""The one-writer lock of a folder; unfinished work is removed when it is released, or kept to be resumed."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from longstride.storage.atomic import make_directory, naming, open_lock
from longstride.storage.errors import StoreError, StoreLockedError
from longstride.storage.format import COMMITS, KEPT_GENERATIONS, LOCK_FILE, ROOT, STAGED, chunk_index
from longstride.storage.location import local_path
from longstride.storage.open import open_mapped, open_store
from longstride.storage.store import SeriesStore
from longstride.storage.writing.output import refuse_inside_store

__all__ = ["StoreLock", "check_free", "finish", "refuse_files_of_others", "taken"]


class StoreLock:
    """Holds a folder for one writer. What is not committed is removed at the end, unless it can be resumed.

    The parts that an ingest has read lie in `staged`. That folder is removed when the lock is released, but stays
    after an interruption (KeyboardInterrupt, SystemExit, a kill) and after an error of the system (OSError, such
    as a full disk), so that the next holder resumes from it.
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        """Prepare to hold `path`: a new folder or what an interrupted writer left; with `append`, a store."""
        self.path = local_path(path)
        self.append = append
        self._file: IO[str] | None = None

    @property
    def staged(self) -> Path:
        """The folder, inside that of the store, for unfinished work; the holder of the lock makes it."""
        return self.path / STAGED

    @property
    def is_committed(self) -> bool:
        """Whether there is a store: its root document."""
        return (self.path / ROOT).exists()

    def __enter__(self) -> "StoreLock":
        """Take the lock; nothing is removed yet.

        Raises StoreLockedError while another process holds it, and StoreError where `path` is not what the
        lock is for: a store already, a file or a folder with other files, or with `append`, no store.
        """
        self._check()
        self._file = _acquire(self.path)
        try:
            self._check()  # another writer may have committed, or given up, meanwhile
            if self.staged.is_symlink():
                raise StoreError(
                    f"{self.staged} is a link: remove it, nothing is written through it", code="not-a-file"
                )
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # A disk that is full, or fails, is no fault of the work.
            if isinstance(error, OSError) and self.staged.exists():
                error.add_note(f"what was done is kept in {self.path}, and the same command resumes it")
            elif kind is None or issubclass(kind, Exception):
                shutil.rmtree(self.staged, ignore_errors=True)
            self.clear()
        finally:
            self._release()

    def clear(self) -> None:
        """Remove files that belong to no commit; `staged` stays.

        Raises StoreError if the lock is not held.
        """
        if self._file is None:
            raise StoreError(f"the lock of {self.path} is not held: enter it first", code="writer-closed")
        if self.is_committed:
            _clear_store(open_store(self.path))
        else:
            for entry in _unfinished(self.path):
                if entry.name != STAGED:
                    _remove(entry)

    def _check(self) -> None:
        if self.append:
            open_mapped(self.path)
        else:
            check_free(self.path)

    def _release(self) -> None:
        """Release the lock. Its file is removed last; it stays in an unfinished store, and marks it as ours."""
        assert self._file is not None
        with self._file:
            is_committed = self.is_committed
            if is_committed or not _unfinished(self.path):
                (self.path / LOCK_FILE).unlink(missing_ok=True)
            if not is_committed:
                with suppress(OSError):  # what is unfinished stays
                    self.path.rmdir()
        self._file = None


def finish(path: Path) -> None:
    """Remove what is left in a store of a writer that was killed between its commit and its end.

    Raises StoreLockedError while a writer is at work.
    """
    with _acquire(path):
        shutil.rmtree(path / STAGED, ignore_errors=True)
        _clear_store(open_store(path))
        (path / LOCK_FILE).unlink(missing_ok=True)


def refuse_files_of_others(store: SeriesStore) -> None:
    """Raise StoreError where the folder of a store holds more than the store, before all of it is removed."""
    arrays = {*store.layout.row_arrays, "channel", "label", COMMITS}
    for place, folders, files in os.walk(store.path):
        parents = Path(place).relative_to(store.path).parts
        if not parents and STAGED in folders:
            folders.remove(STAGED)
        others = [name for name in folders if not (name in arrays if not parents else _is_folder(name, parents))]
        others += [name for name in files if not (_is_file(name) or (not parents and name == LOCK_FILE))]
        if others:
            raise StoreError(
                f"{Path(place) / min(others)} is not a part of the store, and would be removed with it: move it "
                "elsewhere first",
                code="path-taken",
            )


def _is_folder(name: str, parents: tuple[str, ...]) -> bool:
    """Whether a folder below the arrays of a store may be its own: chunks, or a commit and the arrays in it."""
    is_commit_array = len(parents) == 2 and parents[0] == COMMITS
    return name.isdecimal() or is_commit_array or (name == "c" and parents != (COMMITS,))


def _is_file(name: str) -> bool:
    is_temporary = name.startswith(".") and name.endswith(".tmp")
    return name == ROOT or name.isdecimal() or chunk_index(name) is not None or is_temporary


def taken(name: object) -> StoreError:
    """The error of a place where there is a store already."""
    return StoreError(f"{name} is a store already: remove it first, or give another path", code="store-exists")


def check_free(path: Path) -> None:
    """Refuse to write over anything but a new folder, or one that an interrupted writer left."""
    if (path / ROOT).exists():
        raise taken(path)
    above = next((folder for folder in path.absolute().parents if folder.exists()), path)
    if not above.is_dir():
        raise StoreError(f"{above} is a file, not a folder: give another path", code="path-taken")
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path} is a file: give the path of a new folder", code="path-taken")
    if path.is_dir() and any(path.iterdir()) and not (path / LOCK_FILE).exists():
        raise StoreError(f"{path} holds other files: give the path of a new folder", code="path-taken")
    refuse_inside_store(path)


def _acquire(path: Path) -> IO[str]:
    """Hold the store's lock for the life of the returned file; the kernel frees it when the process dies."""
    while True:
        make_directory(path)
        try:
            file = open_lock(path / LOCK_FILE)
        except FileNotFoundError:
            continue  # a writer that gave up has just removed the folder
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = file.read().strip() or "unknown"
            file.close()
            raise StoreLockedError(
                f"{path} is being written by another process ({owner}): wait for it to end, or stop it",
                code="store-locked",
            ) from None
        if os.fstat(file.fileno()).st_nlink:
            try:
                with naming(path):
                    file.truncate(0)
                    file.write(f"{os.getpid()} on {os.uname().nodename}")
                    file.flush()
            except OSError:
                with suppress(OSError):
                    if not _unfinished(path):
                        (path / LOCK_FILE).unlink()
                        path.rmdir()
                    file.close()
                raise
            return file
        file.close()  # removed by a writer that gave up: a lock on it would keep no other writer out


def _unfinished(path: Path) -> list[Path]:
    """What a folder without a root document holds, apart from the lock file."""
    return [entry for entry in path.iterdir() if entry.name != LOCK_FILE]


def _clear_store(store: SeriesStore) -> None:
    """Remove chunks and files that an interrupted append left, and commits that are too old to keep.

    Nothing else: a store may hold files of other programs.
    """
    num_chunks = -(-store.num_rows // store.chunk_rows)
    for name in store.layout.row_arrays:
        for file in store.path.glob(f"{name}/c.*"):
            index = chunk_index(file.name)
            if index is not None and index >= num_chunks:
                file.unlink()
    for folder in store.path.glob("commits/*"):
        if folder.name.isdecimal() and not 0 <= store.generation - int(folder.name) < KEPT_GENERATIONS:
            _remove(folder)
    for place, folders, names in os.walk(store.path):
        if STAGED in folders:
            folders.remove(STAGED)
        for name in names:
            if name.startswith(".") and name.endswith(".tmp"):
                (Path(place) / name).unlink()


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()  # of a link, the link
