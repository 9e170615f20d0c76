"""Checks of single settings."""

from typing import Any, get_args

from longstride.storage.cli.flags import flag_name
from longstride.trainer.errors import SettingsError

__all__ = ["at_least", "check", "one_of", "shown"]


def check(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise SettingsError for the value of a setting, unless the condition holds."""
    if not condition:
        raise SettingsError(f"{flag_name(name)} is {value}: it must be {expected}", code="option-value")


def at_least(smallest: int, **values: int | None) -> None:
    """Raise SettingsError for the first setting that is smaller; None is not."""
    for name, value in values.items():
        is_right = value is None or (isinstance(value, int) and value >= smallest)
        check(is_right, name, value, f"a whole number of at least {smallest}")


def one_of(choices: Any, **values: str) -> None:
    """Raise SettingsError for the first setting that is none of the choices, a Literal."""
    for name, value in values.items():
        check(value in get_args(choices), name, value, f"one of {', '.join(get_args(choices))}")


def shown(value: object) -> str:
    """A setting as a message shows it: what a list holds, with commas between, and "none" for nothing."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
