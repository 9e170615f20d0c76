"""Memory that glibc keeps between the steps of a training, instead of giving it back to the system after each."""

import ctypes
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["memory_kept"]

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Of `malloc.h`."""
KEPT = {M_MMAP_THRESHOLD: 2**30, M_TRIM_THRESHOLD: 2**30, M_TOP_PAD: 2**26}
"""Blocks below a gigabyte come from the heap, which keeps as much: the next step takes what one has freed."""
USUAL = {M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26, M_TOP_PAD: 2**17}
"""Where glibc's own thresholds are once a program has freed a large block."""
SET_BY = ("TRIM_THRESHOLD", "TOP_PAD", "MMAP_THRESHOLD", "MMAP_MAX")
"""Names of thresholds in the environment: `MALLOC_TOP_PAD_`, or `glibc.malloc.top_pad` in `GLIBC_TUNABLES`."""

_lock = threading.Lock()
_inside: list[object] = []
"""Trainings that run now: in several threads, or one in the callback of another. The thresholds are those of the
whole process, so the first sets them, and the last puts them back."""


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let glibc keep memory meanwhile, and give it back at the end; nothing where another allocator is at work.

    Thresholds that the environment sets (`MALLOC_TRIM_THRESHOLD_`, `GLIBC_TUNABLES`, ...) are left as they are.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    with _lock:
        if not _inside:
            _keep(libc)
        _inside.append(None)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                _give_back(libc)


def _keep(libc: ctypes.CDLL) -> None:
    for parameter, size in KEPT.items():
        # Older versions of glibc refuse more than the largest that they would choose themselves.
        if not libc.mallopt(parameter, size):
            libc.mallopt(parameter, USUAL[parameter])


def _give_back(libc: ctypes.CDLL) -> None:
    for parameter, size in USUAL.items():
        libc.mallopt(parameter, size)
    libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, if its thresholds are ours to set."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    is_set = any(f"MALLOC_{name}_" in os.environ or f"malloc.{name.lower()}=" in tunables for name in SET_BY)
    if is_set or platform.libc_ver()[0] != "glibc" or os.environ.get("LD_PRELOAD"):
        return None
    return ctypes.CDLL(None)
