"""Errors for the person at the terminal: what was found, what was expected, where, and what to do.

Programs go by the `code` of an error, which stays the same when its words change. `docs/errors.md` lists all
codes.
"""

from typing import Any

__all__ = ["LongstrideError", "StoreError", "StoreLockedError"]


class LongstrideError(ValueError):
    """Base of every error that a user can cause and correct; the command line prints it without a traceback."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
        """A short name of what is wrong, such as store-locked."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), str(self), self.code)


def _restored(kind: type[LongstrideError], message: str, code: str) -> LongstrideError:
    """Make an error as it came from another process, whatever else its kind is made of."""
    error = kind.__new__(kind, message)
    LongstrideError.__init__(error, message, code=code)
    return error


class StoreError(LongstrideError):
    """A store is absent, unfinished, damaged or of another format."""


class StoreLockedError(StoreError):
    """Another process is writing to the store."""
