"""The order of a lane's slots in each phase of a pool."""

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.ordering.hashing import derive, hashes, permutation

__all__ = ["Turns"]

PRIMES = 2**31 - np.array([1, 19, 61, 69, 85, 99, 105, 151, 159, 171, 225, 249, 295, 325, 379, 399])
"""Multipliers of slot orders: coprime to every number of slots, since each is a larger prime."""
KEPT = 4
"""Orders that are kept: lanes of a pool differ little in their numbers of slots."""


class Turns:
    """Orders of slots, one for each phase: number i comes from (factor * i + shift) modulo the number of slots."""

    def __init__(self, key: int, num_phases: int) -> None:
        """The same key gives the same orders."""
        phase = permutation(derive(key, 1), num_phases)
        bits = hashes(derive(key, 2), phase)
        self.phase = phase[:, None]
        """Phases in the order in which they are served, (phases, 1)."""
        self._factor = PRIMES[(bits & np.uint64(len(PRIMES) - 1)).astype(np.int64)][:, None]
        self._shift = (bits >> np.uint64(33)).astype(np.int64)[:, None]
        self._orders: dict[tuple[int, int], NDArray[np.int64]] = {}

    def order(self, first: int, second: int) -> NDArray[np.int64]:
        """Numbers of the slots of a lane, those of its first half before those of its second, (phases, slots).

        No lane makes a difference: so the order of one serves all that have as many slots.
        """
        if (first, second) not in self._orders:
            if len(self._orders) == KEPT:
                self._orders.clear()
            order = np.empty((len(self.phase), first + second), np.int64)
            order[:, :first] = self._turned(first)
            np.add(self._turned(second), first, out=order[:, first:])
            self._orders[first, second] = order
        return self._orders[first, second]

    def _turned(self, size: int) -> NDArray[np.signedinteger]:
        """The numbers from 0 to `size`, (phases, size)."""
        if not size:
            return np.empty((len(self.phase), 0), np.int64)
        # Half the bits, where they suffice, take a quarter of the time; to divide takes half that of a remainder.
        kind = np.dtype(np.int32 if size**2 < 2**31 else np.int64)
        turned = (self._factor % size).astype(kind) * np.arange(size, dtype=kind)
        turned += (self._shift % size).astype(kind)
        turned -= turned // size * size
        return turned
