"""Which rows of a store a run trains on, and which it holds out."""

from dataclasses import replace

from longstride.pipeline.loading.splits import Splits
from longstride.pipeline.loading.splitting.by_series import split_by_series
from longstride.pipeline.loading.splitting.by_time import split_by_time
from longstride.pipeline.loading.splitting.within_series import cut_series
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.text import named
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import DataSettings

__all__ = ["rows_of_run", "splits_of_run"]


def splits_of_run(store: SeriesData, data: DataSettings) -> Splits:
    """Rows to train on, to validate on and to test with; without labelled windows if the settings say so.

    Raises SettingsError where the store lacks the series that the settings name.
    """
    splits = _cut(store, data)
    return splits.without_labels(store, window=data.span, stride=data.stride) if data.normal_only else splits


def rows_of_run(store: SeriesData, data: DataSettings) -> Segments:
    """All rows that the run is about: those of the store, or of its only series."""
    if data.series is None:
        return store.segments
    return _of_series(store.segments, _number(store, data.series))


def _cut(store: SeriesData, data: DataSettings) -> Splits:
    share, held_out = float(data.train_share), float(data.validation_share)
    if data.series is None and data.split == "time":
        return split_by_time(store, window=data.span, train=share, validation=held_out)
    if data.series is None and data.split == "by-series":
        return split_by_series(store, train=share, validation=held_out)
    # What a series is cut into does not depend on the others.
    splits = cut_series(
        store,
        share if data.train_rows is None else data.train_rows,
        held_out if data.validation_rows is None else data.validation_rows,
        purge=data.span - 1,
    )
    if data.series is None:
        return splits
    number = _number(store, data.series)
    return Splits(*(replace(split, segments=_of_series(split.segments, number)) for split in splits.parts))


def _number(store: SeriesData, name: str) -> int:
    if name not in store.series:
        raise SettingsError(
            f"{store.name} has no series {name!r}: it has {named(store.series, most=10)}", code="series-missing"
        )
    return store.series.index(name)


def _of_series(segments: Segments, number: int) -> Segments:
    mine = segments.series == number
    return Segments(segments.start[mine], segments.stop[mine], segments.series[mine])
