"""Which rows of a store a run trains on, and which it holds out."""

from longstride.pipeline.loading.splits import Splits
from longstride.pipeline.loading.splitting.by_time import split_by_time
from longstride.storage.series.data import SeriesData
from longstride.trainer.settings import DataSettings

__all__ = ["splits_of_run"]


def splits_of_run(store: SeriesData, data: DataSettings) -> Splits:
    """Rows to train on, to validate on and to test with; without labelled windows if the settings say so."""
    splits = split_by_time(store, window=data.window, train=data.train_share, validation=data.validation_share)
    return splits.without_labels(store, window=data.window, stride=data.stride) if data.normal_only else splits
