"""Errors of training that the person at the terminal can mend."""

from longstride.storage.errors import LongstrideError

__all__ = ["DivergenceError", "RunError", "ScoresError", "SettingsError"]


class SettingsError(LongstrideError):
    """A setting has a value that cannot work."""


class RunError(LongstrideError):
    """A run directory is in use, was begun with other settings, or its checkpoint does not fit."""


class DivergenceError(LongstrideError):
    """The loss is not a finite number."""


class ScoresError(LongstrideError):
    """A file holds no scores, or those of another store, or there is nothing to judge them by."""
