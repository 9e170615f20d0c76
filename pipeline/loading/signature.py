"""Letting a class take the fields of a dataclass as keyword arguments, which `help()` and editors show."""

import inspect
import re
from collections.abc import Callable
from functools import update_wrapper
from textwrap import fill, indent
from typing import Any, Concatenate, ParamSpec, TypeVar

from longstride.pipeline.loading.options import DatasetOptions, Stores
from longstride.storage.cli.flags import field_docs

__all__ = ["takes"]

P = ParamSpec("P")
Self = TypeVar("Self")
Options = TypeVar("Options", bound=DatasetOptions)
WIDTH = 88


def takes(
    kind: Callable[P, Options],
) -> Callable[[Callable[[Self, Stores, Options], None]], Callable[Concatenate[Self, Stores, P], None]]:
    """Turn `__init__(self, store, options)` into `__init__(self, store, *, ...)` with every field of the options.

    Type checkers know them from the type of `kind`, `help()` from a signature and a docstring that are made here.
    """
    options = inspect.signature(kind).parameters.values()

    def decorate(init: Callable[[Self, Stores, Options], None]) -> Callable[Concatenate[Self, Stores, P], None]:
        def made(self: Self, store: Stores, *none: P.args, **options: P.kwargs) -> None:
            init(self, store, kind(*none, **options))

        update_wrapper(made, init)
        made.__doc__ = f"{inspect.getdoc(init)}\n\n{_described(kind, options)}"
        this, store = list(inspect.signature(init).parameters.values())[:2]
        shown = [one.replace(annotation=_Shown(one.annotation)) for one in (store, *options)]
        vars(made)["__signature__"] = inspect.Signature([this, *shown], return_annotation=None)
        # To a type checker `store` can be given by position only.
        return made  # type: ignore[return-value]

    return decorate


def _described(kind: Any, options: Any) -> str:
    """Each option with its default and the docstring of its field."""
    docs = field_docs(kind)
    return "\n".join(
        f"{one.name}{'' if one.default is one.empty else f' = {one.default!r}'}\n"
        f"{indent(fill(docs[one.name], WIDTH), '    ')}"
        for one in options
    )


class _Shown(str):
    """A type as one writes it, without quotes, and without the modules that its names are from."""

    def __new__(cls, annotation: Any) -> "_Shown":
        text = re.sub(r"(longstride|collections)\.([a-z_]+\.)+", "", inspect.formatannotation(annotation))
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return str(self)
