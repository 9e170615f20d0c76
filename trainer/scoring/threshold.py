"""The threshold: a score that few normal rows exceed."""

import numpy as np
from numpy.typing import NDArray

from longstride.storage.packages import needs
from longstride.trainer.scoring.settings import Rule

__all__ = ["independent_rows", "threshold_of"]

TAIL = 0.98
"""Peaks over the threshold are the scores above this share of all."""


def threshold_of(scores: NDArray[np.float64], alarms: float, rule: Rule) -> float:
    """The score that a share of normal rows exceeds, from scores (M,) of some of them, none of them NaN.

    `quantile` takes the score that at most this share of them exceeds. `tail` fits a generalised Pareto
    distribution to the highest scores (peaks over threshold), and may lie beyond all of them.
    """
    ranked = np.sort(scores)
    if rule == "quantile":
        return float(ranked[len(ranked) - 1 - int(alarms * len(ranked))])
    share = min(max(1 - TAIL, alarms), 1.0)
    start = ranked[len(ranked) - 1 - int(share * len(ranked))]
    peaks = ranked[ranked > start] - start
    if len(peaks) < 2:
        return float(start)
    pareto = needs("scipy.stats").genpareto
    shape, _, scale = pareto.fit(peaks, floc=0.0)
    return float(start + pareto.isf(min(1.0, alarms * len(ranked) / len(peaks)), shape, scale=scale))


def independent_rows(scores: NDArray[np.float64], rows: NDArray[np.int64], threshold: float, window: int) -> int:
    """As how many independent rows the scores count, by those that are above the threshold, or reach it.

    High scores come in groups, since rows that follow each other share a cause and share windows. Those fewer
    than a window apart are one group, and each group counts once.
    """
    high = np.flatnonzero(scores >= min(threshold, scores.max()))
    groups = 1 + int((np.diff(rows[high]) >= window).sum())
    return round(len(scores) * groups / len(high))
