"""How the system keeps files in memory: dropping them, reading them again, and the size of their pages."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

__all__ = ["evict", "large_page_share", "read_around_kib"]


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


def large_page_share(values: NDArray[Any]) -> float:
    """Share of the memory of a contiguous array that this process has mapped in pages of 2 MB or more."""
    begin, stop = values.ctypes.data, values.ctypes.data + values.nbytes
    large = size = 0
    for region in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE):
        if (ends := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", region)) is None:
            continue
        if int(ends[1], 16) < stop and int(ends[2], 16) > begin:
            kib = {name: int(number) for name, number in re.findall(r"^(\w+): +(\d+) kB$", region, re.MULTILINE)}
            size += kib["Size"]
            large += kib["AnonHugePages"] + kib.get("ShmemPmdMapped", 0) + kib.get("FilePmdMapped", 0)
    return large / size
