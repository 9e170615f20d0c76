"""The state of a detector as bytes: a line of JSON, which says what they are of, and arrays."""

import json
from collections.abc import Mapping
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError

__all__ = ["pack_state", "unpack_state"]

FORMAT = 1
MAX_HEAD = 2**26
MEANING = {
    "model": "another model, or another state of its training",
    "calibration": "another calibration, and scores are smoothed",
}
"""What differs, where a name and two values do not say it."""

Arrays = Mapping[str, NDArray[Any]]


def pack_state(of: Mapping[str, Any], names: list[str], arrays: Arrays) -> bytes:
    """A state of some series, with arrays (S, ...) of each."""
    data = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    body = json.dumps({"format": FORMAT, "of": dict(of), "series": names}).encode() + b"\n" + data
    return f"longstride-detector {google_crc32c.value(body):08x}\n".encode() + body


def unpack_state(
    state: object, of: Mapping[str, Any], arrays: Arrays
) -> tuple[list[str], dict[str, NDArray[Any]]]:
    """Names of series and arrays, of the types and shapes of `arrays` but for the number of series.

    Raises LongstrideError for anything else than a state that is whole and `of` the same.
    """
    if not isinstance(state, bytes | bytearray | memoryview):
        raise _damaged(f"it is a {type(state).__name__}")
    seal, _, body = bytes(state).partition(b"\n")
    if seal != f"longstride-detector {google_crc32c.value(body):08x}".encode():
        raise _damaged("it is not as it was written")
    head, _, data = body.partition(b"\n")
    try:
        about = json.loads(head[:MAX_HEAD])
        version, before, names = about["format"], dict(about["of"]), list(about["series"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged("its head cannot be read") from error
    if version != FORMAT:
        raise LongstrideError(
            f"the state has format {version!r:.40}, this version reads {FORMAT}: begin without it",
            code="state-format",
        )
    different = [
        MEANING.get(name, f"{name} was {before.get(name)!r:.40} and is {of.get(name)!r}")
        for name in sorted({*before, *of})
        if before.get(name) != of.get(name)
    ]
    if different:
        raise LongstrideError(
            f"the state is of another detector: {'; '.join(different)}. Give the run and the options of that "
            "detector, or begin without the state",
            code="state-differs",
        )
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise _damaged("names of series are repeated, or are no texts")
    return names, _arrays(data, len(names), arrays)


def _arrays(data: bytes, num_series: int, arrays: Arrays) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for name, array in arrays.items():
        shape = (num_series, *array.shape[1:])
        size = int(np.prod(shape)) * array.dtype.itemsize
        if at + size > len(data):
            raise _damaged("its arrays are too short")
        found[name] = np.frombuffer(data[at : at + size], array.dtype).reshape(shape).copy()
        at += size
    if at != len(data):
        raise _damaged("its arrays are too long")
    if (found["length"] < 0).any():
        raise _damaged("it holds numbers that no rows have")
    return found


def _damaged(fault: str) -> LongstrideError:
    return LongstrideError(
        f"this is not the state of a detector, or it is damaged ({fault}): begin without it", code="state-format"
    )
