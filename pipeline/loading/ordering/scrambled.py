"""Permutations of any size, one number at a time: nothing of the size of the permutation is kept."""

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.hashing import hashes

__all__ = ["scrambled"]

ROUNDS = 4


def scrambled(keys: NDArray[np.uint64], numbers: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the permutation of 0..size-1 that each key stands for takes each number; all of one shape.

    Multiplying by an odd number and folding the upper bits onto the lower ones permute the numbers of k bits.
    A number that leaves 0..size-1 is taken on until it is back: fewer than twice as many steps, on average.
    """
    bits = np.frexp((sizes - 1).astype(np.float64))[1].astype(np.uint64)  # of numbers below 2^53
    mask = (np.uint64(1) << bits) - np.uint64(1)
    fold = (bits + np.uint64(1)) >> np.uint64(1)
    factors = [hashes(keys, np.full(len(keys), number)) | np.uint64(1) for number in range(ROUNDS)]
    result = numbers.astype(np.uint64)
    left = np.arange(len(numbers))
    while len(left):
        value = result[left]
        for factor in factors:
            value = (value * factor[left] + (factor[left] >> np.uint64(32))) & mask[left]
            value ^= value >> fold[left]
        result[left] = value
        left = left[value >= sizes[left].astype(np.uint64)]
    return result.astype(np.int64)
