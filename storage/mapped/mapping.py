"""Chunk files of equal size, mapped at consecutive addresses: one contiguous array without a copy.

An uncompressed chunk file holds exactly its rows. One anonymous reservation of address space, then one fixed
mapping a file over it, and the whole array is one block of memory that every process on the machine shares
through the page cache.
"""

import ctypes
import errno
import mmap
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import StoreError
from longstride.storage.places.files import open_file

__all__ = ["allow_large_pages", "libc", "map_chunk_files"]

PROT_NONE = 0
MAP_FIXED = 0x10  # the same on Linux, macOS and the BSDs; Python's mmap module does not export it
HUGE_BYTES = 2**21
"""Size of a large page."""
MAP_FAILED = ctypes.c_void_p(-1).value


def map_chunk_files(paths: Sequence[Path], chunk_bytes: int) -> NDArray[np.uint8]:
    """Map files of `chunk_bytes` each, in order, and return their bytes as one (len(paths) * chunk_bytes,) array.

    The array is read-only, and so is the memory under it. The mapping lives as long as anything refers to the
    array or to a view of it.

    Raises StoreError where a file is missing or of another size, or where the machine allows no more mappings.
    """
    if chunk_bytes % mmap.PAGESIZE:
        return _copy(paths, chunk_bytes)
    total = len(paths) * chunk_bytes
    reserved = _mmap(None, total + HUGE_BYTES, PROT_NONE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)
    address = reserved + -reserved % HUGE_BYTES
    memory = (ctypes.c_ubyte * total).from_address(address)
    weakref.finalize(memory, libc().munmap, reserved, total + HUGE_BYTES).atexit = False
    for index, path in enumerate(paths):
        with _open_chunk(path, chunk_bytes) as file:
            flags = mmap.MAP_SHARED | MAP_FIXED
            _mmap(address + index * chunk_bytes, chunk_bytes, mmap.PROT_READ, flags, file.fileno())
    array = np.frombuffer(memoryview(memory).toreadonly(), np.uint8)
    allow_large_pages(array)
    return array


def allow_large_pages(values: NDArray[Any]) -> None:
    """Let the system map an array 2 MB at a time where it can: short windows are then copied a third faster.

    Linux does for memory of a process; and for files, if the file system keeps large folios (xfs, ext4 from 6.16
    on) and the file is read from disk after this call, or was written in large pieces. The call itself reads
    nothing. Pages that the array shares with other memory at its ends are left as they are.
    """
    if not hasattr(mmap, "MADV_HUGEPAGE") or 0 in values.shape:
        return
    reach = sum((count - 1) * step for count, step in zip(values.shape, values.strides, strict=True))
    begin = values.ctypes.data
    aligned = begin + -begin % mmap.PAGESIZE
    size = (begin + reach + values.itemsize - aligned) // mmap.PAGESIZE * mmap.PAGESIZE
    if size > 0:
        libc().madvise(ctypes.c_void_p(aligned), ctypes.c_size_t(size), mmap.MADV_HUGEPAGE)


def _copy(paths: Sequence[Path], chunk_bytes: int) -> NDArray[np.uint8]:
    """Read chunks that are not whole pages and cannot be mapped, such as a few bytes of labels a row."""
    parts = []
    for path in paths:
        with _open_chunk(path, chunk_bytes) as file:
            parts.append(np.frombuffer(file.read(chunk_bytes), np.uint8))
    copied = np.concatenate(parts)
    copied.flags.writeable = False
    return copied


@contextmanager
def _open_chunk(path: Path, chunk_bytes: int) -> Iterator[IO[bytes]]:
    try:
        file = open_file(path)
    except FileNotFoundError:
        raise StoreError(
            f"chunk {path} is missing: restore it from a backup or ingest again", code="store-damaged"
        ) from None
    with file:
        size = os.fstat(file.fileno()).st_size
        # A shorter file would kill the reader with SIGBUS on first touch.
        if size != chunk_bytes:
            raise StoreError(
                f"chunk {path} has {size:,} bytes, expected {chunk_bytes:,}: restore it or ingest again",
                code="store-damaged",
            )
        yield file


def _mmap(address: int | None, length: int, protection: int, flags: int, descriptor: int) -> int:
    result: int | None = libc().mmap(address, length, protection, flags, descriptor, 0)
    if result is None or result == MAP_FAILED:
        code = ctypes.get_errno()
        # Only the number of mappings is scarce: the address space is reserved before.
        remedy = "; raise vm.max_map_count (sysctl)" if code == errno.ENOMEM and address is not None else ""
        raise StoreError(f"mapping {length:,} bytes failed: {os.strerror(code)}{remedy}", code="mapping-failed")
    return result


@cache
def libc() -> ctypes.CDLL:
    """The C library, with what maps memory."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int64,
    ]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return libc
