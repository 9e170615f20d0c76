"""Trying the codecs of the packed layout on samples of a store, and the choice between them."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.storage.packed.codecs import CODECS
from longstride.storage.store import SeriesStore
from longstride.storage.writing.packed import packing_for

__all__ = ["Trial", "best_of", "chunks_of", "try_codecs"]

SAMPLES = 8
SAMPLE_BYTES = 2**20
NEARLY = 0.9
"""Of the best ratio: what is given up for a codec that is faster to decode, and that more tools read."""


class Trial(NamedTuple):
    """Results of a codec on a sample of the values."""

    codec: str
    ratio: float
    """Bytes before, divided by bytes after."""
    megabytes_per_second: float
    """Decoded by one thread."""


def try_codecs(store: SeriesStore) -> list[Trial]:
    """Try each codec on values from all over a store."""
    return [_try(name, chunks_of(store, name)) for name in CODECS]


def chunks_of(store: SeriesStore, codec: str) -> list[NDArray[np.floating]]:
    """Chunks (rows, N) from all over a store, as long as a codec codes them; a short store is one chunk."""
    rows = packing_for(store, codec).chunk_rows
    at_a_time = rows * max(1, SAMPLE_BYTES // (rows * store.layout.row_arrays["values"].row_bytes))
    starts = np.unique(np.linspace(0, max(0, store.num_rows - at_a_time), SAMPLES).astype(np.int64))
    samples = [store.read(start, min(start + at_a_time, store.num_rows)) for start in starts.tolist()]
    rows = min(rows, *map(len, samples))
    return [sample[row : row + rows] for sample in samples for row in range(0, len(sample) - rows + 1, rows)]


def best_of(trials: Sequence[Trial]) -> Trial:
    """The fastest to decode of those that are nearly as small as the smallest.

    Which one is faster is known beforehand, from benchmarks: the same store is packed in the same way each time.
    """
    enough = NEARLY * max(trial.ratio for trial in trials)
    return min(
        (trial for trial in trials if trial.ratio >= enough), key=lambda trial: list(CODECS).index(trial.codec)
    )


def _try(name: str, chunks: Sequence[NDArray[np.floating]]) -> Trial:
    codec = CODECS[name]
    out = np.empty_like(chunks[0])
    after = 0
    seconds = 0.0
    for chunk in chunks:
        coded = codec.encode(chunk)
        begin = time.perf_counter()
        codec.decode(coded, out)
        seconds += time.perf_counter() - begin
        after += len(coded)
    before = len(chunks) * out.nbytes
    return Trial(name, before / after, before / seconds / 1e6)
