"""Count, mean, spread and range by channel, of any rows, merged exactly from parts.

Partial results are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
computing sample variances" (1979).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longstride.storage.html.table import html_table
from longstride.storage.text import counted

__all__ = ["Statistics"]

STRIP_BYTES = 2**18
"""A strip of rows stays in the processor's cache while it is read three times."""

# Channels without a value give NaN and infinite values infinity: both are answers, not accidents.
_quiet = np.errstate(all="ignore")


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Statistics of N channels over some rows, missing values left out; every field has shape (..., N)."""

    count: NDArray[np.int64]
    """Values that are not missing."""
    mean: NDArray[np.float64]
    """NaN where count is 0."""
    m2: NDArray[np.float64]
    """Sum of squared distances from the mean."""
    minimum: NDArray[np.float64]
    """NaN where count is 0."""
    maximum: NDArray[np.float64]
    """NaN where count is 0."""

    @property
    @_quiet
    def std(self) -> NDArray[np.float64]:
        """Population standard deviation; 0 of a constant, without rounding, and NaN where count is 0."""
        spread = np.sqrt(self.m2 / self.count)
        return np.where(self.minimum == self.maximum, 0.0, spread)

    def _repr_html_(self) -> str:
        """In a notebook: a table by channel, over all blocks if these are statistics of several."""
        total = Statistics.merge([self])
        figures = (total.count, total.mean, total.std, total.minimum, total.maximum)
        rows = zip(range(len(total.count)), *(figure.tolist() for figure in figures), strict=True)
        columns = ["channel", "values", "mean", "std", "minimum", "maximum"]
        return html_table(f"Statistics of {counted(len(total.count), 'channel')}", columns, rows)

    @staticmethod
    def of(values: NDArray[np.floating]) -> "Statistics":
        """Statistics (N,) of the rows of `values` (rows, N), NaN being missing."""
        num_rows, num_channels = values.shape
        strip_rows = max(1, STRIP_BYTES // (8 * num_channels))
        strips = [_of_strip(values[row : row + strip_rows]) for row in range(0, num_rows, strip_rows)]
        return Statistics.merge(strips) if strips else Statistics.empty(num_channels)

    @staticmethod
    def empty(num_channels: int) -> "Statistics":
        """Statistics (N,) of no rows at all."""
        nan = np.full(num_channels, np.nan)
        return Statistics(
            count=np.zeros(num_channels, np.int64),
            mean=nan,
            m2=np.zeros(num_channels),
            minimum=nan,
            maximum=nan,
        )

    @staticmethod
    @_quiet
    def merge(parts: Sequence["Statistics"]) -> "Statistics":
        """Statistics (N,) of the rows of all parts together; each part has fields (N,) or (P, N)."""
        count = np.vstack([part.count for part in parts])
        mean = np.vstack([part.mean for part in parts])
        m2 = np.vstack([part.m2 for part in parts])
        total = count.sum(axis=0)
        merged_mean = (count * np.where(count > 0, mean, 0.0)).sum(axis=0) / total
        distance = np.where(count > 0, mean - merged_mean, 0.0)
        return Statistics(
            count=total,
            mean=merged_mean,
            m2=m2.sum(axis=0) + (count * distance**2).sum(axis=0),
            minimum=np.fmin.reduce(np.vstack([part.minimum for part in parts]), axis=0),
            maximum=np.fmax.reduce(np.vstack([part.maximum for part in parts]), axis=0),
        )


@_quiet
def _of_strip(values: NDArray[np.floating]) -> Statistics:
    wide = values.astype(np.float64)
    minimum, maximum = np.fmin.reduce(wide, axis=0), np.fmax.reduce(wide, axis=0)
    count = np.full(wide.shape[1], wide.shape[0], np.int64)
    mean = wide.mean(axis=0)
    if np.isnan(mean).any():
        missing = np.isnan(wide)
        count = (~missing).sum(axis=0)
        mean = np.where(missing, 0.0, wide).sum(axis=0) / count
        distance = np.where(missing, 0.0, wide - mean)
    else:
        distance = np.subtract(wide, mean, out=wide)
    return Statistics(
        count=count,
        mean=mean,
        m2=np.einsum("rn,rn->n", distance, distance),
        minimum=minimum,
        maximum=maximum,
    )
