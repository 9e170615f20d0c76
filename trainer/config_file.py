"""`--config FILE`: settings in a TOML file, which take the place of the defaults of flags."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from click.core import ParameterSource

from longstride.storage.cli.flags import flag_name
from longstride.storage.cli.keywords import checked
from longstride.storage.places.files import read_file
from longstride.trainer.errors import SettingsError
from longstride.trainer.resolve import IMPORTABLE, check_address, check_trusted
from longstride.trainer.settings import TrainOptions

__all__ = ["Stores", "check_named_by_file", "read_config"]

TYPED_ONLY = ("config", "resume", "trust")
"""Flags that a file cannot give; a file that says of itself that it is trusted is not."""
TEXTS = ("store", "out", "cache_dir", "from_", "callback")
"""Settings that in Python may be more than a text."""
KEY = f"{__name__}.path"


class Stores(click.Argument):
    """One store or more on the command line, or else those of the file, a text or a list."""

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """Those of the command line, if there are any: click would take none as given."""
        found = {name: value for name, value in opts.items() if name != self.name or value}
        value, source = super().consume_value(ctx, found)
        return ([value] if isinstance(value, str) else value), source


def read_config(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Callback of the option. Raises SettingsError for a file that is not TOML, or has other names or types."""
    if path is None:
        return
    data = read_file(Path(path), follow=True)
    try:
        found = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}", code="config-format") from None
    flat = _without_groups(path, found)
    known = {option.name for option in context.command.params} - {*TYPED_ONLY}
    if unknown := sorted(flat.keys() - known):
        names = ", ".join(sorted(flag_name(str(name))[2:] for name in known))
        raise SettingsError(
            f"{path}: unknown setting {', '.join(map(repr, unknown))}: expected {names}", code="setting-unknown"
        )
    hints = {field.name: field.type for field in fields(TrainOptions)}
    context.default_map = {name: _value(path, name, value, hints[name]) for name, value in flat.items()}
    context.meta[KEY] = path


def check_named_by_file(context: click.Context, *, trust: bool) -> None:
    """Raise SettingsError where the file alone names a path to import, or a URL, unless it is trusted."""
    for name in IMPORTABLE:
        if context.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
            check_trusted(name, context.params[name], context.meta[KEY], trust=trust)
    if context.get_parameter_source("store") is ParameterSource.DEFAULT_MAP:
        for store in context.params["store"]:
            remedy = ", or name the store on the command line"
            check_address(store, context.meta[KEY], remedy, trust=trust)


def _without_groups(path: str, found: dict[str, Any]) -> dict[str, Any]:
    """Settings by the names of their fields: groups only make a file readable, each setting has its own name."""
    flat: dict[str, Any] = {}
    for group, values in found.items():
        for key, value in (values if isinstance(values, dict) else {group: values}).items():
            name = key.replace("-", "_") + "_" * iskeyword(key)
            if name in flat:
                raise SettingsError(f"{path}: {key} is there twice: leave one out", code="config-format")
            flat[name] = value
    return flat


def _value(path: str, name: str, value: Any, hint: Any) -> Any:
    """A value of the type that its setting has: click would take 1.5 for 1, and true for 1."""
    key = f"{path}: {flag_name(name)[2:]}"
    if get_origin(hint) is Literal and value not in get_args(hint):
        raise SettingsError(
            f"{key} is {value!r}: expected one of {', '.join(get_args(hint))}", code="option-value"
        )
    hint = str | Sequence[str] if name == "store" else str if name in TEXTS else hint
    return checked(key, value, hint, SettingsError)
