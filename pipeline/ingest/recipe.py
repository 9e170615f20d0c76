"""How sources are read: one frozen record, from flags or from a TOML file with the same names."""

import os
import zoneinfo
from collections import Counter
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, get_args, get_origin, get_type_hints

from longstride.pipeline.ingest.duration import parse_duration
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import (
    by_column,
    check_choice,
    check_once,
    is_encoding,
    read_toml,
    toml,
    unexpected,
    utf8,
)
from longstride.storage.errors import coded
from longstride.storage.location import local_path

__all__ = ["EPOCH_UNITS_NS", "Aggregate", "Recipe"]

EPOCH_UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Values of `time_format` that mean a number since 1970-01-01 UTC, and the length of its unit."""

MAX_STEPS_OF_GAP = 1_000_000
"""Memory holds the rows that are put in for a gap."""
LONGEST_STEP = "5000w"

Ambiguous = Literal["reject", "earliest", "latest"]
Nonexistent = Literal["reject", "forward"]
DecimalMark = Literal[".", ","]
Duplicates = Literal["error", "first", "last", "mean"]
Aggregate = Literal["mean", "min", "max", "last", "count"]
Fill = Literal["none", "forward", "linear"]
CounterBits = Literal["16", "32", "64"]
Dtype = Literal["float32", "float64"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every setting of an ingest; the resolved recipe is kept in the store.

    Where a setting may differ between columns, its entries are "VALUE" for all, or "COLUMN=VALUE" for one.
    """

    time: str | tuple[str, ...]
    """Column that holds the time of a row, or several that hold parts of it: date and time of day, or year, month,
    day and so on. Required."""
    time_format: str | None = None
    """How times are written: '%d/%m/%Y %H:%M:%S' or the like (several columns: with a space between them), or s,
    ms, us or ns for a number since 1970; by default ISO 8601."""
    timezone: str = "UTC"
    """Time zone of times that are written without one, such as Europe/Berlin."""
    ambiguous: Ambiguous = "reject"
    """What to do with a local time that occurs twice, where clocks are set back."""
    nonexistent: Nonexistent = "reject"
    """What to do with a local time that never occurs, where clocks are set forward; forward moves it
    by as much."""

    series: str | None = None
    """Column that says which series a row belongs to; by default there is a single series."""
    pivot: str | None = None
    """Column that names the sensor of a row: each sensor becomes a channel. With several columns of values,
    each sensor becomes as many channels, named sensor/column."""
    labels: tuple[str, ...] = ()
    """Columns of labels: true, false or a whole number from 0 to 127, never missing."""
    channels: tuple[str, ...] | None = None
    """Columns of values, in this order; by default all others that have a name."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out; or name those to keep in `channels`."""
    unit: tuple[str, ...] = ()
    """Unit of a channel, such as pressure=bar."""

    separator: str = ","
    """One character between fields; the word tab for a tab."""
    decimal: DecimalMark = "."
    """Decimal mark: a point or a comma."""
    encoding: str = "utf-8"
    """Encoding of texts: utf-8, or an encoding with one byte for each character, such as latin-1."""
    header: tuple[str, ...] = ()
    """Names of the columns, for files that have no header."""
    null: tuple[str, ...] = ()
    """A text that means a missing value, such as -200 or CO=-200; an empty field and NaN always mean one.
    A number matches this value in every spelling (-200, -200.0)."""
    max_rejects: str = "0.1%"
    """Stop when more rows than this cannot be read: a number, or a share of all rows."""

    sql: str | None = None
    """A query that filters rows and computes columns from others, one row at a time: `SELECT *, a - b AS spread
    FROM rows WHERE a > 0`."""
    duplicates: Duplicates = "error"
    """What to do with rows of the same series and time."""
    rate: tuple[str, ...] = ()
    """Channels that are counters: stored as their increase per second."""
    counter_bits: CounterBits = "32"
    """Bits of a counter: it wraps around when they are full."""
    every: str | None = None
    """Summarise rows on a common grid of this step; by default rows stay as they are."""
    aggregate: tuple[str, ...] = ("mean",)
    """How values that fall into one step of the grid are summarised: mean, min, max, last or count."""
    fill: Fill = "none"
    """How missing values are filled in from those around them."""
    fill_limit: str | None = None
    """Longest time from a missing value to the value that fills it in (linear: between the two values around
    it)."""
    max_gap: str | None = None
    """A longer step starts a new segment; the default is 1.5 times the median step. With `every`, missing
    steps get rows, up to this gap."""
    split_on_missing: str | None = None
    """A longer run of rows without any value belongs to no segment; by default such rows stay in their segment. A
    run lasts from its first row until the row after it."""
    dtype: Dtype = "float32"
    """Type of the stored values."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) is not field.default:
                object.__setattr__(self, field.name, _checked(field.name, value))
        if not self.time:
            raise RecipeError("which column holds the time? Name it by --time, or time = ...", code="time-unnamed")
        if not isinstance(self.time, str) and len(self.time) == 1:
            object.__setattr__(self, "time", self.time[0])
        if self.separator == "tab":
            object.__setattr__(self, "separator", "\t")
        for name in ("max_gap", "split_on_missing", "every", "fill_limit"):
            if (duration := getattr(self, name)) is not None:
                parse_duration(duration, name.replace("_", "-"))
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        for _, how in by_column(self.aggregate):
            check_choice("aggregate", how, get_args(Aggregate))
        self._check_text()
        self._check_time()
        self._check_uses()
        self.max_rejected(1)

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Columns that hold the time of a row."""
        return (self.time,) if isinstance(self.time, str) else self.time

    @property
    def max_gap_ns(self) -> int | None:
        """`max_gap` in nanoseconds."""
        return _nanoseconds(self.max_gap)

    @property
    def split_on_missing_ns(self) -> int | None:
        """`split_on_missing` in nanoseconds."""
        return _nanoseconds(self.split_on_missing)

    @property
    def every_ns(self) -> int | None:
        """`every` in nanoseconds."""
        return _nanoseconds(self.every)

    @property
    def fill_limit_ns(self) -> int | None:
        """`fill_limit` in nanoseconds."""
        return _nanoseconds(self.fill_limit)

    def max_rejected(self, num_rows: int) -> int:
        """How many of `num_rows` may be rejected."""
        text = self.max_rejects.strip()
        try:
            limit = float(text.removesuffix("%"))
            if not 0 <= limit < float("inf") or (text.endswith("%") and limit > 100):
                raise ValueError
        except ValueError:
            expected = "a number such as 100, or a share such as 0.1%"
            raise unexpected("max-rejects", self.max_rejects, expected) from None
        return int(limit * num_rows / 100) if text.endswith("%") else int(limit)

    def null_of(self, column: str) -> tuple[str, ...]:
        """Texts that mean a missing value in a column."""
        named = tuple(entry.removeprefix(f"{column}=") for entry in self.null if entry.startswith(f"{column}="))
        return named + self.null

    def unit_of(self, *names: str) -> str | None:
        """Unit of a channel, by the first of its names that has one; None where unknown."""
        units = self._units
        return next((units[name] for name in names if name in units), None)

    def aggregate_of(self, *names: str) -> Aggregate:
        """How the values of a channel are summarised, by the first of its names that says so."""
        how = self._aggregates
        found: Any = next((how[name] for name in (*names, None) if name in how), "mean")
        return found  # type: ignore[no-any-return]

    @cached_property
    def _units(self) -> dict[str | None, str]:
        return dict(by_column(self.unit))

    @cached_property
    def _aggregates(self) -> dict[str | None, str]:
        return dict(by_column(self.aggregate))

    @property
    def columns_in_settings(self) -> dict[str, tuple[str, ...]]:
        """Columns or channels that settings of single ones name, by setting."""
        units, aggregates = (
            [name for name, _ in by_column(entries) if name] for entries in (self.unit, self.aggregate)
        )
        return {"rate": self.rate, "unit": tuple(units), "aggregate": tuple(aggregates)}

    def refuse_idle(self) -> None:
        """Raise RecipeError where an entry would do nothing. The recipe of a store may hold such."""
        for column, value in by_column(self.unit):
            if not column or not value:
                raise unexpected("unit", column or value, "a column and its unit, such as pressure=bar")
        check_once("unit", self.unit)
        check_once("aggregate", self.aggregate)
        for name, needed in (("aggregate", "every"), ("counter_bits", "rate")):
            if getattr(self, name) != DEFAULTS[name] and not getattr(self, needed):
                shown = name.replace("_", "-")
                raise RecipeError(f"{shown} does nothing without {needed}: give both", code="recipe-conflict")

    def _check_text(self) -> None:
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n0123456789+-. ':
            expected = "one character such as , or ; or |, or the word tab"
            raise unexpected("separator", self.separator, expected)
        if self.decimal == self.separator:
            raise RecipeError(
                "separator and decimal mark are both a comma: name another separator", code="recipe-conflict"
            )
        if not is_encoding(self.encoding):
            raise unexpected(
                "encoding",
                self.encoding,
                "utf-8 or one with a byte a character, such as latin-1; convert others, as with "
                "`iconv -f utf-16 -t utf-8`",
            )

    def _check_time(self) -> None:
        format_ = self.time_format
        if format_ is not None and format_ not in EPOCH_UNITS_NS and "%" not in format_:
            raise unexpected("time-format", format_, "s, ms, us or ns, or a format such as '%d/%m/%Y %H:%M'")
        if format_ in EPOCH_UNITS_NS and len(self.time_columns) > 1:
            raise RecipeError(
                f"time-format {format_} is for one column, time names {len(self.time_columns)}",
                code="recipe-conflict",
            )
        if len(self.time_columns) > 7:
            raise unexpected("time", self.time_columns, "at most 7 columns, year to fraction")
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise unexpected("timezone", self.timezone, "a name such as UTC or Europe/Berlin") from None

    def _check_uses(self) -> None:
        if self.channels is not None and self.exclude:
            raise RecipeError(
                "channels and exclude contradict each other: name the columns to keep, or to leave out",
                code="recipe-conflict",
            )
        if (self.fill == "none") != (self.fill_limit is None):
            raise RecipeError(
                "fill and fill-limit go together: say how missing values are filled in (forward or linear) and "
                "how far (such as 1h)",
                code="recipe-conflict",
            )
        if self.every is not None and parse_duration(self.every) > parse_duration(LONGEST_STEP):
            raise unexpected("every", self.every, f"at most {LONGEST_STEP}, about 96 years")
        if self.every is not None and self.max_gap is not None:
            num_steps = parse_duration(self.max_gap) / parse_duration(self.every)
            if num_steps > MAX_STEPS_OF_GAP:
                raise RecipeError(
                    f"max-gap {self.max_gap} is {num_steps:,.0f} steps of {self.every}, which would all get rows: "
                    f"expected at most {MAX_STEPS_OF_GAP:,}: name a shorter max-gap, or a longer every",
                    code="recipe-conflict",
                )
        named = [*self.time_columns, *(name for name in (self.series, self.pivot) if name is not None)]
        named += [*self.labels, *(self.channels or ()), *self.exclude]
        if repeated := sorted(name for name, count in Counter(named).items() if count > 1):
            raise RecipeError(
                f"a column has one use: {', '.join(map(repr, repeated))} is named twice among time, series, "
                "pivot, labels, channels and exclude",
                code="recipe-conflict",
            )

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "Recipe":
        """Make a recipe of names and values as TOML or flags give them.

        Raises RecipeError for an unknown name, a value of another type, or no time column.
        """
        values = {name.replace("-", "_"): value for name, value in settings.items()}
        known = {field.name for field in fields(cls)}
        if unknown := sorted(values.keys() - known):
            names = ", ".join(name.replace("_", "-") for name in sorted(known))
            raise RecipeError(
                f"unknown setting {', '.join(map(repr, unknown))}: a recipe may hold {names}",
                code="recipe-setting",
            )
        return cls(**{"time": "", **values})

    @classmethod
    @coded
    def from_toml(cls, path: str | os.PathLike[str], **overrides: Any) -> "Recipe":
        """Read a recipe file; `overrides` take the place of what it says. Raises RecipeError."""
        settings = read_toml(local_path(path))
        try:
            return cls.from_settings(settings | overrides)
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}", code=error.code) from None

    def as_json(self) -> dict[str, Any]:
        """Plain values for the attributes of a store, without those that are as by default."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != DEFAULTS[name]
        }

    def as_toml(self) -> str:
        """Text of a recipe file."""
        settings = {name.replace("_", "-"): value for name, value in self.as_json().items()}
        return "".join(f"{name} = {toml(value)}\n" for name, value in settings.items())


DEFAULTS = {field.name: field.default for field in fields(Recipe)}
HINTS = get_type_hints(Recipe)
CHOICES = {name: get_args(hint) for name, hint in HINTS.items() if get_origin(hint) is Literal}
LISTS = {
    name
    for name, hint in HINTS.items()
    if name != "time" and any(get_origin(kind) is tuple for kind in (hint, *get_args(hint)))
}


def _nanoseconds(duration: str | None) -> int | None:
    return None if duration is None else parse_duration(duration)


def _checked(name: str, value: Any) -> Any:
    shown = name.replace("_", "-")
    if name in LISTS or (name == "time" and not isinstance(value, str)):
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise unexpected(shown, value, 'a list of texts such as ["a", "b"]')
        return tuple(utf8(shown, item) for item in value)
    if name in ("max_rejects", "counter_bits") and type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise unexpected(shown, value, "a text in quotes")
    return utf8(shown, value)
