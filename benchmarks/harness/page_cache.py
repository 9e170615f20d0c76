"""Cold starts: files of which the system keeps nothing in memory, and how it reads them again."""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["evict", "read_around_kib"]


def evict(files: Iterable[Path]) -> None:
    """Have the system drop what it keeps of files in memory; what a process still maps stays."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.fdatasync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def read_around_kib(path: Path) -> int | None:
    """KiB that the system reads around a missing page of a mapped file; None where Linux does not report it."""
    device = path.stat().st_dev
    disk = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for queue in (disk / "queue", disk.parent / "queue"):  # of a partition, its disk's
        if queue.exists():
            return int((queue / "read_ahead_kb").read_text())
    return None
