"""What else a batch holds where it is asked for: times, calendar, series, static values and labels of its windows.

All of it follows from where windows begin, so it is added to batches that were gathered.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.options import DatasetOptions, check_option
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.serving.arrange import absent_rows
from longstride.pipeline.loading.serving.calendar import calendar_of
from longstride.pipeline.loading.serving.row_tables import PoolTables, StoreTables
from longstride.pipeline.loading.serving.static import static_of
from longstride.pipeline.loading.serving.stores import Collection, label_columns_of
from longstride.pipeline.loading.serving.window_labels import label_of

__all__ = ["Extras", "Wanted", "wanted_of"]

Rows = Callable[[str, int, int], Tensor]
"""So many rows (B, length, W) of each window of an array, by its name, from one of its rows on."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for."""

    time: str | None
    calendar: tuple[str, ...]
    series: bool
    static: Tensor | None
    """(G, S), or None."""
    label: str | None
    label_names: tuple[str, ...]
    """L names; empty where no label is asked for."""

    @property
    def settings(self) -> dict[str, Any]:
        """As plain values, for the state: only what is asked for, so that earlier states can be loaded."""
        static = None
        if self.static is not None:
            values = self.static.numpy()
            digest = hashlib.sha256(f"{values.dtype} {values.shape}".encode() + values.tobytes())
            static = digest.hexdigest()[:16]
        every = {
            "time": self.time,
            "calendar": list(self.calendar),
            "series": self.series,
            "static": static,
            "label": self.label,
            "label_names": list(self.label_names),
        }
        return {name: value for name, value in every.items() if value}


def wanted_of(options: DatasetOptions, collection: Collection) -> Wanted | None:
    """What the options ask for beside values; None where that is nothing.

    Raises LongstrideError for labels, times or static values that the stores do not have.
    """
    stores = collection.stores
    names: Sequence[str] = ()
    if options.label is not None:
        names = stores[0].label_names if options.label_names is None else options.label_names
        for store in stores:
            check_option(bool(store.label_names), f"label={options.label!r}: {store.name} has no labels")
            label_columns_of(store, names)
    if options.calendar:
        for store in stores:
            check_option(
                store.has_calendar,
                f"calendar={list(options.calendar)}: nothing says when the rows of {store.name} are; give "
                "time=, or start= and step=, to from_array",
            )
    static = None if options.static is None else static_of(options.static, collection.series_names)
    wanted = Wanted(options.time, tuple(options.calendar), options.series, static, options.label, tuple(names))
    return wanted if wanted.settings else None


class Extras:
    """Adds to batches what else is asked for."""

    def __init__(self, wanted: Wanted, collection: Collection, index: WindowIndex) -> None:
        """Windows of the index, of rows of the collection."""
        self._wanted = wanted
        self._window, self._gap, self._dilation = index.window, index.gap, index.dilation
        self._length = index.window + index.gap + index.horizon
        self._padding = index.padding
        of_rows = {"time": wanted.time == "rows", "calendar": wanted.calendar, "label": wanted.label == "rows"}
        self._of_rows = [name for name, is_wanted in of_rows.items() if is_wanted]
        self._first_row = torch.from_numpy(collection.first_row)
        self._segments = _Segments(collection)
        self._has_series = wanted.series or wanted.static is not None
        columns: dict[str, list[list[int]]] = {}
        if wanted.time or wanted.calendar:
            columns["time"] = [[0] for _ in collection.stores]
        if wanted.label:
            columns["labels"] = [label_columns_of(store, wanted.label_names) for store in collection.stores]
        self._whole = StoreTables(collection, columns)
        self._static = wanted.static

    @property
    def are_at_hand(self) -> bool:
        """Whether rows of whole stores can be looked up; where some have to be decoded, it is done by pools."""
        return self._whole.are_at_hand

    def of_stores(self, batch: WindowBatch) -> WindowBatch:
        """The batch, of windows of the stores, with what else is asked for."""
        first = batch.start.clamp(min=0)  # what only fills the batch is blanked later

        def rows(array: str, ahead: int, length: int) -> Tensor:
            return self._whole.rows(array, first + ahead * self._dilation, batch.store, length, self._dilation)

        return self._complete(batch, rows, self._series_of(batch))

    def read(self, ranges: NDArray[np.int64]) -> PoolTables:
        """What is needed of ranges of rows (ranges, 2) of the collection, each of one store."""
        return self._whole.read(ranges, self._padding)

    def of_pool(
        self, batch: WindowBatch, pool: PoolTables, local: Tensor, series: Tensor | None = None
    ) -> WindowBatch:
        """The batch, of windows at rows `local` (B,) of a pool, with what else is asked for.

        `series` are those of the windows, (B,), if that is known.
        """

        def rows(array: str, ahead: int, length: int) -> Tensor:
            return pool.rows(array, local + ahead * self._dilation, length, self._dilation)

        return self._complete(batch, rows, self._series_of(batch) if series is None else series)

    def series_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Number of the series of each row of the collection, the same shape; None where it is not needed."""
        return self._segments.series_at(rows) if self._has_series else None

    def _series_of(self, batch: WindowBatch) -> Tensor | None:
        rows = batch.start if batch.store is None else batch.start + self._first_row[batch.store]
        series = self.series_at(rows.numpy())
        return None if series is None else torch.from_numpy(series)

    def _complete(self, batch: WindowBatch, rows: Rows, series: Tensor | None) -> WindowBatch:
        wanted = self._wanted
        found: dict[str, Tensor] = {}
        absent = None if batch.length is None else absent_rows(batch.length, self._window)
        if wanted.calendar or wanted.time == "rows":
            time = rows("time", 0, self._length)[..., 0]
            if self._gap:
                time = torch.cat([time[:, : self._window], time[:, self._window + self._gap :]], dim=1)
            if wanted.calendar:
                found["calendar"] = calendar_of(time, wanted.calendar)
            if wanted.time is not None:
                found["time"] = time if wanted.time == "rows" else time[:, 0].clone()
        elif wanted.time == "start":
            found["time"] = rows("time", 0, 1)[:, 0, 0]
        if wanted.label is not None:
            found["label"] = label_of(
                wanted.label, self._window, lambda ahead, length: rows("labels", ahead, length), absent
            )
        if absent is not None:
            for name in self._of_rows:
                found[name][absent] = _blank(found[name])
        if self._static is not None:
            assert series is not None
            self._static = self._static.to(series.device)
            found["static"] = self._static[series]
        if wanted.series:
            assert series is not None
            found["series"] = series
        if batch.start.numpy().min() < 0:
            padded = batch.start < 0
            for field in found.values():
                field[padded.to(field.device)] = _blank(field)
        return batch._replace(**found)


def _blank(field: Tensor) -> int:
    return 0 if field.is_floating_point() or field.dtype == torch.bool else -1


class _Segments:
    """Which series each row of a collection belongs to."""

    def __init__(self, collection: Collection) -> None:
        segments = [store.segments for store in collection.stores]
        names_before = np.cumsum([0, *(len(store.series) for store in collection.stores)])
        rows_before = collection.first_row
        self._start = np.concatenate([part.start + row for part, row in zip(segments, rows_before, strict=False)])
        self._series = np.concatenate(
            [part.series + number for part, number in zip(segments, names_before, strict=False)]
        )

    def series_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the series (rows before the first segment are taken as those after it)."""
        at = np.searchsorted(self._start, rows, side="right") - 1
        return self._series[np.maximum(at, 0)]
