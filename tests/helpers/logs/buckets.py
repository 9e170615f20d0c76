"""Buckets of a few rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest import mock

import numpy as np
from hypothesis import strategies as st

from longstride.pipeline.ingest.writing import buckets

SIZES = st.tuples(st.sampled_from([1, 50, 120, 400]), st.integers(1, 900))
"""piece_bytes and bucket_bytes."""


@contextmanager
def tiny_buckets() -> Iterator[None]:
    """Buckets of a few rows, though samples are at least that far apart otherwise."""
    with mock.patch.object(buckets, "MIN_SPACING", 1):
        yield


def mean(values: Sequence[int | None]) -> float:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else np.nan
