"""A store written by hand: rows as they come, in order, from a program that has them in its hands."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.frames import array_of
from longstride.storage.arrays.times import instants, nanoseconds
from longstride.storage.errors import StoreError, coded
from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from longstride.storage.series.gaps import default_max_gap, find_segments, usual_step
from longstride.storage.store import SeriesStore
from longstride.storage.text import iso_time
from longstride.storage.writing.writer import StoreWriter as ChunkWriter

__all__ = ["StoreWriter"]


class StoreWriter:
    """Writes a new store of rows that a program has; for logs and tables, `ingest` does more.

        with longstride.StoreWriter("made.zarr", channels=["a", "b"]) as writer:
            writer.series("pump 1")
            writer.append(time, values)

    Rows come in order: all of a series together, each later than the one before it. There is a store when the
    block ends, or at `commit`; where the block ends by an error, there is none. Segments end where a series does,
    and where the next time is more than `max_gap` away. Memory does not grow with the rows.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        channels: Sequence[str],
        units: Sequence[str | None] = (),
        labels: Sequence[str] = (),
        dtype: str = "float32",
        max_gap: timedelta | np.timedelta64 | None = None,
    ) -> None:
        """Prepare to write a new store at `path`.

        N `channels` have different names, `units` one entry each, or none at all. L `labels` are names as well.
        `dtype` is that of the stored values, float32 or float64. `max_gap` is 1.5 usual steps by default.

        Raises LongstrideError for names that cannot be stored, or another type.
        """
        names = {"channels": channels, "labels": labels}
        for option, given in names.items():
            if isinstance(given, str) or not all(isinstance(name, str) for name in given):
                raise StoreError(f"{option}={given!r:.80}: expected a list of names", code="option-value")
        self._layout = StoreLayout(channels=tuple(channels), units=tuple(units), labels=tuple(labels), dtype=dtype)
        self._max_gap_ns = None if max_gap is None else nanoseconds("max_gap", max_gap)
        if self._max_gap_ns is not None and self._max_gap_ns <= 0:
            raise StoreError(f"max_gap={max_gap!r}: expected more than 0", code="option-value")
        self._writer = ChunkWriter(path, self._layout)
        self._name = ""
        """Of the series that rows are appended to; it is a series when it has rows."""
        self._begun: dict[str, int] = {}
        """First row of each series."""
        self._ends: list[int] = []
        """Time of the last row of each series."""
        self._is_committed = False
        self._leave: ExitStack | None = None

    @coded
    def __enter__(self) -> "StoreWriter":
        """Begin to write. Raises StoreError where the path is taken, StoreLockedError where another one writes."""
        with ExitStack() as stack:
            stack.enter_context(self._writer)
            self._leave = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._leave is not None
        leave, self._leave = self._leave, None
        if kind is not None:
            leave.__exit__(kind, error, trace)
            return
        with leave:
            if not self._is_committed:
                self.commit()

    @property
    def num_rows(self) -> int:
        """Rows that were appended."""
        return self._writer.num_rows

    def series(self, name: str) -> None:
        """Begin a series: the rows that follow belong to it. Raises StoreError for one that has rows."""
        if not isinstance(name, str):
            raise StoreError(f"series({name!r:.80}): expected a name", code="option-value")
        if name in self._begun and name != self._name:
            raise StoreError(
                f"series {name!r} ended where {self._name!r} began: append all rows of a series together",
                code="store-input",
            )
        self._name = name

    @coded
    def append(self, time: Any, values: Any, labels: Any = None) -> None:
        """Add rows to the series.

        - time (rows,): datetime64, or int64 nanoseconds since 1970 UTC; each later than the one before it
        - values (rows, N), or (rows,) of one channel: numbers, NaN where a value is missing
        - labels (rows, L), or (rows,) of one label: whole numbers, 0 where normal, or booleans

        Raises StoreError for other shapes, for times that do not rise, and for numbers that the type of the store
        cannot hold; nothing of these rows is written then.
        """
        if self._leave is None or self._is_committed:
            state = "is committed" if self._is_committed else "is not open: use it in a `with` block"
            raise StoreError(f"the writer of {self._writer.path} {state}", code="writer-closed")
        times = instants("time", array_of("time", time))
        if times.ndim != 1:
            raise StoreError(f"time has shape {times.shape}: expected (rows,)", code="store-input")
        found = _stored(_two_dimensional("values", values), self._layout)
        marked = None if labels is None and not self._layout.labels else _labels(labels)
        widths = {"values": (found, self._layout.channels), "labels": (marked, self._layout.labels)}
        for name, (array, names) in widths.items():
            if array is not None and array.shape != (len(times), len(names)):
                raise StoreError(
                    f"{name} have shape {array.shape}: expected {(len(times), len(names))}, for {len(times):,} "
                    f"times and the {name} {', '.join(names) or '(none)'}",
                    code="store-input",
                )
        if not len(times):
            return
        self._refuse_falling(times)
        if self._name not in self._begun:
            self._begun[self._name] = self.num_rows
            self._ends.append(0)
        self._ends[-1] = int(times[-1])
        self._writer.append(times, found, marked)

    @coded
    def commit(self) -> SeriesStore:
        """Make a store of all rows, in one step, and open it; nothing can be appended after it.

        Raises StoreError where there is no row.
        """
        starts = list(self._begun.values())
        writer = self._writer
        step_ns = usual_step(writer.written_times(), writer.num_rows, starts)
        max_gap_ns = default_max_gap(step_ns) if self._max_gap_ns is None else self._max_gap_ns
        nothing = np.empty((0, 2), np.int64)
        segments = find_segments(writer.written_times(), starts, max_gap_ns, nothing)
        writer.commit(segments, tuple(self._begun), cadence_ns=step_ns, series_end_ns=self._ends)
        self._is_committed = True
        return open_store(writer.path)

    def _refuse_falling(self, times: NDArray[np.int64]) -> None:
        """Raise StoreError unless each time is later than the one before it in its series."""
        before = [self._ends[-1]] if self._name in self._begun else []
        whole = np.concatenate([np.array(before, np.int64), times])
        fallen = np.flatnonzero(whole[1:] <= whole[:-1])
        if not len(fallen):
            return
        row = int(fallen[0])
        was, now = int(whole[row]), int(whole[row + 1])
        of = f" of series {self._name!r}" if self._name else ""
        raise StoreError(
            f"row {row + 1 - len(before):,} of these{of} is of {iso_time(now)}, and the one before it of "
            f"{iso_time(was)}: append rows in order of time, each time once",
            code="time-repeated" if was == now else "rows-not-newer",
        )


def _two_dimensional(name: str, given: Any) -> NDArray[Any]:
    array = array_of(name, given)
    return array[:, None] if array.ndim == 1 else array


def _stored(values: NDArray[Any], layout: StoreLayout) -> NDArray[np.floating]:
    """Values in the type of the store, which rounds fractions, but neither whole numbers nor what is too large.

    As in an ingest, no value is infinite.
    """
    if values.dtype.kind not in "fiu":
        raise StoreError(f"values hold {values.dtype}: expected numbers", code="store-input")
    with np.errstate(over="ignore"):
        stored = values.astype(layout.dtype, copy=False)
    if values.dtype.kind == "f":
        lost = np.isinf(stored)
    else:
        every = 2 ** (np.finfo(layout.dtype).nmant + 1)  # up to here, it has every whole number
        lost = (values > every) | (values < -every) if values.dtype.kind == "i" else values > every
    if lost.any():
        row, channel = np.argwhere(lost)[0]
        wider = "" if layout.dtype == "float64" else "; dtype='float64' holds more"
        raise StoreError(
            f"{layout.channels[channel] if channel < len(layout.channels) else 'a value'} is "
            f"{values[row, channel]} in row {row:,} of these, "
            + (
                f"which {layout.dtype} may not hold exactly{wider}"
                if np.isfinite(values[row, channel])
                else "and a store holds finite values: give NaN where one is missing"
            ),
            code="value-rounded",
        )
    return stored


def _labels(given: Any) -> NDArray[np.int8]:
    labels = _two_dimensional("labels", [] if given is None else given)
    if labels.dtype == bool:
        return labels.view(np.int8)
    if labels.size and (labels.dtype.kind not in "iu" or labels.min() < -128 or labels.max() > 127):
        raise StoreError(
            f"labels hold {labels.dtype}, or numbers outside -128 to 127: expected whole numbers, 0 where normal",
            code="store-input",
        )
    return labels.astype(np.int8)
