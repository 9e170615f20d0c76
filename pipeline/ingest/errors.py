"""Errors of ingest: each names the file, the line, the value, and what to do."""

from collections.abc import Mapping

from longstride.storage.errors import LongstrideError

__all__ = ["AccountingError", "RecipeError", "RejectsError", "SeveralTablesError", "SourceError"]


class RecipeError(LongstrideError):
    """A setting is unknown or missing, contradicts another, or has a value that cannot be used."""


class SourceError(LongstrideError):
    """A source file cannot be read as the recipe says."""

    def __init__(self, source: str, message: str, *, place: str | None = None, code: str) -> None:
        """Say `message` of the file `source`, at a place such as "line 12"."""
        super().__init__(f"{source}, {place}: {message}" if place else f"{source}: {message}", code=code)


class SeveralTablesError(SourceError):
    """A source file holds several tables, and it is not known which is meant."""

    def __init__(self, source: str, message: str, tables: Mapping[str, int]) -> None:
        """Say `message` of a file whose `tables` have so many rows."""
        super().__init__(source, message, code="table-unnamed")
        self.tables = tables


class RejectsError(LongstrideError):
    """More rows cannot be read than the recipe allows."""


class AccountingError(LongstrideError):
    """Rows were lost or added on the way: a fault of Longstride itself. Nothing is committed."""
