"""Cutting every series at some positions into parts that follow each other, with rows between them left out."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.geometry.sizes import longest_of
from longstride.pipeline.loading.splits import Split, Splits
from longstride.pipeline.loading.splitting.positions import Cut, Positions
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData

__all__ = [
    "check_filled",
    "check_shares",
    "purged_rows",
    "splits_at",
]


def splits_at(positions: Positions, train_stop: Cut, validation_stop: Cut, purge: int) -> Splits:
    """Training rows before the one, validation rows before the other, then test rows.

    After a cut, the first `purge` rows of a series are left out, unless the series begins there.
    """
    store = positions.store
    parts = []
    for begin, end in pairwise([positions.none, train_stop, validation_stop, positions.count]):
        parts.append(positions.clip(np.where(begin > 0, begin + purge, begin), end))
    train, validation, test = parts
    return Splits(Split("train", train, store), Split("validation", validation, store), Split("test", test, store))


def purged_rows(
    store: SeriesData, window: Length | Sequence[Length], horizon: Length, gap: Length, dilation: int
) -> int:
    """Rows to leave out between two parts: one less than a window (the longest) and its horizon reach over.

    Raises LongstrideError for no window.
    """
    return longest_of(store, window, horizon=horizon, gap=gap, dilation=dilation).span - 1


def check_shares(train: float, validation: float, of: str = "the rows") -> None:
    """Raise LongstrideError unless these are two shares of a whole."""
    if not (0 <= train <= 1 and 0 <= validation <= 1 and train + validation <= 1 + 1e-9):
        raise LongstrideError(
            f"train={train} and validation={validation}: expected two shares of {of} with a sum of at most 1",
            code="option-value",
        )


def check_filled(parts: Sequence[Split], hint: str) -> None:
    """Raise LongstrideError where a split, one of each store, has no row in any of them."""
    if not any(len(part.segments) for part in parts):
        names = ", ".join(part.store.name for part in parts if part.store is not None)
        raise LongstrideError(
            f"the {parts[0].name} split of {names} has no rows: {hint}",
            code="option-value",
        )
