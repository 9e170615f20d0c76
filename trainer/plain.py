"""What a state that was read may hold: it may come from a stranger, and torch takes much without a question."""

from dataclasses import is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

__all__ = ["alike", "is_plain", "of_types"]

T = TypeVar("T")


def is_plain(state: object) -> bool:
    """Whether something holds dense tensors of real numbers, numbers and texts alone, in dicts and lists."""
    left, seen = [state], set()
    while left:
        one = left.pop()
        match one:
            case dict() | list() | tuple():
                if id(one) not in seen:  # a list may hold itself
                    seen.add(id(one))
                    left += [*one.keys(), *one.values()] if isinstance(one, dict) else one
            case Tensor():
                if one.layout is not torch.strided or one.is_complex() or one.is_quantized:
                    return False
            case None | bool() | int() | float() | str() | bytes():
                pass
            case _:
                return False
    return True


def of_types(kind: type[T], fields: dict[str, Any]) -> T:
    """Make a dataclass of numbers. Raises TypeError for a field that is not of the type of its default."""
    made = kind(**fields)
    for name, default in vars(kind()).items():
        value = getattr(made, name)
        if not (is_dataclass(value) or alike(default, value)):
            raise TypeError(f"{name} is {value!r:.80}")
    return made


def alike(own: object, found: object) -> bool:
    """Whether something has the types, names and lengths of what it takes the place of; an empty list may grow."""
    match own:
        case dict():
            is_so = isinstance(found, dict) and own.keys() == found.keys()
            return is_so and all(alike(own[name], found[name]) for name in own)  # type: ignore[index]
        case list() | tuple() if own:
            is_so = isinstance(found, list | tuple) and len(found) == len(own)
            return is_so and all(map(alike, own, found))  # type: ignore[call-overload]
        case list() | tuple():
            return isinstance(found, list | tuple) and all(isinstance(one, int | float) for one in found)
        case bool() | None:
            return found is None or isinstance(found, bool)
        case int():
            return type(found) is int and 0 <= found < 2**63
        case float():
            return type(found) is float or (type(found) is int and abs(found) < 2**63)
        case Tensor():
            return isinstance(found, Tensor) and found.shape == own.shape and found.dtype == own.dtype
        case _:
            return type(found) is type(own)
