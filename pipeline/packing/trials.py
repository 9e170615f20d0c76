"""Trying the codecs of the packed layout on samples of a store."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.packed.codecs import CODECS, DEFAULT_CODEC, codec_of
from longstride.storage.store import SeriesStore
from longstride.storage.writing.packed import packing_for

__all__ = ["Trial", "best_of", "try_codecs"]

SAMPLES = 8
SAMPLE_BYTES = 4 * 2**20


class Trial(NamedTuple):
    """Results of a codec on a sample of the values."""

    codec: str
    ratio: float
    """Bytes before, divided by bytes after."""
    megabytes_per_second: float
    """Decoded by one thread."""


def try_codecs(store: SeriesStore) -> list[Trial]:
    """Try each codec on values from all over a store."""
    packing = packing_for(store, DEFAULT_CODEC)
    sample_rows = max(1, SAMPLE_BYTES // (packing.chunk_rows * store.layout.row_arrays["values"].row_bytes))
    sample_rows *= packing.chunk_rows
    starts = np.unique(np.linspace(0, max(0, store.num_rows - sample_rows), SAMPLES).astype(np.int64))
    samples = [store.read(start, min(start + sample_rows, store.num_rows)) for start in starts.tolist()]
    return [_try(name, samples, packing.chunk_rows) for name in CODECS]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest ratio, of codecs that every Zarr tool can read."""
    return max((trial for trial in trials if not codec_of(trial.codec).with_deltas), key=lambda trial: trial.ratio)


def _try(name: str, samples: Sequence[NDArray[np.floating]], chunk_rows: int) -> Trial:
    codec = codec_of(name)
    before = after = 0
    seconds = 0.0
    for sample in samples:
        out = np.empty_like(sample[:chunk_rows])
        for row in range(0, len(sample) - len(out) + 1, max(1, len(out))):
            coded = codec.encode(sample[row : row + len(out)])
            begin = time.perf_counter()
            codec.decode(coded, out)
            seconds += time.perf_counter() - begin
            before += out.nbytes
            after += len(coded)
    return Trial(name, before / after, before / seconds / 1e6)
