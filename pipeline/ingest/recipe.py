"""How a source is to be read: one frozen record, from flags or from a TOML file with the same names."""

import tomllib
import zoneinfo
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pipeline.ingest.duration import parse_duration
from pipeline.ingest.errors import RecipeError

__all__ = ["EPOCH_UNITS_NS", "Recipe"]

EPOCH_UNITS_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
"""Values of `time_format` that mean a number since 1970-01-01 UTC, and the length of its unit."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every choice of an ingest; the resolved one is kept in the store."""

    time: str
    """Column that holds the time of a row."""
    time_format: str | None = None
    """A strptime format; s, ms, us or ns for a number since 1970; None for ISO 8601."""
    timezone: str = "UTC"
    """Zone of times that carry none, such as Europe/Berlin."""
    series: str | None = None
    """Column whose value says which series a row belongs to; None for a single series."""
    labels: tuple[str, ...] = ()
    """Columns of labels: true, false or a whole number from 0 to 127, never missing."""
    channels: tuple[str, ...] | None = None
    """Columns of values, in this order; None for all others."""
    exclude: tuple[str, ...] = ()
    """Columns to leave out."""
    null: tuple[str, ...] = ()
    """Texts that mean a missing value, beside the empty field and NaN. One that is a number means that number,
    however it is written."""
    max_gap: str | None = None
    """A longer step starts a new segment; None for 1.5 times the median step."""
    split_on_missing: str | None = None
    """A longer run of rows without any value belongs to no segment; None to keep such rows in theirs. A run lasts
    from its first row until the row after it."""
    dtype: str = "float32"
    """Of the stored values: float32 or float64."""

    def __post_init__(self) -> None:
        for duration in (self.max_gap, self.split_on_missing):
            if duration is not None:
                parse_duration(duration)
        if self.dtype not in ("float32", "float64"):
            raise RecipeError(f"dtype is {self.dtype!r}: expected float32 or float64")
        if self.channels is not None and self.exclude:
            raise RecipeError(
                "channels and exclude contradict each other: name the columns to keep, or to leave out"
            )
        if self.time_format is not None and self.time_format not in EPOCH_UNITS_NS and "%" not in self.time_format:
            raise RecipeError(
                f"time-format is {self.time_format!r}: expected s, ms, us or ns, or a format such as "
                "'%d/%m/%Y %H:%M'"
            )
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise RecipeError(
                f"timezone {self.timezone!r} is not known: expected a name such as UTC or Europe/Berlin"
            ) from None
        self._check_roles()

    def _check_roles(self) -> None:
        named = [self.time, *([] if self.series is None else [self.series]), *self.labels]
        named += [*(self.channels or ()), *self.exclude]
        repeated = sorted({name for name in named if named.count(name) > 1})
        if repeated:
            raise RecipeError(
                f"a column has one use: {', '.join(map(repr, repeated))} is named twice among time, series, "
                "labels, channels and exclude"
            )

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "Recipe":
        """Make a recipe of names and values as TOML or flags give them.

        Raises RecipeError for an unknown name, a value of another type, or no time column.
        """
        values = {name.replace("-", "_"): value for name, value in settings.items()}
        known = {field.name for field in fields(cls)}
        unknown = sorted(values.keys() - known)
        if unknown:
            names = ", ".join(name.replace("_", "-") for name in sorted(known))
            raise RecipeError(f"unknown setting {', '.join(map(repr, unknown))}: a recipe may hold {names}")
        if "time" not in values:
            raise RecipeError("which column holds the time? Name it with --time, or as time = in the recipe")
        return cls(**{name: _checked(name, value) for name, value in values.items()})

    @classmethod
    def from_toml(cls, path: Path, **overrides: Any) -> "Recipe":
        """Read a recipe file; `overrides` take the place of what it says. Raises RecipeError."""
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"{path} is no TOML file: {error}") from None
        settings = {name.replace("-", "_"): value for name, value in settings.items()}
        try:
            return cls.from_settings(settings | overrides)
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from None

    @property
    def max_gap_ns(self) -> int | None:
        """`max_gap` in nanoseconds."""
        return None if self.max_gap is None else parse_duration(self.max_gap)

    @property
    def split_on_missing_ns(self) -> int | None:
        """`split_on_missing` in nanoseconds."""
        return None if self.split_on_missing is None else parse_duration(self.split_on_missing)

    def as_json(self) -> dict[str, Any]:
        """Plain values for the attributes of a store; `from_settings` takes them back."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None
        }


LISTS = ("labels", "channels", "exclude", "null")


def _checked(name: str, value: Any) -> Any:
    shown = name.replace("_", "-")
    if name not in LISTS:
        if not isinstance(value, str):
            raise RecipeError(f"{shown} is {value!r}: expected a text in quotes")
        return value
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise RecipeError(f'{shown} is {value!r}: expected a list of texts such as ["a", "b"]')
    return tuple(value)
