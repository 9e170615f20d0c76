"""How sources are read: one frozen record, from flags or from a TOML file with the same names."""

import os
from collections import Counter
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin, get_type_hints

from longstride.pipeline.ingest.duration import parse_step
from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import (
    by_column,
    check_choice,
    check_once,
    read_toml,
    toml,
    unexpected,
    utf8,
)
from longstride.pipeline.ingest.settings.clock import ClockSettings
from longstride.pipeline.ingest.settings.rows import RowSettings
from longstride.pipeline.ingest.settings.table import TableSettings
from longstride.pipeline.ingest.settings.text import TextSettings, named_by_number
from longstride.pipeline.ingest.settings.uses import UseSettings
from longstride.pipeline.ingest.settings.values import ValueSettings
from longstride.storage.errors import coded
from longstride.storage.location import expanded, is_url, local_path

__all__ = ["OPEN", "Recipe"]


# Fields are in the order of the bases from last to first.
@dataclass(frozen=True, kw_only=True)
class Recipe(RowSettings, ValueSettings, TextSettings, TableSettings, UseSettings, ClockSettings):
    """Every setting of an ingest; the resolved recipe is kept in the store.

    Where a setting may differ between columns, its entries are "VALUE" for all, or "COLUMN=VALUE" for one.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) is not field.default:
                object.__setattr__(self, field.name, _checked(field.name, value))
        self._refuse_unfinished()
        if self.counts_rows and (self.every is None or self.start is None):
            raise RecipeError(
                "which column holds the time? Name it by --time, or time = ...; or where rows have no time, say "
                "how far apart they are and when the first one was, as with --every 50us --start 2024-03-01T08:00",
                code="time-unnamed",
            )
        for name in ONE_OR_MORE:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) == 1:
                object.__setattr__(self, name, value[0])
        object.__setattr__(self, "header", named_by_number(self.header))
        if self.separator == "tab":
            object.__setattr__(self, "separator", "\t")
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        self.check_rows()
        if self.counts_rows:
            parse_step(str(self.every), "every")
        else:
            self.check_grid()
        self.check_text()
        self.check_table()
        self.check_values()
        self.check_clock()
        self.check_files()
        self._check_uses()

    def _refuse_unfinished(self) -> None:
        for name, what in QUESTIONS.items():
            if getattr(self, name) == OPEN:
                raise RecipeError(
                    f"{name.replace('_', '-')} = {toml(OPEN)} is not filled in: {what}, in this line or by "
                    f"--{name.replace('_', '-')}",
                    code="recipe-unfinished",
                )

    @property
    def grid_ns(self) -> int | None:
        """Step of the grid on which rows are summarised, in nanoseconds."""
        return None if self.counts_rows else self.every_ns

    @property
    def row_step_ns(self) -> Fraction | None:
        """Nanoseconds from row to row, where rows have no time."""
        return parse_step(str(self.every), "every") if self.counts_rows else None

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
        for name, needed, is_there in (
            ("aggregate", "every", self.grid_ns is not None),
            ("counter_bits", "rate", bool(self.rate)),
            ("absent_labels", "labels", bool(self.labels) or "{" in (self.label_file or "")),
            ("ambiguous", "a timezone whose clocks are set back", self.timezone != DEFAULTS["timezone"]),
            ("nonexistent", "a timezone whose clocks are set forward", self.timezone != DEFAULTS["timezone"]),
        ):
            if getattr(self, name) != DEFAULTS[name] and not is_there:
                shown = name.replace("_", "-")
                raise RecipeError(f"{shown} does nothing without {needed}: give both", code="recipe-conflict")

    def _check_uses(self) -> None:
        if self.duplicates == "spread" and (self.pivot is not None or self.counts_rows):
            other, remedy = "pivot, which joins rows of one time", "name its column as series instead"
            if self.counts_rows:
                other, remedy = "rows that are counted, whose times never repeat", "leave it out"
            raise RecipeError(f"duplicates spread does not go with {other}: {remedy}", code="recipe-conflict")
        if self.channels is not None and self.exclude:
            raise RecipeError(
                "channels and exclude contradict each other: name the columns to keep, or to leave out",
                code="recipe-conflict",
            )
        named = [*self.time_columns, *(name for name in (self.series_column, self.pivot) if name is not None)]
        named += [*self.series_parts, *self.labels, *(self.channels or ()), *self.exclude]
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
        values = _by_field(settings)
        known = {field.name for field in fields(cls)}
        if unknown := sorted(values.keys() - known):
            names = ", ".join(name.replace("_", "-") for name in sorted(known))
            raise RecipeError(
                f"unknown setting {', '.join(map(repr, unknown))}: a recipe may hold {names}",
                code="recipe-setting",
            )
        return cls(**values)

    @classmethod
    @coded
    def from_toml(cls, path: str | os.PathLike[str], **overrides: Any) -> "Recipe":
        """Read a recipe file; `overrides` take the place of what it says. Raises RecipeError."""
        path = local_path(path)
        settings = read_toml(path)
        try:
            settings = _by_field(settings)
            file = settings.get("label_file")
            if isinstance(file, str) and file and not (is_url(file) or file.startswith("{folder}")):
                # So that the same recipe means the same file, whatever folder it is used in.
                settings["label_file"] = str(path.parent / expanded(file))
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


OPEN = "?"
"""What `profile` proposes where the log does not tell."""
QUESTIONS = {
    "every": 'rows hold no time, so say how far apart they are, such as "50us" or "20000hz"',
    "start": 'rows hold the time of day alone, or no year, so say the date of the first one, such as "2024-03-01"',
    "time_format": 'nothing says the unit of a column that counts, so say it, such as "ms" or "s"',
    "timezone": 'the name of a zone behind times means several, so say which, such as "America/Chicago"',
}
DEFAULTS = {field.name: field.default for field in fields(Recipe)}
HINTS = get_type_hints(Recipe)
NUMBERS = ("max_rejects", "counter_bits", "skip_lines", "skip_below_header")
"""Settings that may be written as whole numbers."""
CHOICES = {name: get_args(hint) for name, hint in HINTS.items() if get_origin(hint) is Literal}
ONE_OR_MORE = "time", "series", "decimal"
"""A text, or a list of them."""
LISTS = {
    name
    for name, hint in HINTS.items()
    if name not in ONE_OR_MORE and any(get_origin(kind) is tuple for kind in (hint, *get_args(hint)))
}


def _by_field(settings: dict[str, Any]) -> dict[str, Any]:
    """Values by the names of fields. Raises RecipeError where one is there in both spellings."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        field = name.replace("-", "_")
        if field in found:
            raise RecipeError(f"{name} is there twice, with - and with _: leave one out", code="recipe-conflict")
        found[field] = value
    return found


def _checked(name: str, value: Any) -> Any:
    shown = name.replace("_", "-")
    if name in LISTS or (name in ONE_OR_MORE and not isinstance(value, str)):
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise unexpected(shown, value, 'a list of texts such as ["a", "b"]')
        return tuple(utf8(shown, item) for item in value)
    if name in NUMBERS and type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise unexpected(shown, value, "a text in quotes")
    return utf8(shown, value)
