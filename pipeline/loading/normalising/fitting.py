"""What the rows of splits say about their channels: shift and scale of each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.normalising.quantiles import SAMPLE_ROWS, sample
from longstride.pipeline.loading.serving.stores import columns_of
from longstride.pipeline.loading.splits import Split, Splits, SplitsOfStores, one_split
from longstride.storage.errors import LongstrideError
from longstride.storage.open_data import opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.series.statistics import Statistics

__all__ = ["Numbers", "Part", "numbers_of", "parts_of"]

Numbers = dict[str, float]
"""By channel."""


class Part(NamedTuple):
    """Rows of one store."""

    split: Split
    store: SeriesData


def parts_of(given: Any) -> list[Part]:
    """The rows of a split, or of all of a store, an array or a path; or of several of them.

    Raises LongstrideError for a split that does not know its store.
    """
    several = list(given) if isinstance(given, list | tuple) else [given]
    if not several:
        raise LongstrideError("no split is given: expected at least one", code="option-value")
    return [_part_of(one) for one in several]


def numbers_of(parts: Sequence[Part], names: Sequence[str], kind: str) -> tuple[Numbers, Numbers]:
    """Shift and scale of the named channels, of all these rows together.

    Raises LongstrideError where there is no value, and for infinite ones.
    """
    columns = [columns_of(part.store, names) for part in parts]
    stats = Statistics.merge(
        [_of_columns(part.split.stats(part.store), some) for part, some in zip(parts, columns, strict=True)]
    )
    if not stats.count.any():
        raise LongstrideError("the split has no values: give a split with rows", code="option-value")
    _check_finite(stats, names)
    if kind == "robust":
        num_rows = SAMPLE_ROWS // len(parts)
        rows = [sample(*part, some, num_rows) for part, some in zip(parts, columns, strict=True)]
        shift, spread = _quartiles(np.concatenate(rows))
    elif kind == "minmax":
        shift, spread = stats.minimum, stats.maximum - stats.minimum
    else:
        shift, spread = stats.mean, stats.std
    shift, spread = np.nan_to_num(shift), np.nan_to_num(spread)
    dtype = parts[0].store.dtype
    # Floats of few digits may differ by rounding alone; whole numbers do not.
    smallest = np.finfo(np.float32).eps * np.abs(shift) if dtype.kind == "f" and dtype.itemsize < 8 else 0.0
    scale = np.where(spread > smallest, spread, 1.0)
    return dict(zip(names, shift.tolist(), strict=True)), dict(zip(names, scale.tolist(), strict=True))


def _part_of(given: Any) -> Part:
    if not isinstance(given, Split | Splits | SplitsOfStores):
        store = opened_data(given)
        return Part(Split("all", store.segments, store), store)
    split = one_split(given)
    if split.store is None:
        raise LongstrideError(
            f"the split {split.name!r} does not say of which store it is: make it with a function such as "
            "split_by_time",
            code="option-value",
        )
    return Part(split, split.store)


def _of_columns(stats: Statistics, columns: list[int]) -> Statistics:
    return Statistics(**{name: field[columns] for name, field in vars(stats).items()})


def _check_finite(stats: Statistics, names: Sequence[str]) -> None:
    infinite = np.isinf(stats.minimum) | np.isinf(stats.maximum)
    if infinite.any():
        found = ", ".join(name for name, is_one in zip(names, infinite, strict=True) if is_one)
        raise LongstrideError(
            f"there are infinite values in {found}: store them as missing (NaN)", code="values-infinite"
        )


def _quartiles(rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and distance of the quartiles (N,) of rows, NaN where no value is present."""
    present = ~np.isnan(rows)
    found = np.full((rows.shape[1], 3), np.nan)
    for number in np.flatnonzero(present.any(axis=0)).tolist():
        found[number] = np.quantile(rows[present[:, number], number], [0.25, 0.5, 0.75])
    low, middle, high = found.T
    return middle, high - low
