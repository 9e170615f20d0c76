"""A limit on the memory of a process, page cache included, where the machine lets us set one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["limited_memory"]

# Folder of memory groups, and the file that holds the limit: cgroup version 1, then 2.
PLACES = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max"))


@contextmanager
def limited_memory(megabytes: int) -> Iterator[bool]:
    """Limit this process to so much, page cache included; gives False where the machine does not allow it."""
    for place, limit in PLACES:
        group = Path(place, f"longstride-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / limit).exists():
            before = group.parent / "cgroup.procs"
            (group / limit).write_text(str(megabytes * 10**6))
            (group / "cgroup.procs").write_text(str(os.getpid()))
            try:
                yield True
            finally:
                before.write_text(str(os.getpid()))
                group.rmdir()
            return
        group.rmdir()
    yield False
