"""The lock of a run directory: one training uses it at a time."""

import fcntl
from pathlib import Path
from typing import IO

from longstride.storage.atomic import open_lock
from longstride.trainer.errors import RunError

__all__ = ["LOCK", "lock_run"]

LOCK = ".lock"


def lock_run(folder: Path) -> IO[str]:
    """Lock a run directory, and remove what a training that was killed left in it half written.

    Closing the file releases it, and so does the end of the process. Raises RunError where another training uses
    it.
    """
    lock = open_lock(folder / LOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.glob(".*.tmp"):
            left.unlink()
    except BlockingIOError:
        lock.close()
        raise RunError(
            f"another training uses {folder}: wait for it to end, or stop it", code="run-locked"
        ) from None
    except BaseException:
        lock.close()
        raise
    return lock
