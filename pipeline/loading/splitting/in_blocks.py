"""Folds for cross-validation: blocks of time, each of which is validated on once."""

from collections.abc import Sequence

import numpy as np

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.splits import Split, Splits
from longstride.pipeline.loading.splitting.cuts import check_filled, purged_rows
from longstride.pipeline.loading.splitting.positions import Cut, Positions
from longstride.pipeline.loading.splitting.stores import gives_folds
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = ["split_in_blocks"]


@gives_folds
def split_in_blocks(
    stores: Sequence[SeriesData],
    *,
    window: Length | Sequence[Length],
    horizon: Length = 0,
    gap: Length = 0,
    dilation: int = 1,
    blocks: int = 5,
    past_only: bool = False,
) -> list[list[Splits]]:
    """Cut every series at the same times into blocks of equally many rows, and give a fold for each.

    A fold validates on its block and trains on all others; its test split is empty. In each series, K + H - 1
    training rows (with a gap or dilation, one less than a window and its horizon reach over) are left out on both
    sides of the block. With `past_only`, a fold trains on the blocks before its own alone, and there is none for
    the first block. The shares are of the rows of a store; several stores are each cut at times of their own.
    Raises LongstrideError for fewer than 2 blocks, more blocks than rows, and for no window.
    """
    if blocks < 2:
        raise LongstrideError(f"blocks={blocks}: expected at least 2", code="option-value")
    fewest = min(store.num_rows for store in stores)
    if blocks > fewest:
        raise LongstrideError(f"blocks={blocks} of {fewest:,} rows: expected fewer blocks", code="option-value")

    def folds(store: SeriesData) -> list[Splits]:
        positions = Positions(store)
        purge = purged_rows(store, window, horizon, gap, dilation)
        shares = (positions.at_share(number / blocks) for number in range(1, blocks))
        edges = [positions.none, *shares, positions.count]
        return [
            _fold(positions, edges[number], edges[number + 1], purge, past_only)
            for number in range(1 if past_only else 0, blocks)
        ]

    found = [folds(store) for store in stores]
    for fold in zip(*found, strict=True):
        hint = f"take fewer than {blocks} blocks, or a shorter window"
        check_filled([splits.train for splits in fold], hint)
        check_filled([splits.validation for splits in fold], hint)
    return found


def _fold(positions: Positions, begin: Cut, end: Cut, purge: int, past_only: bool) -> Splits:
    store = positions.store
    apart = np.where(begin < end, purge, 0)  # where a series has no rows in the block, nothing touches it
    before = positions.clip(positions.none, begin - apart)
    after = positions.clip(positions.count if past_only else end + apart, positions.count)
    none = np.empty(0, np.int64)
    return Splits(
        Split("train", _in_row_order(before, after), store),
        Split("validation", positions.clip(begin, end), store),
        Split("test", Segments(none, none, none), store),
    )


def _in_row_order(some: Segments, others: Segments) -> Segments:
    start, stop, series = (
        np.concatenate(fields)
        for fields in ((some.start, others.start), (some.stop, others.stop), (some.series, others.series))
    )
    order = np.argsort(start, kind="stable")
    return Segments(start[order], stop[order], series[order])
