"""Errors of ingest: each names the file, the line, the value, and the way out."""

from typing import Any

from longstride.storage.errors import LongstrideError

__all__ = ["AccountingError", "RecipeError", "RejectsError", "SourceError"]


class RecipeError(LongstrideError):
    """A setting is unknown, missing, contradicts another, or has a value that means nothing."""


class SourceError(LongstrideError):
    """A source file cannot be read as the recipe says."""

    def __init__(self, source: str, message: str, *, place: str | None = None) -> None:
        """Say `message` of the file `source`, at a place such as "line 12"."""
        super().__init__(f"{source}, {place}: {message}" if place else f"{source}: {message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (str(self),)


def _restored(text: str) -> SourceError:
    """Make an error as it came from another process."""
    error = SourceError.__new__(SourceError)
    error.args = (text,)
    return error


class RejectsError(LongstrideError):
    """More rows cannot be read than the recipe allows."""


class AccountingError(LongstrideError):
    """Rows were lost or invented on the way. It guards against our own faults: nothing is committed."""
