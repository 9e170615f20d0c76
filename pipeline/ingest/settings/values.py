"""How values are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, nan

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import by_column, check_choice, check_once, unexpected
from longstride.pipeline.ingest.settings.text import TextSettings

__all__ = ["PLAIN", "Spelling", "ValueSettings"]

DECIMAL_MARKS = ".", ",", "either"
THOUSANDS_MARKS = ",", ".", "'", "blank"
NEGATIVES = "4-", "(4)"
NOT_STRIPPED = "0123456789.,'+-"


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """How the values of one column are written."""

    decimal: str = "."
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    scale: tuple[tuple[str, float], ...] = ()
    """Units, and what numbers with them are multiplied by."""
    negative: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether a text that every program reads as a number is that number."""
        return self.decimal == "." and not self.states


PLAIN = Spelling()
"""As all programs write numbers."""


@dataclass(frozen=True, kw_only=True)
class ValueSettings(TextSettings):
    """How values are written."""

    thousands: tuple[str, ...] = ()
    """Mark that groups thousands, as , or of one column Flow=, : a comma, a point, an apostrophe, or the word
    blank (a space, also one that does not break). Groups of other than three digits are rejected."""
    strip: tuple[str, ...] = ()
    """A text that stands before or behind numbers and is left out, such as bar or level=bar: a unit, a currency, a
    flag."""
    scale: tuple[str, ...] = ()
    """A unit that stands behind some numbers of a column, and what these are multiplied by, such as power=kW*1000
    where others are in W."""
    negative: tuple[str, ...] = ()
    """How numbers below zero are written besides -4: as 4- or (4), or of one column, such as Balance=(4)."""
    states: tuple[str, ...] = ()
    """Texts of a column that are stored as 0, 1 and so on, such as Pump=OFF,ON or Mode=Off,Auto,Manual. Any other
    text is rejected; add new ones at the end."""
    null: tuple[str, ...] = ()
    """A text that means a missing value, such as -200 or CO=-200; an empty field and NaN always mean one.
    A number matches this value in every spelling (-200, -200.0)."""

    def null_of(self, column: str) -> tuple[str, ...]:
        """Texts that mean a missing value in a column."""
        return _of_column(self.null, column) + self.null

    def spelling_of(self, column: str) -> Spelling:
        """How the values of a column are written."""
        if not self._is_spelled:
            return PLAIN
        states = [words for name, words in self._states if name == column]
        return Spelling(
            decimal=self._decimals.get(column, self._decimals.get(None, ".")),
            thousands=self._thousands.get(column, self._thousands.get(None)),
            strip=_of_column(self.strip, column) + self.strip,
            scale=tuple((unit, factor) for name, unit, factor in self._scales if name == column),
            negative=tuple(how for name, how in by_column(self.negative) if name in (None, column)),
            states=states[0] if states else (),
        )

    @cached_property
    def _is_spelled(self) -> bool:
        settings = self.thousands, self.strip, self.scale, self.negative, self.states
        return self.decimal != "." or any(settings)

    @cached_property
    def _decimals(self) -> dict[str | None, str]:
        return dict(by_column((self.decimal,) if isinstance(self.decimal, str) else self.decimal))

    @cached_property
    def _thousands(self) -> dict[str | None, str]:
        return dict(by_column(self.thousands))

    @cached_property
    def _states(self) -> list[tuple[str, tuple[str, ...]]]:
        """Column and texts of each entry: texts hold no comma, a column may hold an equals sign."""
        split = [entry.rpartition("=") for entry in self.states]
        return [(column, tuple(word.strip() for word in words.split(","))) for column, _, words in split]

    @cached_property
    def _scales(self) -> list[tuple[str, str, float]]:
        """Column, unit and factor of each entry. Raises RecipeError."""
        found: dict[tuple[str, str], float] = {}
        for entry in self.scale:
            column, _, scaled = entry.rpartition("=")
            unit, _, text = scaled.rpartition("*")
            try:
                factor = float(text)
            except ValueError:
                factor = nan
            if not column or not unit.strip() or unit.strip()[0] in NOT_STRIPPED or not 0 < factor < inf:
                raise unexpected("scale", entry, "a column, a unit and a factor above 0, such as power=kW*1000")
            if found.setdefault((column, unit.strip()), factor) != factor:
                raise RecipeError(
                    f"scale gives {unit.strip()!r} of {column!r} two factors: give one of them",
                    code="recipe-conflict",
                )
        return [(column, unit, factor) for (column, unit), factor in found.items()]

    def check_values(self) -> None:
        """Raise RecipeError where they cannot be used, or not together."""
        decimals = (self.decimal,) if isinstance(self.decimal, str) else self.decimal
        for setting, entries, choices in (
            ("decimal", decimals, DECIMAL_MARKS),
            ("thousands", self.thousands, THOUSANDS_MARKS),
            ("negative", self.negative, NEGATIVES),
        ):
            for column, value in by_column(entries):
                if column == "":
                    raise unexpected(setting, f"={value}", f"{value} for all columns, or COLUMN={value} for one")
                check_choice(setting, value, choices)
            if setting != "negative":
                check_once(setting, entries)
        for column in {*self._decimals, *self._thousands}:
            decimal = self._decimals.get(column, self._decimals.get(None, "."))
            mark = self._thousands.get(column, self._thousands.get(None))
            if mark == decimal or (decimal == "either" and mark in (",", ".")):
                of = "" if column is None else f" of {column!r}"
                raise RecipeError(
                    f"decimal{of} is {decimal} and thousands {mark}: a mark has one meaning, so name another one",
                    code="recipe-conflict",
                )
        for entry in self.strip:
            value = entry.rpartition("=")[2] or entry
            if not value.strip() or value.strip()[0] in NOT_STRIPPED:
                raise unexpected(
                    "strip", entry, "a text that is not the beginning of a number, such as bar, or level=%"
                )
        for column, unit, _ in self._scales:
            if unit in map(str.strip, self.spelling_of(column).strip):
                raise RecipeError(
                    f"{unit!r} of {column!r} is in both scale and strip: give one of them", code="recipe-conflict"
                )
        for (column, words), entry in zip(self._states, self.states, strict=True):
            if not column or len(words) < 2 or not all(words):
                raise unexpected("states", entry, "a column and its texts from 0 on, such as Pump=OFF,ON")
            if len({word.lower() for word in words}) < len(words):
                raise unexpected("states", entry, "each text once; upper and lower case are the same")
        names = [column for column, _ in self._states]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise RecipeError(
                f"states names {repeated[0]!r} twice: give all its texts in one entry", code="recipe-conflict"
            )


def _of_column(entries: Sequence[str], column: str) -> tuple[str, ...]:
    return tuple(entry.removeprefix(f"{column}=") for entry in entries if entry.startswith(f"{column}="))
