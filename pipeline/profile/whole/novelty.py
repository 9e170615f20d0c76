"""What is new in rows, compared with those that were looked at first."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.settings.values import PLAIN, Spelling
from longstride.pipeline.ingest.staging.numbers import to_numbers
from longstride.pipeline.ingest.writing.extremes import is_made_up
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.sample import Beyond
from longstride.pipeline.profile.whole.clock import ClockKnown
from longstride.storage.text import readable_time

__all__ = ["Known"]

MAX_KINDS = 20
"""A column of more different texts, or shapes of texts, is not watched."""
MAX_ROWS = 20
"""New rows that are taken for one reason; others like them are counted."""
Rows = NDArray[np.int64]


class Known:
    """What a sample holds, column by column."""

    def __init__(
        self, columns: Mapping[str, Column], spellings: Mapping[str, Spelling], clock: ClockKnown | None
    ) -> None:
        self._all = set(columns)
        self._clock = clock
        self._spellings = spellings
        of_time = set(clock.names) if clock else set()
        numbers = [column for name, column in columns.items() if column.is_number and name not in of_time]
        self._bounds = {
            column.name: (float(column.numbers.min()), float(column.numbers.max()))  # type: ignore[arg-type]
            for column in numbers
        }
        self._words = {
            column.name: set(_shapes(pl.Series(list(column.words), dtype=pl.String))) for column in numbers
        }
        self._texts = {
            name: set(column.values)
            for name, column in columns.items()
            if name not in self._bounds
            and name not in of_time
            and column.is_flat
            and len(column.values) <= MAX_KINDS
        }
        self._num_taken: dict[str, int] = defaultdict(int)
        self.empty = {name for name, texts in self._texts.items() if not texts}
        """Columns without a value."""
        self.beyond: dict[str, Beyond] = {}
        """Numbers that are far from those known, by column."""

    @property
    def change(self) -> tuple[int, int, str] | None:
        """The usual step of the clock, another one further on, and since when."""
        return self._clock.change if self._clock else None

    def new_rows(self, frame: pl.DataFrame) -> Rows:
        """Indices of rows that hold something new, in order."""
        found = [np.zeros(0, np.int64)]
        times = self._clock.times(frame) if self._clock else None
        for why, rows in self._found(frame, times):
            left = MAX_ROWS - self._num_taken[why]
            self._num_taken[why] += min(left, len(rows))
            found.append(rows[:left])
        return np.unique(np.concatenate(found))

    def _found(self, frame: pl.DataFrame, times: pl.Series | None) -> Iterator[tuple[str, Rows]]:
        """Rows with something new, each time with a name of the reason."""
        numbers = self._numbers(frame)
        for name in _where_fewer(numbers, frame):
            yield from self._new_words(name, frame[name], numbers[name])
        yield from self._outside(numbers, times)
        for name in [name for name in self._texts if name in frame.columns]:
            yield from self._new_texts(name, frame[name])
        for name in frame.columns:
            if name not in self._all:
                yield f"column {name}", _rows(frame[name].is_not_null())
        if self._clock is not None and times is not None:
            yield from self._clock.new(frame, times)

    def _numbers(self, frame: pl.DataFrame) -> pl.DataFrame:
        names = [name for name in self._bounds if name in frame.columns]
        plain = [name for name in names if self._spellings.get(name, PLAIN).is_plain]
        numbers = frame.select(pl.col(plain).cast(pl.Float64, strict=False).fill_nan(None))
        # Blanks beside a number, and marks in it, take longer to read.
        short = set(names) - set(plain) | set(_where_fewer(numbers, frame))
        read = {
            name: to_numbers(frame[name].cast(pl.String), self._spellings.get(name, PLAIN)).fill_nan(None)
            for name in names
            if name in short
        }
        return pl.DataFrame({name: read[name] if name in read else numbers[name] for name in names})

    def _new_words(self, name: str, texts: pl.Series, numbers: pl.Series) -> Iterator[tuple[str, Rows]]:
        known = self._words[name]
        unread = texts.cast(pl.String).str.strip_chars().set(numbers.is_not_null(), None).replace("", None)
        if len(known) > MAX_KINDS or not unread.count():
            return
        shapes = _shapes(unread)
        for shape in shapes.drop_nulls().unique(maintain_order=True).to_list()[:MAX_KINDS]:
            if shape not in known:
                yield (why := f"word {name} {shape}"), _rows(shapes == shape)
                if self._num_taken[why] >= MAX_ROWS:
                    known.add(shape)

    def _outside(self, numbers: pl.DataFrame, times: pl.Series | None) -> Iterator[tuple[str, Rows]]:
        if not numbers.height or not numbers.width:
            return
        low, high = np.array([self._bounds[name] for name in numbers.columns]).T
        lows, highs = (
            np.array(frame.row(0), float)
            for frame in (numbers.select(pl.all().min()), numbers.select(pl.all().max()))
        )
        outside = (lows < low) | (highs > high)
        for index in np.flatnonzero(outside).tolist():
            name = numbers.columns[index]
            values = numbers[name].to_numpy()
            rows = np.flatnonzero(_are_far(values, *self._bounds[name]))
            if len(rows):
                self._count(name, values[rows], _shown(times, int(rows[0])))
                yield f"number {name}", rows

    def _count(self, name: str, values: NDArray[np.float64], place: str) -> None:
        least, most = float(values.min()), float(values.max())
        before = self.beyond.get(name)
        if before is None:
            self.beyond[name] = Beyond(self._bounds[name], len(values), least, most, place)
        else:
            count = before.num_rows + len(values)
            low, high = min(before.low, least), max(before.high, most)
            self.beyond[name] = before._replace(num_rows=count, low=low, high=high)

    def _new_texts(self, name: str, texts: pl.Series) -> Iterator[tuple[str, Rows]]:
        known = self._texts[name]
        plain = texts.cast(pl.String).str.strip_chars().replace("", None)
        if name in self.empty:
            yield f"value {name}", _rows(plain.is_not_null())
            return
        new = plain.drop_nulls().unique(maintain_order=True)
        for text in new.filter(~new.is_in(list(known)))[: MAX_KINDS + 1]:
            yield (why := f"text {name} {text}"), _rows(plain == text)
            if self._num_taken[why] >= MAX_ROWS:
                known.add(text)
        if len(known) + len(new) > 3 * MAX_KINDS:
            del self._texts[name]


def _are_far(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Which numbers lie far outside of bounds, are the first below zero, or are such as mean a missing value."""
    margin = (high - low) / 2
    outside = (values < low) | (values > high)
    far = (values < low - margin) | (values > high + margin) | ((values < 0) & (low >= 0))
    some = np.unique(values[outside & ~far])[:: max(1, int((outside & ~far).sum()) - 1)]
    made_up = [value for value in some.tolist() if is_made_up(value)]
    return np.asarray(outside & (far | np.isin(values, made_up)))


def _where_fewer(numbers: pl.DataFrame, texts: pl.DataFrame) -> list[str]:
    """Columns that hold texts that are not numbers."""
    if not numbers.width:
        return []
    counts = numbers.select(pl.all().count()).row(0)
    of_texts = texts.select(pl.col(numbers.columns).count()).row(0)
    return [name for name, one, all_ in zip(numbers.columns, counts, of_texts, strict=True) if one < all_]


def _shapes(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all(r"\d+", "0")


def _rows(mask: pl.Series) -> Rows:
    return np.flatnonzero(mask.fill_null(False).to_numpy())


def _shown(times: pl.Series | None, row: int) -> str:
    time = None if times is None else times[row]
    return "" if time is None else f" (the first at {readable_time(time, fraction=False)})"
