"""Functions whose parameters are the fields of a dataclass, so that each option has one home."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from longstride.storage.cli.flags import field_docs

__all__ = ["keywords_of"]

P = ParamSpec("P")
Options = TypeVar("Options")
Result = TypeVar("Result")


def keywords_of(options: Callable[P, Options]) -> Callable[[Callable[[Options], Result]], Callable[P, Result]]:
    """Let a function of a dataclass be called with the fields of that dataclass.

    `help`, editors and type checkers show them as its parameters; the docstring below each field is added to that
    of the function.
    """

    def decorate(function: Callable[[Options], Result]) -> Callable[P, Result]:
        @wraps(function)
        def call(*arguments: P.args, **keywords: P.kwargs) -> Result:
            return function(options(*arguments, **keywords))

        signature = inspect.signature(options)
        docs = field_docs(cast(type, options))
        parameters = "".join(f"\n    {name}: {docs[name]}" for name in signature.parameters)
        described = cast(Any, call)
        described.__signature__ = signature.replace(return_annotation=function.__annotations__["return"])
        described.__doc__ = f"{inspect.getdoc(function)}\n\nParameters:{parameters}"
        return call

    return decorate
