"""Nested JSON objects as columns: payload.temp for an object within one, axis.0 for an array of numbers."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

__all__ = ["MAX_ITEMS", "flat", "leaves", "nested_keys", "num_keys"]

MAX_ITEMS = 64
"""A longer array is rather a signal than a few columns: it stays a value that cannot be read."""


def nested_keys(rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Keys that hold objects or short arrays of values in these rows, wherever they hold anything."""
    found: dict[str, bool] = {}
    for row in rows:
        for key, value in row.items():
            if value is not None:
                found[key] = found.get(key, True) and (
                    isinstance(value, dict) or (isinstance(value, list) and _are_columns(value))
                )
    return frozenset(key for key, is_nested in found.items() if is_nested)


def flat(row: dict[str, Any], nested: Set[str]) -> dict[str, Any]:
    """A row with its `nested` keys as columns. Raises ValueError where two values have one name then."""
    if not nested:
        return row
    found: dict[str, Any] = {}
    for key, value in row.items():
        for name, leaf in leaves(key, value) if key in nested else [(key, value)]:
            if name in found:
                raise ValueError(f"{name!r} is the name of two columns when objects are written with points")
            found[name] = leaf
    return found


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values in an object, by names with points."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield from leaves(f"{name}.{key}", inner)
            else:
                yield f"{name}.{key}", inner
    elif isinstance(value, list) and _are_columns(value):
        yield from ((f"{name}.{index}", item) for index, item in enumerate(value))
    elif value is not None:
        yield name, value


def _are_columns(items: list[Any]) -> bool:
    return len(items) <= MAX_ITEMS and not any(isinstance(item, dict | list) for item in items)


def num_keys(row: Mapping[str, Any]) -> int:
    """Keys of an object and of those within it."""
    return len(row) + sum(
        num_keys(one)
        for value in row.values()
        if isinstance(value, dict | list)
        for one in ([value] if isinstance(value, dict) else value)
        if isinstance(one, dict)
    )
