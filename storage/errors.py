"""Errors for the person at the terminal: what was found, what was expected, where, and what to do."""

__all__ = ["LongstrideError", "StoreError", "StoreLockedError"]


class LongstrideError(ValueError):
    """Base of every error that a user can cause and mend; the command line prints it without a traceback."""


class StoreError(LongstrideError):
    """A store is absent, unfinished, damaged or of another format."""


class StoreLockedError(StoreError):
    """Another process is writing to the store."""
