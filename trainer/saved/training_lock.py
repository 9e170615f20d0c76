"""The lock of a run directory: one training uses it at a time."""

import fcntl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from longstride.storage.atomic import make_directory, open_lock, still_named
from longstride.trainer.errors import RunError

__all__ = ["LOCK", "RunLock"]

LOCK = ".lock"


class RunLock:
    """A run directory that is made, where there is none, and locked."""

    def __init__(self, folder: Path, own: Iterable[Path]) -> None:
        """Lock it, and remove what a training that was killed left half written of its `own` files.

        The end of the process releases it as well. Raises RunError where another training uses it.
        """
        self._path = folder / LOCK
        self._made = [each for each in (folder, *folder.parents) if not each.is_dir()]
        self._is_new = not self._path.exists()
        self._lock: IO[str] | None = None
        try:
            make_directory(folder)
            self._lock = self._locked()
            for file in own:  # a folder of runs may hold files of others
                for left in folder.glob(f".{file.name}.*.tmp"):
                    left.unlink()
        except BaseException:
            self.withdraw()
            raise

    def release(self) -> None:
        """Let another training use the directory."""
        if self._lock:
            self._lock.close()

    def withdraw(self) -> None:
        """Release a directory in which no training began: what was made to lock it is removed."""
        if self._lock and self._is_new:
            self._path.unlink(missing_ok=True)
        self.release()
        with suppress(OSError):  # there are other files
            for folder in self._made:
                folder.rmdir()

    def _locked(self) -> IO[str]:
        while True:
            lock = open_lock(self._path)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if still_named(lock.fileno(), self._path):
                    return lock
                lock.close()  # another training has withdrawn it
            except BlockingIOError:
                lock.close()
                raise RunError(
                    f"another training uses {self._path.parent}: wait for it to end, or stop it", code="run-locked"
                ) from None
            except BaseException:
                lock.close()
                raise
