"""How values are written."""

from dataclasses import dataclass

__all__ = ["ValueSettings"]


@dataclass(frozen=True, kw_only=True)
class ValueSettings:
    """How values are written."""

    null: tuple[str, ...] = ()
    """A text that means a missing value, such as -200 or CO=-200; an empty field and NaN always mean one.
    A number matches this value in every spelling (-200, -200.0)."""

    def null_of(self, column: str) -> tuple[str, ...]:
        """Texts that mean a missing value in a column."""
        named = tuple(entry.removeprefix(f"{column}=") for entry in self.null if entry.startswith(f"{column}="))
        return named + self.null
