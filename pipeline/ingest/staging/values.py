"""A piece of a source, as texts or as typed columns, to rows of exact types, and the rest to rejects.

Values are always read as float64 and then rounded to the type of the store, so that the same log in CSV and in
Parquet gives the same bits.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import MAX_LABEL, Columns
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.sources.base import Raw
from longstride.pipeline.ingest.sources.reading import SettledTimes
from longstride.pipeline.ingest.sql.tokens import quoted_name
from longstride.pipeline.ingest.staging.clocks.row_clock import positions
from longstride.pipeline.ingest.staging.numbers import to_numbers
from longstride.pipeline.ingest.times.reach import within_reach
from longstride.pipeline.ingest.times.stamps import Stamps, explain, to_nanoseconds

__all__ = ["Parsed", "parse"]

MAX_TEXT_SHOWN = 60
LARGEST_FLOAT32 = 3.4028235677973366e38
"""From here on, values round to infinity."""
GROUPED = re.compile(r"\d[.,' \u00a0\u2009\u202f]\d{3}(\D|$)")
WITH_MORE = re.compile(r"^\W?\s*[+-]?[\d.,]*\d\s*[^\d\s.,:/-][^\d]{0,11}$|^[^\d\s\w]\s*[\d.,]+$")


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """Rows of exact types, in the order of the file."""

    frame: pl.DataFrame
    """Time (int64 ns; of rows without times the number), named `Columns.time_name`; series and pivot
    (text), labels (int8), channels (float64, null or NaN where missing), and with `keep_all` every other column,
    all by their own names."""
    lines: NDArray[np.int64]
    """Line of each row."""
    rejects: list[Reject]
    num_ambiguous: int
    num_nonexistent: int


def parse(
    source: str,
    raw: Raw,
    columns: Columns,
    recipe: Recipe,
    *,
    keep_all: bool = False,
    settled: SettledTimes | None = None,
) -> Parsed:
    """Give rows exact types; those that have none are rejected, each with the first fault that it has.

    `settled` has times of rows that are known from others.
    Raises SourceError where a column as a whole is of a type that cannot be used.
    """
    frame = raw.frame
    faults = _Faults(raw)
    try:
        stamps = to_nanoseconds([frame[name] for name in columns.time], recipe) if columns.time else _counted(raw)
    except RecipeError as error:
        raise SourceError(source, str(error), code=error.code) from None
    time, num_settled = stamps.nanoseconds, 0
    if settled is not None and time.null_count():
        time, num_settled = settled.fill(time, raw.lines)
    if time.null_count():
        unreadable = explain([frame[name] for name in columns.time], recipe)
        named = columns.time[0] if len(columns.time) == 1 else ", ".join(columns.time)

        def why(row: int) -> tuple[str, str]:
            reason, detail = unreadable(row)
            return reason, f"column {named!r}: {detail}"

        faults.add(time.is_null(), why)
    parts = [time.alias(columns.time_name)]
    parts += [_key(source, frame[name], "series", faults) for name in (columns.series,) if name is not None]
    parts += [_key(source, frame[name], "sensor", faults) for name in (columns.pivot,) if name is not None]
    parts += [_label(source, frame[name], faults) for name in columns.read_labels]
    if not keep_all:
        parts += [pl.Series(name, np.zeros(len(time), np.int8)) for name in columns.absent_labels]
    numbers = _numbers(source, frame, columns.channels, recipe, faults)
    rest = pl.DataFrame()
    if keep_all:
        lacking = (pl.lit(None, dtype).alias(name) for name, dtype in columns.lacking.items())
        rest = frame.with_columns(lacking).select(*columns.unused, *columns.lacking)
    typed = pl.DataFrame(parts).hstack(numbers).hstack(rest)
    good = faults.good
    if good is not None:
        typed = typed.filter(pl.Series(good))
    return Parsed(
        frame=typed,
        lines=raw.lines if good is None else raw.lines[good],
        rejects=sorted(raw.rejects + faults.rejects),
        num_ambiguous=stamps.num_ambiguous + num_settled,
        num_nonexistent=stamps.num_nonexistent,
    )


def _counted(raw: Raw) -> Stamps:
    return Stamps(nanoseconds=positions(raw), num_ambiguous=0, num_nonexistent=0)


class _Faults:
    """Rows to reject, each with its first fault."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self.good: NDArray[np.bool_] | None = None
        self.rejects: list[Reject] = []

    def add(self, wrong: pl.Series, why: Callable[[int], tuple[str, str]]) -> None:
        """Reject rows; `why` gives reason and detail of one."""
        if self.good is None:
            self.good = np.ones(len(self._raw.lines), bool)
        for row in wrong.arg_true().to_list():
            if self.good[row]:
                self.good[row] = False
                self.rejects.append(Reject(int(self._raw.lines[row]), *why(row), self._raw.text(row)))


def _key(source: str, column: pl.Series, what: str, faults: _Faults) -> pl.Series:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Duration, pl.Object):
        raise SourceError(
            source, f"column {column.name!r} holds {column.dtype}: no names of a {what}", code="column-type"
        )
    column = within_reach(column)
    names = column.cast(pl.String)
    empty = names.is_null() | (names == "")
    if empty.any():
        reason, detail = (
            f"{what} missing",
            f"column {column.name!r} is empty: each row must say which {what} it is of",
        )
        faults.add(empty, lambda row: (reason, detail))
    return names


def _label(source: str, column: pl.Series, faults: _Faults) -> pl.Series:
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
            source,
            f"label {column.name!r} holds {column.dtype}: expected true, false or numbers",
            code="column-type",
        )
    wrong = ~(numbers.is_between(0, MAX_LABEL) & (numbers == numbers.floor())).fill_null(False)
    if wrong.any():
        faults.add(
            wrong,
            lambda row: (
                "no label",
                f"label {column.name!r} is {_shown(column[row])}: expected true, false or a whole number from 0 "
                f"to {MAX_LABEL}; fill it in, leave the column out of --labels and --exclude it, or compute a "
                f"label from it: --labels attack, and {_query_of_label(column, row)} AS attack in --sql",
            ),
        )
        numbers = pl.select(pl.when(~wrong).then(numbers)).to_series()
    return numbers.cast(pl.Int8).alias(column.name)


def _query_of_label(column: pl.Series, row: int) -> str:
    """What makes a label of texts: in place of one that is missing, a comparison would be missing too."""
    name = column.name if re.fullmatch(r"[A-Za-z_]\w*", column.name, re.ASCII) else quoted_name(column.name)
    return f"COALESCE({name}, '') <> ''" if column[row] is None else f"{name} <> 'Normal'"


def _numbers(
    source: str, frame: pl.DataFrame, channels: tuple[str, ...], recipe: Recipe, faults: _Faults
) -> pl.DataFrame:
    """Channels as float64; null or NaN where missing."""
    chosen = frame.select(channels)
    for name, dtype in chosen.schema.items():
        if not (dtype.is_numeric() or dtype in (pl.String, pl.Boolean, pl.Null)):
            raise SourceError(
                source, f"column {name!r} holds {dtype}, not numbers: {_way_out(name)}", code="column-type"
            )
    spellings = {name: recipe.spelling_of(name) for name in channels}
    coded = [name for name in channels if spellings[name].states]
    chosen = chosen.with_columns(pl.col(coded).cast(pl.String))
    texts = [name for name, dtype in chosen.schema.items() if dtype == pl.String]
    again = [name for name in texts if not spellings[name].is_plain]
    numbers = chosen.with_columns(_read_again(chosen[name], spellings[name], recipe, faults) for name in again)
    numbers = numbers.cast(pl.Float64, strict=False)
    lost = [
        name
        for name in texts
        if spellings[name].is_plain and numbers[name].null_count() > chosen[name].null_count()
    ]
    numbers = numbers.with_columns(_read_again(chosen[name], spellings[name], recipe, faults) for name in lost)
    if recipe.null:
        numbers = numbers.select(_without_sentinels(name, spellings[name], recipe) for name in channels)
    _reject_infinite(chosen, numbers, recipe, faults)
    return numbers


def _read_again(column: pl.Series, spelling: Spelling, recipe: Recipe, faults: _Faults) -> pl.Series:
    """Read a channel in which some texts may not be numbers as all programs write them, or mean missing."""
    texts = column.str.strip_chars()
    numbers = to_numbers(texts, spelling)
    unread = numbers.is_null() & texts.is_not_null() & ~texts.is_in(["", *recipe.null_of(column.name)])
    if unread.any():

        def why(row: int) -> tuple[str, str]:
            return _why_unread(column.name, column[row], spelling)

        faults.add(unread, why)
    return numbers.alias(column.name)


def _why_unread(name: str, text: str, spelling: Spelling) -> tuple[str, str]:
    null = f"or call the text missing with --null {shlex.quote(text.strip())}"
    if spelling.states:
        more = shlex.quote(f"{name}={','.join(spelling.states)},{text.strip()}")
        return (
            f"unknown state of {name!r}",
            f"column {name!r} is {_shown(text)}, not one of its states {', '.join(spelling.states)}: name it at "
            f"their end with --states {more}; {null}",
        )
    how = _way_out(name)
    if GROUPED.search(text) and spelling.thousands is None:
        how = f"where its numbers group thousands, say so, as with --thousands {shlex.quote(f'{name}=,')}; {how}"
    elif WITH_MORE.search(text):
        how = f"where that is a number with a unit or the like, say --strip {shlex.quote(f'{name}=TEXT')}; {how}"
    return f"no number in {name!r}", f"column {name!r} is {_shown(text)}, not a number: {how}; {null}"


def _without_sentinels(channel: str, spelling: Spelling, recipe: Recipe) -> pl.Expr:
    """The channel, missing where a number means that. Of states, texts mean it."""
    column = pl.col(channel)
    if spelling.states:
        return column
    found = [_number(token, spelling) for token in recipe.null_of(channel)]
    numbers = [number for number in found if number is not None]
    return pl.when(~column.is_in(numbers)).then(column).alias(channel) if numbers else column


def _reject_infinite(texts: pl.DataFrame, numbers: pl.DataFrame, recipe: Recipe, faults: _Faults) -> None:
    limit = LARGEST_FLOAT32 if recipe.dtype == "float32" else float("inf")
    if not numbers.columns:
        return
    # Both leave NaN out, but of nothing else.
    lowest, highest = (numbers.select(end.fill_null(0)).row(0) for end in (pl.all().min(), pl.all().max()))
    for name, low, high in zip(numbers.columns, lowest, highest, strict=True):
        if max(-low, high) >= limit:
            faults.add(numbers[name].abs().fill_nan(None) >= limit, _TooLarge(texts[name], numbers[name]))


@dataclass(frozen=True)
class _TooLarge:
    texts: pl.Series
    numbers: pl.Series

    def __call__(self, row: int) -> tuple[str, str]:
        value = self.texts[row]
        infinite = self.numbers.is_infinite()[row]
        keep = "" if infinite else "keep it with --dtype float64, "
        return (
            "infinity" if infinite else "too large for float32",
            f"column {self.texts.name!r} is {_shown(value)}, which would be stored as infinity: {keep}mend the "
            f"row, or call the value missing with --null {shlex.quote(str(value).strip())}",
        )


def _way_out(name: str) -> str:
    return f"leave the column out with --exclude {shlex.quote(name)}, or name those to keep with --channels"


@lru_cache(maxsize=2**12)
def _number(text: str, spelling: Spelling) -> float | None:
    try:
        return float(text)
    except ValueError:
        number: float | None = to_numbers(pl.Series([text]), spelling).item()
        return number


def _shown(value: object) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]}..."
