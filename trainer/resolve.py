"""Functions that a user names: built in, or at an import path."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from longstride.trainer.errors import SettingsError

__all__ = ["named"]


def named(flag: str, name: str, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function that is known by a name, or is found at package.module:function.

    Raises SettingsError, which names the flag, where there is none.
    """
    if name in known:
        return known[name]
    expected = f"expected {', '.join(known)}, or yours as package.module:function"
    module, colon, attribute = name.partition(":")
    if not colon:
        raise SettingsError(f"{flag} is {name!r}: {expected}", code="option-value")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{flag} {name}: {error}; {expected}, importable from here", code="option-value"
        ) from error
    if not callable(found):
        raise SettingsError(f"{flag} {name} is not a function: {expected}", code="option-value")
    return found
