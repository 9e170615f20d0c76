"""Series, segments and labels of the rows of an array, as the caller describes them."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.arrays.frames import array_of
from longstride.storage.arrays.ramp import Ramp
from longstride.storage.arrays.times import nanoseconds
from longstride.storage.errors import LongstrideError, StoreError
from longstride.storage.series.gaps import default_max_gap, find_segments
from longstride.storage.series.row_source import RowSource
from longstride.storage.series.segments import Segments

__all__ = ["labels_of", "segments_of", "series_of"]

STRIP_ROWS = 2**20
"""Rows that are looked at together."""


def series_of(series: Any, num_rows: int, name: str) -> dict[str, int]:
    """Name and number of rows of each series. Raises LongstrideError unless they are all rows."""
    if series is None:
        return {"": num_rows}
    if isinstance(series, str) or not isinstance(series, Iterable):
        pairs: list[tuple[str, Any]] = [("", series)]
    elif isinstance(series, Mapping):
        pairs = [(str(key), length) for key, length in series.items()]
    else:
        pairs = [(str(number), length) for number, length in enumerate(series)]
    lengths = dict(pairs)
    counts = [length for _, length in pairs if hasattr(length, "__index__") and length > 0]
    if len(lengths) != len(pairs) or len(counts) != len(pairs) or sum(counts) != num_rows:
        raise LongstrideError(
            f"series={series!r:.80}: expected numbers of rows, at least one in each series, with a sum of the "
            f"{num_rows:,} of {name}; or a mapping of different names to them",
            code="option-value",
        )
    return {key: int(length) for key, length in lengths.items()}


def segments_of(
    segments: Any, max_gap: Any, times: RowSource, cadence_ns: int, lengths: Sequence[int], name: str
) -> Segments:
    """Runs of rows that windows may lie in: those that were given, or those without a gap in time."""
    starts = [0, *accumulate(lengths)][:-1]
    if segments is None:
        longest = default_max_gap(cadence_ns) if max_gap is None else nanoseconds("max_gap", max_gap)
        # Rows a fixed step apart need not be looked at, and there may be billions of them.
        rows = range(0, 0 if isinstance(times, Ramp) else len(times), STRIP_ROWS)
        if not rows:
            first = np.array(starts, np.int64)
            return Segments(first, first + np.array(lengths), np.arange(len(lengths)))
        blocks = (times[row : row + STRIP_ROWS] for row in rows)
        return find_segments(blocks, starts, longest, np.empty((0, 2), np.int64))
    if max_gap is not None:
        raise LongstrideError("segments says where windows may lie: leave max_gap out", code="option-value")
    try:
        given = array_of("segments", segments)
        bounds = given.astype(np.int64).reshape(len(given), 2)
        if (bounds != given.reshape(bounds.shape)).any():
            raise ValueError
    except (TypeError, ValueError):
        raise LongstrideError(
            f"segments={segments!r:.80}: expected first row and row after the last of each", code="option-value"
        ) from None
    found = Segments(bounds[:, 0], bounds[:, 1], np.searchsorted(starts, bounds[:, 0], side="right") - 1)
    try:
        found.check(len(times), len(lengths))
    except StoreError as error:
        raise LongstrideError(f"segments of {name}: {error}", code="option-value") from None
    ends = np.cumsum(lengths)[found.series]
    if (over := np.flatnonzero(found.stop > ends)).size:
        raise LongstrideError(
            f"segment {tuple(bounds[over[0]].tolist())} reaches into the next series", code="option-value"
        )
    return found


def labels_of(labels: Any, num_rows: int, name: str) -> tuple[list[str], NDArray[np.int8] | None]:
    """Names of the labels, and their rows (T, L); those of one byte in one array are not copied."""
    if labels is None:
        return [], None
    if isinstance(labels, Mapping):
        names = [str(key) for key in labels]
        parts = [array_of("labels", part) for part in labels.values()]
        if not parts:
            return [], None
        if any(part.shape != (num_rows,) for part in parts):
            raise _shape_error(names, [part.shape for part in parts], num_rows, name)
        found = np.stack(parts, axis=1)
    else:
        found = array_of("labels", labels)
        found = found[:, None] if found.ndim == 1 else found
        if found.ndim != 2 or len(found) != num_rows:
            raise _shape_error(["labels"], [found.shape], num_rows, name)
        names = ["label"] if found.shape[1] == 1 else [f"label{number}" for number in range(found.shape[1])]
    if found.dtype == bool:
        return names, found.view(np.int8)
    if found.dtype.kind not in "iu" or (found.size and not (found.min() >= -128 and found.max() <= 127)):
        raise LongstrideError(
            f"labels hold {found.dtype}, or numbers outside -128 to 127: expected whole numbers of these, 0 for "
            "normal",
            code="option-value",
        )
    return names, found.astype(np.int8, copy=False)


def _shape_error(names: Sequence[str], shapes: Sequence[Any], num_rows: int, name: str) -> LongstrideError:
    shown = ", ".join(f"{one} {shape}" for one, shape in zip(names, shapes, strict=True))
    return LongstrideError(
        f"shapes of labels: {shown}; expected one for each of the {num_rows:,} rows of {name}", code="option-value"
    )
