"""How much memory there is."""

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["memory_of_machine"]

CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


def memory_of_machine() -> int:
    """Bytes of memory that the machine has, or that a container may use of it."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    with suppress(OSError, ValueError):  # there is none, or it says "max"
        limits.append(int(CONTROL_GROUP.read_text()))
    return min(limits)
