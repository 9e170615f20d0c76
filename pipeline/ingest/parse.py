"""A piece of a source, as texts or as typed columns, to a frame of exact types, or to an exact error.

Values are always read as float64 and then rounded to the type of the store, so that the same log in CSV and in
Parquet gives the same bits.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from pipeline.ingest.columns import Columns
from pipeline.ingest.errors import RecipeError, SourceError
from pipeline.ingest.recipe import Recipe
from pipeline.ingest.stamps import to_nanoseconds, why_unreadable

__all__ = ["Raw", "Typed", "typed"]

MAX_LABEL = 127
MAX_TEXT_SHOWN = 60
LARGEST_EXACT = 2**24
"""Up to here float32 holds every whole number."""
LARGEST_FLOAT32 = 3.4028235677973366e38
"""From here on, values round to infinity."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows of a source as its format gives them."""

    source: str
    frame: pl.DataFrame
    """Texts (CSV), or whatever the file says (Parquet)."""
    place: Callable[[int], str]
    """Where in the file a row of the frame stands, such as "line 12"."""

    def error(self, row: int, message: str) -> SourceError:
        """Make the error of one row."""
        return SourceError(self.source, message, place=self.place(row))


@dataclass(frozen=True, kw_only=True)
class Typed:
    """Rows of exact types."""

    frame: pl.DataFrame
    """The columns that are used: time int64 ns, series text, labels int8, channels float, NaN where missing."""
    counters: dict[str, SourceError]
    """Channels that hold whole numbers alone, some of which were rounded: the error to raise, unless an earlier
    piece shows that the channel is a measurement, which is rounded anyway."""
    measurements: frozenset[str]
    """Channels that reach as far, and hold fractions."""


def typed(raw: Raw, columns: Columns, recipe: Recipe) -> Typed:
    """Give rows exact types. Raises SourceError for the first value that cannot be read."""
    frame = raw.frame
    parts = [_time(raw, frame[columns.time], recipe)]
    if columns.series is not None:
        parts.append(_series(raw, frame[columns.series]))
    parts += [_label(raw, frame[name]) for name in columns.labels]
    numbers = _numbers(raw, columns.channels, recipe)
    peaks = _peaks(numbers)
    limit = LARGEST_FLOAT32 if recipe.dtype == "float32" else float("inf")
    for name, peak in peaks.items():
        if peak >= limit:
            raise _too_large(raw, numbers[name], limit)
    large = [name for name, peak in peaks.items() if peak > LARGEST_EXACT]
    whole = [name for name in large if _is_whole(numbers[name])]
    stored = numbers.select(pl.all().cast(pl.Float32 if recipe.dtype == "float32" else pl.Float64))
    return Typed(
        frame=pl.DataFrame(parts).hstack(stored.fill_null(float("nan"))),
        counters={
            name: _rounded(raw, numbers[name], _first(changed))
            for name in whole
            if (changed := stored[name].cast(pl.Float64) != numbers[name]).any()
        },
        measurements=frozenset(large) - frozenset(whole),
    )


def _time(raw: Raw, column: pl.Series, recipe: Recipe) -> pl.Series:
    try:
        nanoseconds = to_nanoseconds(column, recipe)
    except RecipeError as error:
        raise SourceError(raw.source, str(error)) from None
    if nanoseconds.null_count():
        row = _first(nanoseconds.is_null())
        raise raw.error(row, f"column {column.name!r}: {why_unreadable(column[row], recipe)}")
    return nanoseconds.alias(column.name)


def _series(raw: Raw, column: pl.Series) -> pl.Series:
    names = column.cast(pl.String)
    if names.null_count():
        message = f"column {column.name!r} is empty: each row must say which series it belongs to"
        raise raw.error(_first(names.is_null()), message)
    return names


def _label(raw: Raw, column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        numbers = (
            column.str.strip_chars()
            .str.to_lowercase()
            .replace({"true": "1", "false": "0"})
            .cast(pl.Float64, strict=False)
        )
    elif column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
        numbers = column.cast(pl.Float64)
    else:
        raise SourceError(
            raw.source, f"label {column.name!r} holds {column.dtype}: expected true, false or numbers"
        )
    wrong = ~(numbers.is_between(0, MAX_LABEL) & (numbers == numbers.floor())).fill_null(False)
    if wrong.any():
        row = _first(wrong)
        raise raw.error(
            row,
            f"label {column.name!r} is {_shown(column[row])}: expected true, false or a whole number from 0 to "
            f"{MAX_LABEL}; fill it in, or leave the column out of --labels and --exclude it",
        )
    return numbers.cast(pl.Int8)


def _numbers(raw: Raw, channels: tuple[str, ...], recipe: Recipe) -> pl.DataFrame:
    """Channels as float64; null or NaN where missing."""
    frame = raw.frame.select(channels)
    for name, dtype in frame.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.String, pl.Null)):
            raise SourceError(raw.source, f"column {name!r} holds {dtype}, not numbers: {_way_out(name)}")
    numbers = frame.cast(pl.Float64, strict=False)
    lost = [name for name in channels if numbers[name].null_count() > frame[name].null_count()]
    if lost:
        numbers = numbers.with_columns(_read_again(raw, lost, recipe.null))
    sentinels = [number for token in recipe.null if (number := _number(token)) is not None]
    if sentinels:
        numbers = numbers.select(pl.when(~pl.col(name).is_in(sentinels)).then(pl.col(name)) for name in channels)
    return numbers


def _read_again(raw: Raw, channels: list[str], null: tuple[str, ...]) -> list[pl.Series]:
    """Read channels in which some texts were no numbers: they may mean missing, or have spaces around them."""
    read = []
    wrong = []
    for name in channels:
        texts = raw.frame[name].str.strip_chars()
        numbers = texts.cast(pl.Float64, strict=False)
        unread = numbers.is_null() & texts.is_not_null() & ~texts.is_in(["", *null])
        if unread.any():
            wrong.append((_first(unread), name))
        read.append(numbers)
    if wrong:
        row, name = min(wrong)
        value = raw.frame[name][row]
        raise raw.error(
            row,
            f"column {name!r} is {_shown(value)}, not a number: {_way_out(name)}; or call the text missing with "
            f"--null {shlex.quote(value.strip())}",
        )
    return read


def _too_large(raw: Raw, numbers: pl.Series, limit: float) -> SourceError:
    row = _first(numbers.abs() >= limit)
    value = raw.frame[numbers.name][row]
    keep = "" if numbers.is_infinite()[row] else "keep it with --dtype float64, "
    return raw.error(
        row,
        f"column {numbers.name!r} is {_shown(value)}, which would be stored as infinity: {keep}mend the row, or "
        f"call the value missing with --null {shlex.quote(str(value).strip())}",
    )


def _peaks(numbers: pl.DataFrame) -> dict[str, float]:
    """The largest magnitude of each channel, 0 where all is missing."""
    both = (numbers.select(end.fill_nan(None).fill_null(0)).row(0) for end in (pl.all().min(), pl.all().max()))
    return {name: max(-low, high) for name, low, high in zip(numbers.columns, *both, strict=True)}


def _is_whole(numbers: pl.Series) -> bool:
    found = numbers.drop_nulls().drop_nans()
    return bool((found == found.floor()).all())


def _rounded(raw: Raw, numbers: pl.Series, row: int) -> SourceError:
    return raw.error(
        row,
        f"column {numbers.name!r} is {_shown(raw.frame[numbers.name][row])}, a whole number that float32 would "
        f"round (it is exact up to {LARGEST_EXACT:,}): keep it with --dtype float64, or {_way_out(numbers.name)}",
    )


def _way_out(name: str) -> str:
    return f"leave the column out with --exclude {shlex.quote(name)}, or name those to keep with --channels"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _first(found: pl.Series) -> int:
    row = found.arg_true()[0]
    assert isinstance(row, int)
    return row


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]}..."
