"""`python -m benchmarks shuffle`: what a batch mixes, by size of the pool, beside true random order."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stores import SEED
from benchmarks.timing import Spread
from longstride.pipeline.loading.ordering.order import POOL_ROWS as DEFAULT_POOL_ROWS
from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder, lanes_for
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.segments import Segments

__all__ = ["Mixing", "as_json", "draw_batches", "measure", "render"]

POOL_ROWS = (2**18, 2**20, 2**22)
MAX_BATCHES_OF_LAGS = 1000
"""Whose windows are compared pair by pair."""


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """What the batches of one epoch are like."""

    pool_rows: int | None
    """None: true random order."""
    num_batches: int
    pairs_per_batch: float
    """Pairs of windows that share a row."""
    free_share: float
    """Share of batches without such a pair."""
    lag_quartiles: tuple[float, float, float]
    """Of the distances in time between two windows of a batch, as shares of the log."""
    lag_distance: Spread
    """Of each batch: how far the distribution of these distances is from that of two random rows, as the largest
    difference of the two cumulative shares (Kolmogorov and Smirnov)."""


def measure(num_rows: int, window: int, stride: int, batch: int) -> list[Mixing]:
    """The first epoch of one segment by size of the pool, then as many batches of a random permutation."""
    found = []
    for pool_rows in POOL_ROWS:
        order = _order(num_rows, window, stride, batch, pool_rows)
        found.append(_mixing(pool_rows, np.array(list(_epoch(order))), num_rows, window))
    random = np.random.default_rng(SEED).permutation(len(order.index))[: order.num_steps * batch] * stride
    return [*found, _mixing(None, random.reshape(-1, batch), num_rows, window)]


def _mixing(pool_rows: int | None, batches: NDArray[np.int64], num_rows: int, window: int) -> Mixing:
    pairs = np.array([_pairs(starts, window) for starts in batches])
    lags = [_lags(starts, num_rows) for starts in batches[:: -(-len(batches) // MAX_BATCHES_OF_LAGS)]]
    low, middle, high = np.quantile(np.concatenate(lags), [0.25, 0.5, 0.75]).tolist()
    return Mixing(
        pool_rows=pool_rows,
        num_batches=len(batches),
        pairs_per_batch=float(pairs.mean()),
        free_share=float((pairs == 0).mean()),
        lag_quartiles=(low, middle, high),
        lag_distance=Spread.of([_distance_from_random(lag) for lag in lags]),
    )


def _lags(starts: NDArray[np.int64], num_rows: int) -> NDArray[np.float64]:
    """Distance of each pair of windows, as a share of the log, in ascending order."""
    first, second = np.triu_indices(len(starts), 1)
    return np.sort(np.abs(starts[first] - starts[second]) / num_rows)


def _distance_from_random(lags: NDArray[np.float64]) -> float:
    # Two random points of a line of length 1 are less than x apart with probability 1 - (1 - x)**2.
    expected = 1 - (1 - lags) ** 2
    steps = np.arange(len(lags) + 1) / len(lags)
    return float(max((expected - steps[:-1]).max(), (steps[1:] - expected).max()))


def render(figures: Sequence[Mixing]) -> str:
    """Table for a terminal."""
    lines = [
        f"{'pool rows':>12} {'batches':>8} {'overlapping pairs':>18} {'free batches':>13} {'lag quartiles':>20}"
        f" {'distance from random':>22}"
    ]
    for row in figures:
        pool = "true random" if row.pool_rows is None else f"{row.pool_rows:,}"
        quartiles = " ".join(f"{quartile:.3f}" for quartile in row.lag_quartiles)
        distance = row.lag_distance
        lines.append(
            f"{pool:>12} {row.num_batches:>8,} {row.pairs_per_batch:>18.4f} {row.free_share:>13.2%}"
            f" {quartiles:>20} {distance.median:>7.3f} ({distance.minimum:.3f} to {distance.maximum:.3f})"
        )
    return "\n".join(lines)


def as_json(figures: Sequence[Mixing], num_rows: int, window: int, stride: int, batch: int) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "shuffle",
        "num_rows": num_rows,
        "window": window,
        "stride": stride,
        "batch": batch,
        "seed": SEED,
        "threads": {"numpy": 1},
        "orders": [asdict(row) for row in figures],
    }


def draw_batches(path: Path, *, num_rows: int = 40_000, window: int = 512, batch: int = 32) -> None:
    """Draw the windows of one batch in row order, in true random order and in ours, overlapping ones in red."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    order = _order(num_rows, window, 1, batch)
    rows = {
        "in row order, stride 1": np.arange(batch) + num_rows // 3,
        "in true random order": np.random.default_rng(SEED).integers(0, len(order.index), batch),
        "in Longstride's order": next(_epoch(order)),
    }
    figure, axes = pyplot.subplots(3, 1, figsize=(9, 4.6), sharex=True, layout="constrained")
    for axis, (title, starts) in zip(axes, rows.items(), strict=True):
        starts = np.sort(starts)
        near = np.diff(starts) < window
        shares = np.concatenate([near, [False]]) | np.concatenate([[False], near])
        for level, (start, overlaps) in enumerate(zip(starts, shares, strict=True)):
            axis.barh(level, window, left=start, height=0.9, color="#c0392b" if overlaps else "#2471a3")
        pairs = _pairs(starts, window)
        heading = f"{batch} windows of {window} rows {title}: {pairs} overlapping pairs"
        axis.set_title(heading, loc="left", fontsize=10)
        axis.set_yticks([])
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[-1].set_xlabel("row of the log")
    axes[-1].set_xlim(0, num_rows)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _order(
    num_rows: int, window: int, stride: int, batch: int, pool_rows: int = DEFAULT_POOL_ROWS
) -> ShuffledOrder:
    segments = Segments(np.array([0]), np.array([num_rows]), np.array([0]))
    index = WindowIndex(segments, window, stride)
    return ShuffledOrder(index, batch, lanes=lanes_for(batch, 1), seed=SEED, pool_rows=pool_rows)


def _epoch(order: ShuffledOrder) -> Iterator[NDArray[np.int64]]:
    step = 0
    while step < order.num_steps:
        yield from order.draw(0, step, 0, 1)
        step = order.run_of(step)[1]


def _pairs(starts: NDArray[np.int64], window: int) -> int:
    starts = np.sort(starts)
    return int((np.searchsorted(starts, starts + window) - np.arange(len(starts)) - 1).sum())
