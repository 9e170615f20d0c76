"""The rows of a window, once everything is a number of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from longstride.pipeline.loading.geometry.lengths import (
    Length,
    RowsOf,
    check_dilation,
    check_steps,
    checked_length,
    checked_lengths,
)
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments

__all__ = ["Geometry", "geometry_of", "longest_of"]


@dataclass(frozen=True)
class Geometry:
    """Numbers of rows."""

    window: int
    stride: int
    horizon: int
    gap: int
    dilation: int
    ragged: bool = False

    @property
    def span(self) -> int:
        """Rows from the first row of a window to the last of its horizon."""
        none = np.empty(0, np.int64)
        return self.index(Segments(none, none, none)).span

    def index(self, segments: Segments) -> WindowIndex:
        """The windows that lie in these segments."""
        sizes = self.window, self.stride, self.horizon, self.gap, self.dilation
        return WindowIndex(segments, *sizes, self.ragged)


def geometry_of(
    stores: Sequence[SeriesData],
    segments: Sequence[Segments],
    lengths: Mapping[str, Length],
    dilation: int,
    max_jitter: float,
    ragged: bool,
) -> Geometry:
    """Window, stride, horizon and gap as rows of all stores, whose windows lie in these segments.

    Raises LongstrideError where a duration is another number of rows in another store, or none, and where a step
    inside the segments differs from the usual one by more than `max_jitter` of it.
    """
    found: Geometry | None = None
    for store, mine in zip(stores, segments, strict=True):
        rows_of = RowsOf(store)
        geometry = _in_rows(rows_of, lengths, dilation)
        if any(not isinstance(length, int) for length in lengths.values()):
            check_steps(store, mine, rows_of.step, max_jitter)
        if found is not None and geometry != found:
            name = next(name for name in lengths if getattr(geometry, name) != getattr(found, name))
            raise LongstrideError(
                f"{name}={lengths[name]!s} is {getattr(found, name):,} rows of {stores[0].name} and "
                f"{getattr(geometry, name):,} of {store.name}: give a number of rows",
                code="option-value",
            )
        found = geometry
    assert found is not None
    return replace(found, ragged=ragged)


def longest_of(
    store: SeriesData,
    window: Length | Sequence[Length],
    *,
    stride: Length = 1,
    horizon: Length = 0,
    gap: Length = 0,
    dilation: int = 1,
) -> Geometry:
    """Rows of a window, of the longest of several, without a look at the times of the store.

    Raises LongstrideError for lengths that are none.
    """
    check_dilation(dilation)
    longest: Any = checked_lengths(window)[-1] if isinstance(window, list | tuple) else window
    lengths = {
        name: checked_length(name, length)
        for name, length in (("window", longest), ("stride", stride), ("horizon", horizon), ("gap", gap))
    }
    return _in_rows(RowsOf(store), lengths, dilation)


def _in_rows(rows_of: RowsOf, lengths: Mapping[str, Length], dilation: int) -> Geometry:
    rows = {
        # A window moves by rows, and has every `dilation`-th of them.
        name: rows_of(name, length, 1 if name == "stride" else dilation)
        for name, length in lengths.items()
    }
    return Geometry(rows["window"], rows["stride"], rows["horizon"], rows["gap"], dilation)
