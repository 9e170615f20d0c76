"""Objects as Python prints a dict: {'temp': 21.5, 'on': True, 'at': datetime.datetime(2024, 3, 1, 8, 0)}."""

import ast
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

__all__ = ["is_printed_dict", "printed_dict"]

BEGIN = re.compile(r"\s*\{\s*'")
"""No object of JSON begins so."""
NAMES = {"nan": "nan", "inf": "inf", "true": True, "false": False, "null": None}
"""Words that are no constants of Python."""


def is_printed_dict(text: str) -> bool:
    """Whether a line begins as such a dict does."""
    return BEGIN.match(text) is not None


def printed_dict(text: str, number: Callable[[str], Any]) -> dict[str, Any]:
    """A line as the object that JSON would have, with its numbers as `number` makes them. Raises ValueError."""
    try:
        found = _value(ast.parse(text.strip(), mode="eval").body, number)
    except (SyntaxError, MemoryError) as error:
        raise ValueError(f"the line is no dict as Python prints it: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("the line is no dict as Python prints it")
    return found


def _value(node: ast.expr, number: Callable[[str], Any]) -> Any:
    match node:
        case ast.Constant(value=bool() | str() | None as value):
            return value
        case ast.Constant(value=int() | float() as value):
            return number(repr(value))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return number(repr(-value))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
            return number("-inf")
        case ast.Name(id=name) if name in NAMES:
            return number(name) if name in ("nan", "inf") else NAMES[name]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, number) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _value(value, number) for key, value in zip(keys, values, strict=True)}
        case ast.Call(func=func, args=[only], keywords=[]):
            return _value(only, number)  # Decimal('21.5'), np.float64(21.5)
        case ast.Call(func=func, args=parts, keywords=[]) if ast.unparse(func).endswith("datetime"):
            return datetime(*(ast.literal_eval(part) for part in parts)).isoformat()
    raise ValueError(f"the line holds {ast.unparse(node)[:60]!r}, which is no value that can be read")


def _key(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    raise ValueError("the line is no dict as Python prints it: a key is neither a text nor a number")
