"""What a file may not decide alone: which code is imported, and to which address credentials are sent."""

import importlib
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from longstride.storage.errors import LongstrideError
from longstride.storage.location import is_url
from longstride.trainer.errors import SettingsError

__all__ = ["IMPORTABLE", "call_named", "check_address", "check_trusted", "is_import_path", "named", "raised"]

IMPORTABLE = ("model", "loss", "optimiser", "callback")
"""Settings that may be an import path."""


def is_import_path(name: object) -> bool:
    """Whether a setting names somebody's code, as package.module:function, and not what is built in."""
    return isinstance(name, str) and ":" in name


def check_trusted(setting: str, name: object, file: object, *, trust: bool) -> None:
    """Raise SettingsError for an import path that a file gives and nobody typed, unless such code is trusted."""
    if trust or not is_import_path(name):
        return
    raise SettingsError(
        f"{file} says that the {setting} is {name!r}, which would import a module and run its code: if you trust "
        "who wrote that file, add --trust (in Python trust=True)",
        code="import-untrusted",
    )


def check_address(store: object, file: object, remedy: str, *, trust: bool) -> None:
    """Raise SettingsError for the URL of a store that a file gives and nobody typed, unless it is trusted.

    A request to it is signed with the credentials of the user, and tells its owner where the user is.
    """
    if trust or not isinstance(store, str) or not is_url(store):
        return
    raise SettingsError(
        f"{file} says that the store is {store}: a request there would be signed with your credentials. If you "
        f"trust who wrote that file, add --trust (in Python trust=True){remedy}",
        code="address-untrusted",
    )


def named(flag: str, name: str, known: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function that is known by a name, or is found at package.module:function.

    The caller must have checked that a path from a file is trusted. Raises SettingsError, which names the flag,
    where there is none, and where the module cannot be imported.
    """
    if name in known:
        return known[name]
    built_in = f"{', '.join(known)}, or " if known else ""
    expected = f"expected {built_in}yours as package.module:function"
    module, _, attribute = name.partition(":")
    if not (attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise SettingsError(f"{flag} is {name!r}: {expected}", code="option-value")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a module may do anything when it is imported
        reason = str(error) if isinstance(error, ImportError | AttributeError) else raised(error)
        raise SettingsError(
            f"{flag} {name}: {reason}; {expected}, importable from here", code="option-value"
        ) from error
    if not callable(found):
        raise SettingsError(f"{flag} {name} is not a function: {expected}", code="option-value")
    return found


def call_named(
    flag: str, name: str, known: Mapping[str, Callable[..., Any]], *arguments: Any, **keywords: Any
) -> Any:
    """What the function of a name returns. Raises SettingsError as `named`, and where the function raises."""
    function = named(flag, name, known)
    try:
        return function(*arguments, **keywords)
    except LongstrideError:
        raise
    except (Exception, SystemExit) as error:
        raise SettingsError(f"{flag} {name} failed: {raised(error)}", code="option-value") from error


def raised(error: BaseException) -> str:
    """An error of somebody's code on one line, and the line of the file that raised it."""
    text = " ".join(str(error).split())
    *_, last = traceback.extract_tb(error.__traceback__) or [None]
    place = f" ({last.filename}, line {last.lineno})" if last and not isinstance(error, SyntaxError) else ""
    return f"{type(error).__name__}{': ' + text if text else ''}{place}"
