"""A cold start: files of which the system keeps nothing in memory."""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["evict"]


def evict(files: Iterable[Path]) -> None:
    """Have the system drop what it keeps of files in memory; what a process still maps stays."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
