"""Making the order of a loader's windows: how many of each store an epoch has, shuffled or in row order."""

import math
from itertools import pairwise

import numpy as np

from longstride.pipeline.loading.balance import balanced_order
from longstride.pipeline.loading.options import DatasetOptions, check_option
from longstride.pipeline.loading.ordering.blocks import Share
from longstride.pipeline.loading.ordering.order import Order, SequentialOrder
from longstride.pipeline.loading.ordering.shuffled import ShuffledOrder
from longstride.pipeline.loading.ordering.stateful import StatefulOrder
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.stores import Collection, Windows
from longstride.storage.errors import LongstrideError

__all__ = ["make_order"]


def make_order(windows: Windows, collection: Collection, options: DatasetOptions) -> Order:
    """Choose the order of windows by the options.

    Raises LongstrideError for weights or a number that do not fit them, and for fewer windows than are needed.
    """
    counts = np.diff(windows.index.offsets[windows.first_segment]).tolist()
    if options.balance is not None:
        _check_number(windows, len(windows.index), 1)
        return balanced_order(windows, collection, options)
    numbers = _windows_of_stores(counts, options)
    _check_number(windows, sum(numbers), options.batch_size if options.shuffle else 1)
    if options.stateful:
        _check_runs(windows.index)
        return StatefulOrder(
            windows.index,
            options.batch_size,
            shuffle=options.shuffle,
            seed=options.seed,
            pool_rows=options.pool_rows,
        )
    if not options.shuffle:
        return SequentialOrder(windows.index, options.batch_size, options.pool_rows)
    bounds = pairwise(windows.first_segment.tolist())
    return ShuffledOrder(
        windows.index,
        options.batch_size,
        lanes=options.resolved_lanes,
        seed=options.seed,
        pool_rows=options.pool_rows,
        block_rows=options.block_rows,
        shares=[Share(*bound, number) for bound, number in zip(bounds, numbers, strict=True)],
    )


def _check_runs(index: WindowIndex) -> None:
    """Raise LongstrideError where a window does not begin where the one before ended."""
    rows = index.window * index.dilation
    dilated = f", which is window * dilation = {rows}" if index.dilation > 1 else ""
    check_option(
        index.stride == rows,
        f"stride={index.stride} with stateful=True: a window has to begin where the one before ended; give "
        f"stride={rows}{dilated}",
    )


def _windows_of_stores(counts: list[int], options: DatasetOptions) -> list[int]:
    """How many windows of each store an epoch has, from those that there are."""
    weights, in_all = options.weights, options.windows_per_epoch
    if not sum(counts) or (weights is None and in_all is None):
        return counts
    total = sum(counts) if in_all is None else in_all
    check_option(
        total >= 1 and (weights is not None or total <= sum(counts)),
        f"windows_per_epoch={in_all}: expected a number from 1 to the {sum(counts):,} windows there are",
    )
    shares = counts if weights is None else [float(weight) for weight in weights]
    check_option(
        len(shares) == len(counts) and min(shares) >= 0 and 0 < sum(shares) < math.inf,
        f"weights={list(shares)} for {len(counts)} stores: expected a number from 0 on for each, not all 0",
    )
    check_option(
        not any(share and not count for share, count in zip(shares, counts, strict=True)),
        "a store with a weight has no windows: leave it out, or use a shorter window",
    )
    # Rounded in all, so that nothing is lost.
    edges = [round(total * sum(shares[:number]) / sum(shares)) for number in range(len(shares) + 1)]
    return [stop - start for start, stop in pairwise(edges)]


def _check_number(windows: Windows, num_windows: int, needed: int) -> None:
    if num_windows >= needed:
        return
    index, num_skipped = windows.index, windows.num_skipped
    longest = int((index.segments.stop - index.segments.start).max(initial=0))
    skipped = f"{num_skipped:,} were left out for missing values or labels; " if num_skipped else ""
    raise LongstrideError(
        f"{num_windows} windows of {index.span} rows fit (the longest segment has {longest} rows), "
        f"{skipped}{'a batch needs ' + str(needed) if needed > 1 else 'expected at least 1'}: "
        "use a shorter window, a smaller stride or a smaller batch",
        code="too-few-windows",
    )
