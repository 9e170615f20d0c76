"""Training, validation and test rows one after the other in time, so that nothing of the future is trained on."""

from collections.abc import Sequence

from longstride.pipeline.loading.geometry.lengths import Length
from longstride.pipeline.loading.splits import Splits
from longstride.pipeline.loading.splitting.cuts import check_shares, purged_rows, splits_at
from longstride.pipeline.loading.splitting.positions import Positions
from longstride.pipeline.loading.splitting.stores import gives_splits
from longstride.storage.series.data import SeriesData

__all__ = ["split_by_time"]


@gives_splits
def split_by_time(
    stores: Sequence[SeriesData],
    *,
    window: Length | Sequence[Length],
    horizon: Length = 0,
    gap: Length = 0,
    dilation: int = 1,
    train: float = 0.8,
    validation: float = 0.1,
) -> list[Splits]:
    """Cut every series at the same two times; the rest after `train` and `validation` is the test split.

    The shares are of all rows of a store; several stores are each cut at times of their own. In each series, the
    first K + H - 1 rows after a cut are left out (with a gap or dilation, one less than a window and its horizon
    reach over), so that rows in two splits are at least that far apart. Raises LongstrideError for shares outside
    0..1, and for no window.
    """
    check_shares(train, validation)
    found = []
    for store in stores:
        purge = purged_rows(store, window, horizon, gap, dilation)
        positions = Positions(store)
        stops = positions.at_share(train), positions.at_share(min(1.0, train + validation))
        found.append(splits_at(positions, *stops, purge))
    return found
