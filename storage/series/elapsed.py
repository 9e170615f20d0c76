"""The time between two times, which may be longer than int64 nanoseconds reach (292 years)."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["elapsed", "steps_between"]


def elapsed(earlier: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Nanoseconds from one time to another that is not before it, exact for all times of int64."""
    # The difference wraps around where it is too large for int64; as an unsigned number it is right again.
    return (later - earlier).view(np.uint64)


def steps_between(times: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Nanoseconds from each of (rows,) times that do not fall to the next, (rows - 1,)."""
    return elapsed(times[:-1], times[1:])
