"""Memory that glibc keeps between the steps of a training, instead of giving it back to the system after each."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["memory_kept"]

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Of `malloc.h`."""
KEPT = {M_MMAP_THRESHOLD: 2**30, M_TRIM_THRESHOLD: 2**30, M_TOP_PAD: 2**26}
"""Blocks below a gigabyte come from the heap, which keeps as much: the next step takes what one has freed."""
USUAL = {M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26, M_TOP_PAD: 2**17}
"""Where glibc's own thresholds are once a program has freed a large block."""


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let glibc keep memory meanwhile, and give it back at the end; nothing where another allocator is at work.

    Thresholds that the environment sets (`MALLOC_TRIM_THRESHOLD_`, `GLIBC_TUNABLES`, ...) are left as they are.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    for parameter, size in KEPT.items():
        libc.mallopt(parameter, size)
    try:
        yield
    finally:
        for parameter, size in USUAL.items():
            libc.mallopt(parameter, size)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library, if its thresholds are ours to set."""
    is_set = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if is_set or platform.libc_ver()[0] != "glibc" or os.environ.get("LD_PRELOAD"):
        return None
    return ctypes.CDLL(None)
