"""Randomness as a pure function of a key: the same on every machine, process and library version.

Library generators keep no promise about their streams between versions; a hash of a counter does. The hash is
the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["derive", "hashes", "permutation", "shuffled"]

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
SORTED_BITS = 40
"""Bits of a hash that decide an order: as many for one group as for a hundred, so that the order of a group does
not depend on the others."""


def derive(*parts: int) -> int:
    """Fold integers (seed, epoch, pool ...) into one 64-bit key."""
    key = 0
    for part in parts:
        key = _mix((key + GOLDEN) ^ (part & MASK))
    return key


def hashes(key: int | NDArray[np.uint64], counters: NDArray[np.integer]) -> NDArray[np.uint64]:
    """64 random bits for each counter, of the same shape, by one key or one for each."""
    bits = counters.astype(np.uint64)
    bits *= np.uint64(GOLDEN)
    bits += np.asarray(key, np.uint64)
    shifted = bits >> np.uint64(30)
    bits ^= shifted
    bits *= np.uint64(MIX_1)
    bits ^= np.right_shift(bits, np.uint64(27), out=shifted)
    bits *= np.uint64(MIX_2)
    bits ^= np.right_shift(bits, np.uint64(31), out=shifted)
    return bits


def permutation(key: int, length: int) -> NDArray[np.int64]:
    """Permutation of 0..length-1."""
    return shuffled(key, np.arange(length), np.array([length]))


def shuffled(
    key: int | NDArray[np.uint64], counters: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Indices of `counters`, whose groups of `sizes` are each in an order that the counters' hashes give.

    One sort of plain integers, several times faster than an argsort: the group in the upper bits, the index in
    the lower, SORTED_BITS of the hash between them; fewer where groups and indices need more than the rest.
    """
    if not len(counters):
        return np.empty(0, np.int64)
    group_bits = int(np.flatnonzero(sizes)[-1]).bit_length()
    index_bits = (len(counters) - 1).bit_length()
    hash_bits = min(SORTED_BITS, 64 - group_bits - index_bits)
    words = hashes(key, counters)
    words >>= np.uint64(64 - hash_bits)
    words <<= np.uint64(index_bits)
    words |= np.arange(len(counters), dtype=np.uint64)
    if group_bits:
        words |= np.repeat(np.arange(len(sizes), dtype=np.uint64) << np.uint64(hash_bits + index_bits), sizes)
    words.sort()
    words &= np.uint64((1 << index_bits) - 1)
    return words.view(np.int64)


def _mix(bits: int) -> int:
    bits &= MASK
    bits = ((bits ^ (bits >> 30)) * MIX_1) & MASK
    bits = ((bits ^ (bits >> 27)) * MIX_2) & MASK
    return bits ^ (bits >> 31)
