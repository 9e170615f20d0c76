"""What a part has of each series: runs of its rows.

A job holds those of all its parts. A log of many series has as many in every part, so they are kept as numbers.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Span", "Spans"]


class Span(NamedTuple):
    """Rows start:stop of a part: all that it has of one series."""

    series: str
    start: int
    stop: int
    first_time: int
    last_time: int
    """Smallest and largest."""
    begins: int
    ends: int
    """Times of the first and last row in the order of the file."""


class Spans:
    """The spans of a part, in the order of its rows."""

    def __init__(self, series: Sequence[str], numbers: ArrayLike) -> None:
        """Of each span its series, and in `numbers` (spans, 6) what else a Span has."""
        self.series = [sys.intern(name) for name in series]  # all parts share the names
        self._numbers = np.asarray(numbers, np.int64).reshape(len(series), len(Span._fields) - 1)

    @staticmethod
    def of(spans: Iterable[Span]) -> "Spans":
        """Gather single spans."""
        spans = list(spans)
        return Spans([span.series for span in spans], [span[1:] for span in spans])

    def __len__(self) -> int:
        return len(self.series)

    def __getitem__(self, index: int) -> Span:
        return Span(self.series[index], *self._numbers[index].tolist())

    def __iter__(self) -> Iterator[Span]:
        return (Span(name, *row) for name, row in zip(self.series, self._numbers.tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self.as_json() == other.as_json()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Spans, (self.series, self._numbers)

    def as_json(self) -> list[Any]:
        """What `Spans(*json)` takes back."""
        return [self.series, self._numbers.tolist()]
