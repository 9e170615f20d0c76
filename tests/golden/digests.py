"""Values that are frozen, and how they are compared.

A value is a sha256 of bytes, a number or None, which must stay equal, or a list of floats in hex: losses, scores.
A matrix product adds up in an order that depends on the CPU and on the version of torch, so their last bits may
differ elsewhere, and a relative difference of TOLERANCE is allowed. To compare every bit on one machine, run
`python -m tests.golden.rewrite` before and after a change: git must show no difference.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["changes", "digest", "hex_of"]

TOLERANCE = 1e-4


def changes(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Names of values that differ, each with both of them."""
    return [
        f"{name}: expected {expected.get(name, 'no such name')}, found {found.get(name, 'no such name')}"
        for name in expected | found
        if name not in expected or name not in found or not _same(expected[name], found[name])
    ]


def _same(expected: Any, found: Any) -> bool:
    if not _is_floats(expected) or not _is_floats(found) or len(expected) != len(found):
        return bool(expected == found)
    pairs = zip(map(float.fromhex, expected), map(float.fromhex, found), strict=True)
    # A score is in standard deviations, and may be near 0.
    return all(
        math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE / 10)
        or (math.isnan(one) and math.isnan(other))
        for one, other in pairs
    )


def _is_floats(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def hex_of(figures: Sequence[float | None]) -> list[str]:
    return [math.nan.hex() if figure is None else float(figure).hex() for figure in figures]


def digest(*items: Any) -> str:
    """Hash texts, bytes, and arrays with their types and shapes."""
    found = hashlib.sha256()
    for data in _bytes_of(items):
        found.update(data)
    return found.hexdigest()


def _bytes_of(items: Sequence[Any]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, bytes | str):
            yield item if isinstance(item, bytes) else item.encode()
        else:
            array = np.ascontiguousarray(item.numpy() if isinstance(item, torch.Tensor) else item)
            yield f"{array.dtype.str}{array.shape}".encode()
            yield array.tobytes()
