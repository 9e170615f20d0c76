"""Balance: groups of windows by their labels, or weights of a user, and the order that draws from them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.options import DatasetOptions, check_option
from longstride.pipeline.loading.ordering.balanced import MAX_WINDOWS, BalancedOrder
from longstride.pipeline.loading.ordering.weighted import Group, RunsOfWindows, WeightedWindows
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.select import labelled_windows
from longstride.pipeline.loading.serving.stores import Collection, Windows, label_columns_of
from longstride.storage.arrays.frames import array_of
from longstride.storage.errors import LongstrideError
from longstride.storage.series.segments import Segments

__all__ = ["balanced_order"]


def balanced_order(windows: Windows, collection: Collection, options: DatasetOptions) -> BalancedOrder:
    """The order of windows that are drawn by `balance`.

    Raises LongstrideError for a label that a store does not have or no window has, for shares that are none, and
    for weights of another number than there are rows or windows.
    """
    index = windows.index
    num_windows = options.windows_per_epoch or len(index)
    check_option(
        options.batch_size <= num_windows < MAX_WINDOWS,
        f"an epoch of {num_windows:,} windows: expected at least a batch of {options.batch_size:,}, and fewer "
        f"than {MAX_WINDOWS:,}: give another windows_per_epoch",
    )
    by_label = options.balance_by_label
    if by_label is None:
        groups: list[Group] = [WeightedWindows(_window_weights(options.balance, index, collection))]
        shares = [1.0]
    else:
        shares = [1 - sum(by_label.values()), *by_label.values()]
        shares = [0.0 if share < 1e-9 else share for share in shares]
        groups = list(_groups(windows, collection, list(by_label)))
        for name, group, share in zip(("without these labels", *by_label), groups, shares, strict=True):
            check_option(
                len(group) > 0 or not share, f"balance asks for windows {name!r}, and there are none: leave it out"
            )
    return BalancedOrder(
        index,
        groups,
        shares,
        options.batch_size,
        num_windows=num_windows,
        seed=options.seed,
        replacement=options.replacement,
        pool_rows=options.pool_rows,
    )


def _groups(windows: Windows, collection: Collection, labels: Sequence[str]) -> list[RunsOfWindows]:
    """Windows without the labels, those with the first, those with the second but not the first, and so on."""
    index = windows.index
    found = [_labelled(windows, collection, label) for label in labels]
    edges = np.unique(np.concatenate([[0, len(index)], *(ranges.ravel() for ranges in found)])).astype(np.int64)
    first, stop = edges[:-1], edges[1:]
    group = np.zeros(len(first), np.int64)
    for number in range(len(labels), 0, -1):
        ranges = found[number - 1]
        begun = np.searchsorted(np.sort(ranges[:, 0]), first, side="right")
        ended = np.searchsorted(np.sort(ranges[:, 1]), first, side="right")
        group[begun > ended] = number
    return [RunsOfWindows(first[group == number], stop[group == number]) for number in range(len(labels) + 1)]


def _labelled(windows: Windows, collection: Collection, label: str) -> NDArray[np.int64]:
    """Numbers first:stop of windows with a label in a row, (ranges, 2)."""
    index, segments = windows.index, windows.index.segments
    ranges = []
    for number, store in enumerate(collection.stores):
        some = slice(windows.first_segment[number], windows.first_segment[number + 1])
        row = collection.first_row[number]
        mine = Segments(segments.start[some] - row, segments.stop[some] - row, segments.series[some])
        local = WindowIndex(mine, index.window, index.stride, index.horizon, index.gap)
        found = labelled_windows(local, store, label_columns_of(store, [label]))
        ranges.append(found + index.offsets[some.start])
    return np.concatenate(ranges)


def _window_weights(given: Any, index: WindowIndex, collection: Collection) -> NDArray[np.float64]:
    """Weights (W,), from one for each window, or for each row of all stores."""
    try:
        weights = array_of("balance", given).astype(np.float64)
    except LongstrideError:
        raise
    except (TypeError, ValueError):
        check_option(False, f"balance={given!r:.80}: expected shares of labels, or an array of weights")
        raise
    num_rows = int(collection.first_row[-1])
    check_option(
        weights.shape in ((num_rows,), (len(index),)),
        f"balance has shape {weights.shape}: expected one weight for each of the {num_rows:,} rows, or of the "
        f"{len(index):,} windows",
    )
    check_option(
        bool(np.isfinite(weights).all()) and weights.min(initial=0) >= 0,
        "balance has weights that are not numbers from 0 on",
    )
    if len(weights) == num_rows:
        before = np.concatenate([[0.0], np.cumsum(weights)])
        starts = index.starts(np.arange(len(index)))
        weights = before[starts + index.window] - before[starts]
    check_option(0 < float(weights.sum()) < math.inf, "balance gives every window the weight 0")
    return weights
