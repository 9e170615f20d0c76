"""`python -m benchmarks shuffle`: how many windows of a batch overlap, ours beside true random order."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.loading.order import ShuffledOrder, lanes_for
from pipeline.loading.windows import WindowIndex
from storage.segments import Segments

__all__ = ["Overlap", "count_overlaps", "draw_batches", "render"]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Pairs of windows of one batch that share a row, over one epoch."""

    num_batches: int
    pairs_per_batch: float
    random_pairs_per_batch: float
    free_share: float
    """Share of batches without any."""


def count_overlaps(num_rows: int, window: int, stride: int, batch: int, seed: int = 0) -> Overlap:
    """Count over the first epoch of one segment, and over as many batches of a random permutation."""
    order = _order(num_rows, window, stride, batch, seed)
    ours = np.array([_pairs(starts, window) for starts in _epoch(order)])
    random = np.random.default_rng(seed).permutation(len(order.index))[: len(ours) * batch] * stride
    theirs = np.array([_pairs(starts, window) for starts in random.reshape(-1, batch)])
    return Overlap(
        num_batches=len(ours),
        pairs_per_batch=float(ours.mean()),
        random_pairs_per_batch=float(theirs.mean()),
        free_share=float((ours == 0).mean()),
    )


def render(overlap: Overlap) -> str:
    """Three lines for a terminal."""
    return "\n".join(
        [
            f"batches of an epoch                 {overlap.num_batches:>12,}",
            f"overlapping pairs a batch           {overlap.pairs_per_batch:>12.4f}",
            f"  in true random order              {overlap.random_pairs_per_batch:>12.4f}",
            f"batches without any                 {overlap.free_share:>12.2%}",
        ]
    )


def draw_batches(path: Path, *, num_rows: int = 40_000, window: int = 512, batch: int = 32, seed: int = 0) -> None:
    """Draw the windows of one batch in row order, in true random order and in ours, overlapping ones in red."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    order = _order(num_rows, window, 1, batch, seed)
    rows = {
        "in row order, stride 1": np.arange(batch) + num_rows // 3,
        "in true random order": np.random.default_rng(seed).integers(0, len(order.index), batch),
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


def _order(num_rows: int, window: int, stride: int, batch: int, seed: int) -> ShuffledOrder:
    segments = Segments(np.array([0]), np.array([num_rows]), np.array([0]))
    return ShuffledOrder(WindowIndex(segments, window, stride), batch, lanes=lanes_for(batch, 1), seed=seed)


def _epoch(order: ShuffledOrder) -> Iterator[NDArray[np.int64]]:
    step = 0
    while step < order.num_steps:
        yield from order.draw(0, step, 0, 1)
        step = order.run_of(step)[1]


def _pairs(starts: NDArray[np.int64], window: int) -> int:
    starts = np.sort(starts)
    return int((np.searchsorted(starts, starts + window) - np.arange(len(starts)) - 1).sum())
