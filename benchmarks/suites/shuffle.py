"""`python -m benchmarks shuffle`: what a batch mixes, by size of the pool, compared with true random order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import JSON, count
from benchmarks.harness.results import SEED, Result
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder

__all__ = ["Mixing", "Shuffle", "draw_batches", "shuffle"]

POOL_ROWS = (2**18, 2**20, 2**22)
MAX_BATCHES_OF_LAGS = 1000
"""Whose windows are compared pair by pair."""

SHUFFLE = """\
## What a batch mixes

Windows of K = {window} at stride {stride}, B = {batch}, of a log of {num_rows:,} rows, by size of the pool and in
true random order: pairs of windows in a batch that share a row, and distances in time between the windows of a
batch as shares of the log. The last column is how far the distances in a batch are from those of random rows
(Kolmogorov and Smirnov).

    python -m benchmarks shuffle
"""


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
    """Quartiles of the distances in time between two windows of a batch, as shares of the log."""
    lag_distance: Spread
    """For each batch: how far the distribution of these distances is from that of two random rows, as the largest
    difference of the two cumulative shares (Kolmogorov and Smirnov)."""


@dataclass(frozen=True, kw_only=True)
class Shuffle(Result):
    """Orders by size of the pool, and true random order."""

    BENCHMARK = "shuffle"
    INTRODUCTION = SHUFFLE
    num_rows: int
    window: int
    stride: int
    batch: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=lambda: {"numpy": 1})
    orders: tuple[Mixing, ...] = ()

    def table(self) -> Table:
        """A row a size of pool."""
        return Table.of(
            self.orders,
            {
                "pool rows": lambda row: f"{row.pool_rows:,}" if row.pool_rows else "true random",
                "overlapping pairs a batch": lambda row: f"{row.pairs_per_batch:.4f}",
                "batches without": lambda row: f"{row.free_share:.2%}",
                "quartiles of distance": lambda row: ", ".join(f"{lag:.3f}" for lag in row.lag_quartiles),
                "from random": lambda row: spread(row.lag_distance),
            },
        )


@click.command(epilog=example("python -m benchmarks shuffle --window 512 --stride 1 --batch 256"))
@count("--rows", 4_000_000, "Rows of the log.", "num_rows")
@count("--window", 512, "Rows of a window.")
@count("--stride", 1, "Rows between starts.")
@count("--batch", 256, "Windows of a batch.")
@click.option("--picture", type=click.Path(path_type=Path), help="Also draw one batch of each order here (PNG).")
@JSON
def shuffle(picture: Path | None, json_path: Path | None, **sizes: Any) -> None:
    """What a batch mixes, by size of the pool, compared with true random order.

    Overlapping pairs of windows; and how far apart in time the windows of a batch lie, compared with random rows.
    """
    if picture:
        draw_batches(picture)
    Shuffle(**sizes, orders=tuple(_measure(**sizes))).show(json_path)


def _measure(num_rows: int, window: int, stride: int, batch: int) -> Iterator[Mixing]:
    """The first epoch of one segment by size of the pool, then as many batches of a random permutation."""
    import numpy as np

    for pool_rows in POOL_ROWS:
        order = _order(num_rows, window, stride, batch, pool_rows=pool_rows)
        yield _mixing(pool_rows, np.array(list(_epoch(order))), num_rows, window)
    random = np.random.default_rng(SEED).permutation(len(order.index))[: order.num_steps * batch] * stride
    yield _mixing(None, random.reshape(-1, batch), num_rows, window)


def _mixing(pool_rows: int | None, batches: "NDArray[np.int64]", num_rows: int, window: int) -> Mixing:
    import numpy as np

    from benchmarks.harness.reading import overlapping_pairs

    pairs = np.array([overlapping_pairs(starts, window) for starts in batches])
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


def _lags(starts: "NDArray[np.int64]", num_rows: int) -> "NDArray[np.float64]":
    """Distance of each pair of windows, as a share of the log, in ascending order."""
    import numpy as np

    first, second = np.triu_indices(len(starts), 1)
    return np.sort(np.abs(starts[first] - starts[second]) / num_rows)


def _distance_from_random(lags: "NDArray[np.float64]") -> float:
    import numpy as np

    # Two random points of a line of length 1 are less than x apart with probability 1 - (1 - x)**2.
    expected = 1 - (1 - lags) ** 2
    steps = np.arange(len(lags) + 1) / len(lags)
    return float(max((expected - steps[:-1]).max(), (steps[1:] - expected).max()))


def draw_batches(path: Path, *, num_rows: int = 40_000, window: int = 512, batch: int = 32) -> None:
    """Draw the windows of one batch in row order, in true random order and in ours, overlapping ones in red."""
    import matplotlib
    import numpy as np

    from benchmarks.harness.reading import overlapping_pairs

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
        pairs = overlapping_pairs(starts, window)
        heading = f"{batch} windows of {window} rows {title}: {pairs} overlapping pairs"
        axis.set_title(heading, loc="left", fontsize=10)
        axis.set_yticks([])
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[-1].set_xlabel("row of the log")
    axes[-1].set_xlim(0, num_rows)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _order(num_rows: int, window: int, stride: int, batch: int, **options: Any) -> "ShuffledOrder":
    import numpy as np

    from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder, lanes_for
    from longstride.pipeline.loading.ordering.windows import WindowIndex
    from longstride.storage.series.segments import Segments

    segments = Segments(np.array([0]), np.array([num_rows]), np.array([0]))
    index = WindowIndex(segments, window, stride)
    return ShuffledOrder(index, batch, lanes=lanes_for(batch, 1), seed=SEED, **options)


def _epoch(order: "ShuffledOrder") -> Iterator["NDArray[np.int64]"]:
    step = 0
    while step < order.num_steps:
        yield from order.draw(0, step, 0, 1)
        step = order.run_of(step)[1]
