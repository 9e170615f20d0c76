"""Randomness as a pure function of a key: the same on every machine, process and library version.

Library generators keep no promise about their streams between versions; a hash of a counter does. The hash is
the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["derive", "hashes", "permutation"]

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB


def derive(*parts: int) -> int:
    """Fold integers (seed, epoch, pool ...) into one 64-bit key."""
    key = 0
    for part in parts:
        key = _mix((key + GOLDEN) ^ (part & MASK))
    return key


def hashes(key: int, counters: NDArray[np.integer]) -> NDArray[np.uint64]:
    """64 random bits for each counter, of the same shape."""
    bits = counters.astype(np.uint64)
    bits *= np.uint64(GOLDEN)
    bits += np.uint64(key)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(MIX_1)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(MIX_2)
    bits ^= bits >> np.uint64(31)
    return bits


def permutation(key: int, length: int) -> NDArray[np.int64]:
    """Permutation of 0..length-1: the order of the hashes, which are distinct."""
    return np.argsort(hashes(key, np.arange(length)))


def _mix(bits: int) -> int:
    bits &= MASK
    bits = ((bits ^ (bits >> 30)) * MIX_1) & MASK
    bits = ((bits ^ (bits >> 27)) * MIX_2) & MASK
    return bits ^ (bits >> 31)
