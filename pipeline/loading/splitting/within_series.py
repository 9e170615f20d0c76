"""Training, validation and test rows of each series: its first rows, the next ones, and the rest."""

from collections.abc import Sequence

import numpy as np

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.splits import Splits
from longstride.pipeline.loading.splitting.cuts import check_filled, check_shares, purged_rows, splits_at
from longstride.pipeline.loading.splitting.positions import Positions
from longstride.pipeline.loading.splitting.stores import gives_splits
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData

__all__ = ["cut_series", "split_within_series"]


@gives_splits
def split_within_series(
    stores: Sequence[SeriesData],
    *,
    window: Length | Sequence[Length],
    horizon: Length = 0,
    gap: Length = 0,
    dilation: int = 1,
    train: int | float = 0.8,
    validation: int | float = 0.1,
) -> list[Splits]:
    """Cut each series by itself: its first rows are for training, the next for validation, the rest for test.

    `train` and `validation` are each a share of the rows of the series (0.8), or a number of rows (400). A series
    with fewer rows has none left for what follows. Series may lie at different times, so what one trains on may be
    later than what another is tested with. The first K + H - 1 rows after each cut are left out (with a gap or
    dilation, one less than a window and its horizon reach over). Raises LongstrideError for a share outside 0..1,
    a number below 0, no window, and where a split that is asked for has no rows.
    """
    train_share, validation_share = (
        amount if isinstance(amount, float) else 0.0 for amount in (train, validation)
    )
    check_shares(train_share, validation_share, of="the rows of a series")
    for name, amount in (("train", train), ("validation", validation)):
        if amount < 0:
            raise LongstrideError(f"{name}={amount}: expected a number of rows from 0 on", code="option-value")

    found = [
        cut_series(store, train, validation, purged_rows(store, window, horizon, gap, dilation))
        for store in stores
    ]
    hint = f"no series has enough rows for train={train} and validation={validation}, with a window between them"
    if train:
        check_filled([splits.train for splits in found], hint)
    if validation:
        check_filled([splits.validation for splits in found], hint)
    return found


def cut_series(store: SeriesData, train: int | float, validation: int | float, purge: int) -> Splits:
    """The same of one store, where nothing is checked: a split may have no rows.

    The first `purge` rows after each cut are left out.
    """
    positions = Positions(store)
    counts = positions.count
    rows = [
        amount * counts if isinstance(amount, float) else np.full(len(counts), amount)
        for amount in (train, validation)
    ]
    stops = [np.minimum(np.rint(part).astype(np.int64), counts) for part in (rows[0], rows[0] + rows[1])]
    return splits_at(positions, stops[0], stops[1], purge)
