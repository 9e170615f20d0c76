"""Randomness as a pure function of a key: the same on every machine, process and library version.

Library generators keep no promise about their streams between versions; a hash of a counter does. The hash is
the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

__all__ = ["derive", "hashes", "permutation", "shuffled"]

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
# As arrays: from a number, numpy makes one in each call, which takes as long as the call on few counters.
_GOLDEN, _MIX_1, _MIX_2, *_SHIFTS = (np.array(number, np.uint64) for number in (GOLDEN, MIX_1, MIX_2, 30, 27, 31))
SORTED_BITS = 40
"""Bits of a hash that decide an order: as many for one group as for a hundred, so that the order of a group does
not depend on the others."""
APART = 512
"""Counters for each call of a sort from which on its overhead is made up for."""


def derive(*parts: int) -> int:
    """Fold integers (seed, epoch, pool ...) into one 64-bit key."""
    key = 0
    for part in parts:
        key = _mix((key + GOLDEN) ^ (part & MASK))
    return key


def hashes(key: int | NDArray[np.uint64], counters: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 random bits for each counter, of the same shape, by one key or one for each."""
    bits = counters.view(np.uint64) * _GOLDEN
    bits += np.asarray(key, np.uint64)
    shifted = bits >> _SHIFTS[0]
    bits ^= shifted
    bits *= _MIX_1
    bits ^= np.right_shift(bits, _SHIFTS[1], out=shifted)
    bits *= _MIX_2
    bits ^= np.right_shift(bits, _SHIFTS[2], out=shifted)
    return bits


def permutation(key: int, length: int) -> NDArray[np.int64]:
    """Permutation of 0..length-1."""
    return shuffled(key, np.arange(length), np.array([length]))


def shuffled(
    key: int | NDArray[np.uint64], counters: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Indices of `counters`, whose groups of `sizes` are each in an order that the counters' hashes give.

    Plain integers are sorted, several times faster than an argsort: the index in the lower bits, SORTED_BITS of
    the hash above; fewer where groups and indices need more than the rest. Groups are sorted apart, in half of the
    time, or, if many of different sizes are small, all at once with the group in the upper bits.
    """
    if not len(counters):
        return np.empty(0, np.int64)
    runs = [(size, len(list(groups))) for size, groups in groupby(sizes.tolist())]
    group_bits = (len(sizes) - 1 - (runs[-1][1] if not runs[-1][0] else 0)).bit_length()
    index_bits = (len(counters) - 1).bit_length()
    other_bits = max(64 - SORTED_BITS, group_bits + index_bits)
    words = hashes(key, counters)
    words >>= np.uint64(other_bits)
    words <<= np.uint64(other_bits - group_bits)
    words |= np.arange(len(counters), dtype=np.uint64)
    if len(words) >= APART * len(runs):
        stop = 0
        for size, groups in runs:
            begin, stop = stop, stop + size * groups
            words[begin:stop].reshape(groups, size).sort(axis=1)
    else:
        if group_bits:
            words |= np.repeat(np.arange(len(sizes), dtype=np.uint64) << np.uint64(64 - group_bits), sizes)
        words.sort()
    words &= np.uint64((1 << index_bits) - 1)
    return words.view(np.int64)


def _mix(bits: int) -> int:
    bits &= MASK
    bits = ((bits ^ (bits >> 30)) * MIX_1) & MASK
    bits = ((bits ^ (bits >> 27)) * MIX_2) & MASK
    return bits ^ (bits >> 31)
