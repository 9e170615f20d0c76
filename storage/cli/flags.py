"""Flags of a command, made from the fields of a settings dataclass: the one home of name, default and text."""

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click

__all__ = ["Once", "field_docs", "flag_name", "flags", "given"]

F = TypeVar("F", bound=Callable[..., Any])


class Once(click.Option):
    """A flag that may be given twice only with the same value: click takes the last one without a word."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """As one that may be repeated, so that the parser keeps all values."""
        is_multiple, self.multiple = self.multiple, not (self.is_flag or self.count)
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = is_multiple

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """The one value. Raises UsageError for several."""
        found = opts.get(self.name or "")
        if isinstance(found, list) and not self.multiple:
            if others := [value for value in found if value != found[0]]:
                raise click.UsageError(
                    f"{self.opts[0]} is given twice, as {found[0]!r} and {others[0]!r}: give one", ctx
                )
            opts = {**opts, self.name or "": found[0]}
        return super().consume_value(ctx, opts)


def flags(
    settings: type, kind: type[click.Option] = click.Option, /, **changes: Mapping[str, Any] | None
) -> Callable[[F], F]:
    """Give a command a flag for each field of a dataclass, in their order.

    A field `num_rows: int = 5` becomes `--num-rows INTEGER`, with the docstring below the field as its help and
    `[default: 5]` at the end; other fields named in backticks appear there as flags. A bool is a switch, a Literal
    a choice, a tuple a flag that may be repeated; of a union the first type counts. `changes` are arguments of
    `click.option` for single fields, such as `labels={"metavar": "COL,...", "callback": split}`, and None leaves a
    field out. `kind` is the class of the flags.

    The command receives None for a flag that is not given (an empty tuple where it may be repeated): a file or the
    dataclass decides then, as in `settings(**given(flags))`.
    """
    chosen = [field for field in fields(settings) if changes.get(field.name, {}) is not None]
    docs = field_docs(settings)
    names = {field.name for field in chosen}

    def decorate(command: F) -> F:
        for field in reversed(chosen):
            others = names - {field.name}  # the help of --time speaks of a column called time
            text = re.sub(r"`([^`]+)`", partial(_as_flag, others), docs.get(field.name, ""))
            arguments = {"default": None, "cls": kind, "help": text + _default(field), **_type(field.type)}
            arguments |= changes.get(field.name) or {}
            if arguments.get("required"):
                del arguments["default"]  # click would take None as given
            command = click.option(flag_name(field.name), field.name, **arguments)(command)
        return command

    return decorate


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the flags that were given, by the names of the fields."""
    return {name: value for name, value in values.items() if value not in (None, ())}


def flag_name(field: str) -> str:
    """The flag of a field, such as --batch-size; a field that Python's words would clash with ends with _."""
    return "--" + field.rstrip("_").replace("_", "-")


def field_docs(settings: type) -> dict[str, str]:
    """The docstring below each field of a class, of its bases too, on one line."""
    classes = [kind for kind in reversed(settings.__mro__) if kind.__module__ != "builtins"]
    return {name: text for kind in classes for name, text in _docs(kind.__module__).get(kind.__name__, {}).items()}


@cache
def _docs(module: str) -> dict[str, dict[str, str]]:
    """Those of each class of a module. Python keeps no such docstrings, so they are read from the source."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    found: dict[str, dict[str, str]] = {}
    for kind in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        docs = found[kind.name] = {}
        for node, after in zip(kind.body, kind.body[1:], strict=False):
            match node, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = " ".join(text.split())
    return found


def _type(hint: Any) -> dict[str, Any]:
    """Arguments of `click.option` for a type."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not NoneType)
    if hint is bool:
        return {"is_flag": True}
    if get_origin(hint) is Literal:
        return {"type": click.Choice(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"type": get_args(hint)[0], "multiple": True}
    return {"type": hint}


def _default(field: "Field[Any]") -> str:
    """What the help says of a default."""
    default = field.default
    if any(default is nothing for nothing in (MISSING, None, False, ())):
        return ""
    return f"  [default: {', '.join(default) if isinstance(default, tuple) else default}]"


def _as_flag(names: set[str], found: re.Match[str]) -> str:
    return flag_name(found[1]) if found[1] in names else found[1]
