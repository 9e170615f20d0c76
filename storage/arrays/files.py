"""Files of one array, mapped: .npy, raw numbers, safetensors."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError
from longstride.storage.location import local_path
from longstride.storage.packages import needs

__all__ = ["is_array_file", "map_file"]

NPY, SAFETENSORS = ".npy", ".safetensors"


def is_array_file(path: str | os.PathLike[str]) -> bool:
    """Whether a path has the name of a file that says itself what array it holds."""
    return Path(os.fspath(path)).suffix.lower() in (NPY, SAFETENSORS)


def map_file(
    path: str | os.PathLike[str], *, dtype: Any = None, width: int | None = None, offset: int = 0, key: str | None
) -> NDArray[Any]:
    """The array of a file, read-only; nothing is read yet.

    With `dtype`, the file is plain numbers, `width` in a row (1 by default), which begin after `offset` bytes.
    `key` names one of several arrays of a safetensors file. Raises LongstrideError where there is no such array.
    """
    file = local_path(path)
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise LongstrideError(
            f"{file} is a folder, a pipe or a device: give the path of a file, which can be mapped",
            code="array-format",
        )
    if dtype is not None:
        try:
            kind = np.dtype(dtype)
        except TypeError as error:
            raise LongstrideError(f"dtype={dtype!r:.80}: {error}", code="option-value") from None
        return _raw(file, kind, 1 if width is None else width, offset)
    if width is not None or offset:
        raise LongstrideError(
            "width and offset describe a file of plain numbers: name their dtype too, such as dtype='float32'",
            code="option-value",
        )
    if file.suffix.lower() == SAFETENSORS:
        return _safetensors(file, key)
    if key is not None:
        raise LongstrideError(f"key={key!r} names an array of a .safetensors file", code="option-value")
    if file.suffix.lower() != NPY:
        raise LongstrideError(
            f"{file} says nothing about the numbers in it: name their dtype and width, or give a .npy or "
            ".safetensors file",
            code="array-format",
        )
    try:
        mapped: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    except (ValueError, EOFError) as error:
        reason = "it holds Python objects" if "object" in str(error) else " ".join(str(error).split())
        raise LongstrideError(f"{file} cannot be mapped as a .npy file: {reason}", code="array-format") from None
    return mapped


def _raw(file: Path, dtype: np.dtype[Any], width: int, offset: int) -> NDArray[Any]:
    row_bytes = dtype.itemsize * width
    size = file.stat().st_size - offset
    if width < 1 or offset < 0 or size < row_bytes or size % row_bytes:
        raise LongstrideError(
            f"{file} has {size:,} bytes after offset={offset}, which are not whole rows of {width} {dtype} "
            f"({row_bytes:,} bytes): check dtype, width and offset",
            code="array-format",
        )
    return np.memmap(file, dtype, "r", offset, (size // row_bytes, width))


def _safetensors(file: Path, key: str | None) -> NDArray[Any]:
    safetensors = needs("safetensors")
    try:
        with safetensors.safe_open(file, framework="pt") as opened:  # numpy's own reader copies the array
            keys = list(opened.keys())
            if key is None and len(keys) == 1:
                key = keys[0]
            if key not in keys:
                shown = ", ".join(sorted(keys)[:20])
                raise LongstrideError(f"{file} holds {shown}: choose one with key=", code="option-value")
            found: NDArray[Any] = opened.get_tensor(key).numpy()
    except safetensors.SafetensorError as error:
        raise LongstrideError(f"{file} cannot be read: {error}", code="array-format") from None
    return found
