"""Types in plain words, for a message about a value of another type."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

__all__ = ["in_words"]

ONE_AND_SEVERAL: dict[Any, tuple[str, str]] = {
    bool: ("True or False", "True or False"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a text", "texts"),
    NoneType: ("None", "None"),
    os.PathLike: ("a path", "paths"),
}


def in_words(hint: Any) -> str:
    """What a type hint asks for, as in "a text or a list of texts"."""
    return _words(hint, 0)


def _words(hint: Any, number: int) -> str:
    """Of one such value (`number` 0), or of several (1)."""
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    kind = NoneType if kind is None else kind
    if kind in ONE_AND_SEVERAL:
        return ONE_AND_SEVERAL[kind][number]
    if kind in (Union, UnionType):
        # What is not given is said last. A whole number is a number.
        said = [one for one in arguments if not (one is int and float in arguments)]
        return _either(_words(one, number) for one in sorted(said, key=lambda one: one is NoneType))
    if kind is Literal:
        return _either(repr(one) for one in arguments)
    if kind is tuple:
        return f"{('a list', 'lists')[number]} of {_and(_words(one, 0) for one in arguments)}"
    if kind is Sequence:
        return f"{('a list', 'lists')[number]} of {_words(arguments[0], 1)}"
    if kind is Mapping:
        return f"{('a mapping', 'mappings')[number]} of {_words(arguments[0], 1)} to {_words(arguments[1], 1)}"
    if kind is Callable:
        taken, given = arguments
        takes = f" of {_and(_words(one, 0) for one in taken)}" if taken not in ([], ...) else ""
        gives = f" that {('gives', 'give')[number]} {_words(given, 0)}"
        return f"{('a function', 'functions')[number]}{takes}{gives}"
    name = hint if isinstance(hint, str) else kind.__name__
    return (f"{'an' if name[0] in 'AEIOU' else 'a'} {name}", f"{name}s")[number]


def _either(words: Iterable[str]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def _and(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
