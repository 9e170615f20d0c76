"""Asking the system to read rows of mapped files from disk before they are needed."""

import ctypes
import mmap
from collections.abc import Sequence
from functools import cache
from threading import Thread
from typing import Any

from numpy.typing import NDArray

from longstride.storage.mapped.mapping import libc

__all__ = ["read_ahead"]

POPULATE_READ = 22
"""Advice of Linux since 5.14: read and map these pages. Python's mmap module does not export it."""
ADVICE_BYTES = 2**19
"""Linux reads no more for one advice than its largest request to the disk."""
NUM_THREADS = 4


def read_ahead(parts: Sequence[NDArray[Any]], *, in_large_pages: bool) -> None:
    """Ask the system to read contiguous views of mapped files from disk; do not wait for it.

    `in_large_pages`: read 2 MB at a time, also what lies around the views, so that it can be mapped that way
    (`allow_large_pages`). What is read otherwise is in small pages for as long as it stays in memory.
    """
    if in_large_pages and _can_populate():
        # The system reads while it is asked. A thread ends by itself, so that a fork meets none that waits.
        for first in range(min(NUM_THREADS, len(parts))):
            Thread(target=_populate, args=(parts[first::NUM_THREADS],), daemon=True).start()
        return
    for part in parts:
        begin, stop = _pages_of(part)
        for address in range(begin, stop, ADVICE_BYTES):
            _advise(address, min(ADVICE_BYTES, stop - address), mmap.MADV_WILLNEED)


def _populate(parts: Sequence[NDArray[Any]]) -> None:
    for part in parts:
        begin, stop = _pages_of(part)
        _advise(begin, stop - begin, POPULATE_READ)


def _pages_of(part: NDArray[Any]) -> tuple[int, int]:
    begin = int(part.ctypes.data)
    return begin - begin % mmap.PAGESIZE, begin + part.nbytes


def _advise(address: int, size: int, advice: int) -> int:
    # A system that cannot take advice reads when the pages are touched.
    code: int = libc().madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), advice)
    return code


@cache
def _can_populate() -> bool:
    # Of no pages: it says whether the advice is known.
    return hasattr(mmap, "MADV_HUGEPAGE") and _advise(mmap.PAGESIZE, 0, POPULATE_READ) == 0
