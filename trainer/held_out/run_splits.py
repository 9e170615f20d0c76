"""Which rows of a store a run trains on, and which it holds out."""

from dataclasses import replace

from longstride.pipeline.loading.splits import Splits
from longstride.pipeline.loading.splitting.by_series import split_by_series
from longstride.pipeline.loading.splitting.by_time import split_by_time
from longstride.pipeline.loading.splitting.within_series import cut_series
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import parts_of
from longstride.storage.series.segments import Segments
from longstride.storage.text import named
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import DataSettings

__all__ = ["number_of_series", "rows_of_run", "splits_of_run"]


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
    return _of_series(store.segments, number_of_series(store, data.series))


def _cut(store: SeriesData, data: DataSettings) -> Splits:
    share, held_out = float(data.train_share), float(data.validation_share)
    if data.series is None and data.split == "time":
        _check_clocks(store)
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
    number = number_of_series(store, data.series)
    return Splits(*(replace(split, segments=_of_series(split.segments, number)) for split in splits.parts))


def number_of_series(store: SeriesData, name: str) -> int:
    """The series of a name, or the only one that has it among its aliases. Raises SettingsError for no such."""
    if name in store.series:
        return store.series.index(name)
    known = [number for number in range(len(store.series)) if name in store.aliases(number)]
    if len(known) != 1:
        raise SettingsError(
            f"{store.name} has no series {name!r}: it has {named(store.series, most=10)}", code="series-missing"
        )
    return known[0]


def _check_clocks(store: SeriesData) -> None:
    """Raise SettingsError where some of the stores have no times that all could be cut at."""
    parts = parts_of(store)
    without = [part.name for part in parts if not part.has_calendar]
    if 0 < len(without) < len(parts):
        raise SettingsError(
            f"--split time cuts all stores at the same two times, and {named(without)} has none: give --split "
            "within-series, or times to from_array",
            code="option-value",
        )


def _of_series(segments: Segments, number: int) -> Segments:
    mine = segments.series == number
    return Segments(segments.start[mine], segments.stop[mine], segments.series[mine])
