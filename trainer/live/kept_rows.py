"""What is kept of each series: the rows that the next window begins with, as the model sees them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.errors import LongstrideError
from longstride.trainer.errors import ScoresError
from longstride.trainer.live.arrivals import Arrivals

__all__ = ["KeptRows"]

FIRST_SERIES = 16
"""Room for this many is made at first, and twice as much when it is full."""


class KeptRows:
    """Of each of S series the last K - 1 rows, whatever segment they are of, and where the last one is."""

    def __init__(
        self, window: int, num_channels: int, max_series: int, others: Mapping[str, NDArray[Any]]
    ) -> None:
        """`others` are further arrays to keep, of no series yet."""
        self._max_series = max_series
        self._kept = window - 1
        self.names: dict[str, int] = {}
        """The number of each series."""
        self._names: list[str] = []
        self.arrays: dict[str, NDArray[Any]] = {
            "inputs": np.zeros((0, window - 1, num_channels), np.float32),
            "mask": np.zeros((0, window - 1, num_channels), bool),
            "length": np.zeros(0, np.int64),
            "time": np.zeros(0, np.int64),
            "has_time": np.zeros(0, bool),
            **others,
        }
        """(S, ...): normalised rows and their mask (S, K - 1, N), rows of the segment so far, and the time of the
        last row, where rows have times."""

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The number of the series of each row; new ones are remembered.

        Raises ScoresError for more series than are allowed.
        """
        new = [name for name in dict.fromkeys(names) if name not in self.names]
        if len(self.names) + len(new) > self._max_series:
            raise ScoresError(
                f"{new[-1]!r} would be series {len(self.names) + len(new):,}: at most {self._max_series:,} are "
                "remembered; check which field names the series, or give a larger max_series",
                code="too-many-series",
            )
        for name in new:
            self.names[name] = len(self.names)
            self._names.append(name)
        if len(self.names) > len(self.arrays["length"]):
            room = max(FIRST_SERIES, len(self.names), 2 * len(self.arrays["length"]))
            self.arrays = {name: _longer(array, room) for name, array in self.arrays.items()}
        return np.array([self.names[name] for name in names], np.int64)

    @contextmanager
    def forgetting(self, *, always: bool = False) -> Iterator[None]:
        """Forget series that are new within, where an error comes, or always."""
        known = len(self._names)
        try:
            yield
        except LongstrideError:
            self._forget(known)
            raise
        if always:
            self._forget(known)

    def _forget(self, known: int) -> None:
        for name in self._names[known:]:
            del self.names[name]
        del self._names[known:]

    def name_of(self, number: int) -> str:
        """The name of a series."""
        return self._names[number]

    def names_of(self, numbers: NDArray[np.int64]) -> tuple[str, ...]:
        """The names of some series."""
        return tuple(self._names[number] for number in numbers.tolist())

    def used(self) -> dict[str, NDArray[Any]]:
        """The arrays, of the series that there are."""
        return {name: array[: len(self._names)] for name, array in self.arrays.items()}

    def replace(self, names: list[str], arrays: dict[str, NDArray[Any]]) -> None:
        """Keep what `used` gave, of these series, instead."""
        self._names, self.names, self.arrays = names, {name: at for at, name in enumerate(names)}, arrays

    def joined(
        self, rows: Arrivals, inputs: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
        """Sorted rows (B, N) and their mask behind the kept rows of their series, one series after another.

        The third array (B,) has for each of them the place where the window begins that it ends.
        """
        kept = self._kept
        start = rows.first[rows.group] + rows.group * kept + rows.within
        if not kept:
            return inputs, mask, start
        all_inputs = np.empty((len(inputs) + len(rows.first) * kept, inputs.shape[1]), np.float32)
        all_mask = np.empty(all_inputs.shape, bool)
        for whole, old, new in (
            (all_inputs, self.arrays["inputs"], inputs),
            (all_mask, self.arrays["mask"], mask),
        ):
            by_series = _by_series(whole, rows)
            if by_series is not None:
                by_series[:, :kept] = old[rows.series]
                by_series[:, kept:] = new.reshape(len(rows.series), -1, new.shape[1])
            else:
                places = (rows.first + np.arange(len(rows.first)) * kept)[:, None] + np.arange(kept)
                whole[places] = old[rows.series]
                whole[start + kept] = new
        return all_inputs, all_mask, start

    def keep(
        self,
        rows: Arrivals,
        inputs: NDArray[np.float32],
        mask: NDArray[np.bool_],
        length: NDArray[np.int64],
        time: NDArray[np.int64] | None,
    ) -> None:
        """Replace what is kept by the ends of what `joined` gave; `length` and `time` (B,) are of sorted rows."""
        for name, whole in (("inputs", inputs), ("mask", mask)):
            by_series = _by_series(whole, rows)
            if by_series is not None:
                self.arrays[name][rows.series] = by_series[:, by_series.shape[1] - self._kept :]
            else:
                stop = rows.first + rows.counts + (np.arange(len(rows.first)) + 1) * self._kept
                self.arrays[name][rows.series] = whole[stop[:, None] - self._kept + np.arange(self._kept)]
        self.arrays["length"][rows.series] = length[rows.last]
        self.arrays["has_time"][rows.series] = time is not None
        if time is not None:
            self.arrays["time"][rows.series] = time[rows.last]


def _by_series(whole: NDArray[Any], rows: Arrivals) -> NDArray[Any] | None:
    """Rows of one series after another as (G, rows, N), without a copy; None where some have more than others."""
    if not len(rows.counts) or (rows.counts != rows.counts[0]).any():
        return None
    return whole.reshape(len(rows.counts), -1, whole.shape[1])


def _longer(array: NDArray[Any], length: int) -> NDArray[Any]:
    longer = np.zeros((length, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer
