"""Errors of ingest: each names the file, the line, the value, and the way out."""

from storage.errors import LongstrideError

__all__ = ["AccountingError", "RecipeError", "SourceError"]


class RecipeError(LongstrideError):
    """A setting is unknown, missing, contradicts another, or has a value that means nothing."""


class SourceError(LongstrideError):
    """A source file cannot be read as the recipe says."""

    def __init__(self, source: str, message: str, *, place: str | None = None) -> None:
        """Say `message` of the file `source`, at a place such as "line 12"."""
        super().__init__(f"{source}, {place}: {message}" if place else f"{source}: {message}")


class AccountingError(LongstrideError):
    """Rows were lost or invented on the way. It guards against our own faults: nothing is committed."""
