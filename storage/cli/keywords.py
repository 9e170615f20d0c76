"""Functions and classes whose parameters are the fields of a dataclass, so that each option has one home."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from textwrap import fill, indent
from types import NoneType, UnionType
from typing import (
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from longstride.storage.cli.flags import field_docs
from longstride.storage.cli.type_words import in_words
from longstride.storage.errors import LongstrideError

__all__ = ["checked", "keywords_of", "typed"]

P = ParamSpec("P")
Self = TypeVar("Self")
Options = TypeVar("Options", covariant=True)
Result = TypeVar("Result")
WIDTH = 88
MAX_SHOWN = 80
MAX_ITEMS = 10_000


class _Decorator(Protocol[P, Options]):
    @overload
    def __call__(self, function: Callable[[Options], Result], /) -> Callable[P, Result]: ...

    @overload
    def __call__(
        self, function: Callable[[Self, Options], Result], /
    ) -> Callable[Concatenate[Self, P], Result]: ...


def keywords_of(
    options: Callable[P, Options], error: type[LongstrideError] = LongstrideError
) -> _Decorator[P, Options]:
    """Let a function of a dataclass, or an `__init__`, be called with the fields of that dataclass.

    `help`, editors and type checkers show them as its parameters; the docstring of each field is added to its own.
    A call raises TypeError for an unknown parameter, and `error` for a value of another type than its field has.
    """
    signature = inspect.signature(options)
    described: Any = options
    hints = {field.name: field.type for field in fields(described)}

    def decorate(function: Any) -> Any:
        *before, _ = inspect.signature(function).parameters.values()

        @wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                given = signature.bind(*arguments[len(before) :], **keywords).arguments
            except TypeError as wrong:
                raise TypeError(f"{function.__qualname__}() {wrong}") from None
            values = {name: checked(name, value, hints[name], error) for name, value in given.items()}
            return function(*arguments[: len(before)], described(**values))

        made: Any = call
        made.__doc__ = f"{inspect.getdoc(function)}\n\n{_described(described, signature)}"
        shown = [one.replace(annotation=_Shown(one.annotation)) for one in signature.parameters.values()]
        returned = function.__annotations__["return"]
        made.__signature__ = inspect.Signature([*before, *shown], return_annotation=returned)
        return made

    return decorate


def typed(function: Callable[P, Result]) -> Callable[P, Result]:
    """Let a function raise LongstrideError for a number, a text or a callable that is of another type.

    Whoever uses arguments of other types, such as stores and paths, checks them.
    """
    signature = inspect.signature(function)
    hints = {name: hint for name, hint in get_type_hints(function).items() if _is_plain(hint)}

    @wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> Result:
        try:
            bound = signature.bind(*arguments, **keywords)
        except TypeError as wrong:
            raise TypeError(f"{function.__qualname__}() {wrong}") from None
        for name in bound.arguments.keys() & hints.keys():
            bound.arguments[name] = checked(name, bound.arguments[name], hints[name], LongstrideError)
        return function(*bound.args, **bound.kwargs)

    return call


def _is_plain(hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType, tuple):
        return all(map(_is_plain, get_args(hint)))
    return kind in (bool, int, float, str, NoneType, Callable)


def _described(options: type, signature: inspect.Signature) -> str:
    """Each option with its default and the docstring of its field."""
    docs = field_docs(options)
    return "\n".join(
        f"{one.name}{'' if one.default is one.empty else f' = {one.default!r}'}\n"
        f"{indent(fill(docs[one.name], WIDTH), '    ')}"
        for one in signature.parameters.values()
    )


def checked(name: str, value: Any, hint: Any, error: type[LongstrideError]) -> Any:
    """A value as plain Python has it. Raises `error`, with the name, where the hint says another type."""
    if isinstance(hint, str):
        return value  # a type in quotes is not known here: whoever uses the value checks it
    if _is_small(value):
        value = value.tolist()  # of numpy, torch or pandas: settings are written as JSON
    if _fits(value, hint):
        return value
    shown = " ".join(repr(value).split())[:MAX_SHOWN]
    raise error(f"{name} is {shown}: expected {in_words(hint)}", code="option-value")


def _is_small(value: Any) -> bool:
    """Whether it is a number or a short list of an array library; a log must not become a list of Python."""
    ndim = getattr(value, "ndim", None) if hasattr(value, "tolist") else None
    return ndim == 0 or (ndim == 1 and len(value) <= MAX_ITEMS)


def _fits(value: Any, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if kind is Literal:
        return True  # the options know what to say of another value
    if kind in (int, float):
        is_number = isinstance(value, (int, kind)) and not isinstance(value, bool)
        return is_number and (isinstance(value, float) or -(2**63) <= value < 2**63)  # larger ones fit no array
    if kind is tuple:
        items = get_args(hint)
        return isinstance(value, Sequence) and len(value) == len(items) and all(map(_fits, value, items))
    if kind is Sequence:
        (item,) = get_args(hint)
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return is_list and all(_fits(one, item) for one in value)
    return isinstance(value, NoneType if kind is None else kind)


class _Shown(str):
    """A type as one writes it, without quotes, and without the modules that its names are from."""

    def __new__(cls, annotation: Any) -> "_Shown":
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        return super().__new__(cls, re.sub(r"(longstride|collections)\.([a-z_]+\.)+", "", text))

    def __repr__(self) -> str:
        return str(self)
