"""Rows, segments and the look at files that tests of the writer share."""

from pathlib import Path
from typing import Any

import numpy as np

from longstride.storage.format import StoreLayout
from longstride.storage.series.segments import Segments

LAYOUT = StoreLayout(channels=("a", "b"))


def rows(count: int) -> tuple[Any, Any]:
    """Time and values of `count` rows of LAYOUT."""
    values = np.random.default_rng(count).standard_normal((count, 2), np.float32)
    return np.arange(count, dtype=np.int64), values


def whole(count: int) -> tuple[Segments, tuple[str]]:
    """One segment over all rows."""
    return Segments(np.array([0]), np.array([count]), np.array([0])), ("",)


def tree(path: Path) -> dict[str, bytes]:
    """Every file below `path` with its bytes."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}
