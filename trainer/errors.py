"""Errors of training and scoring that a user can cause and correct."""

from longstride.storage.errors import LongstrideError

__all__ = ["DivergenceError", "RunError", "ScoresError", "SettingsError"]


class SettingsError(LongstrideError):
    """A setting has a value that cannot work."""


class RunError(LongstrideError):
    """A run directory holds no run, is in use, or holds a run that does not fit the settings or the store."""


class DivergenceError(LongstrideError):
    """The loss is not a finite number."""


class ScoresError(LongstrideError):
    """A file holds no scores, or scores of another store, or the store has no labels to judge them by."""
