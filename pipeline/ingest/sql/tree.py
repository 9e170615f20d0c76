"""The words of an expression as a tree: what stands between brackets, or in a CASE, is a group of its own."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["IN_LIST", "Group", "Part", "is_text", "nested", "split"]

IN_LIST = "IN"
"""The name of the group of values after IN."""


@dataclass
class Group:
    """A function with its arguments, a CASE, an IN list, or what stands between plain brackets."""

    name: str
    """The function in capitals, CASE, IN, or nothing for plain brackets."""
    parts: list["str | Group"] = field(default_factory=list)
    """Operands, operators and commas, in their order, without types, new names and the star of all columns."""


Part: TypeAlias = str | Group


def nested(words: Sequence[str]) -> Group:
    """The tree of words that a Writer has written. `x::TYPE` becomes a CAST of x."""
    whole = Group("")
    begun = [whole]
    for before, word in zip(["", *words], words, strict=False):
        parts = begun[-1].parts
        if before == "::":
            parts.append(Group("CAST", [parts.pop()]))
        elif before == "AS" or word in ("::", "AS") or (not before and word == "*"):
            continue
        elif word == "CASE" or word.endswith("("):
            group = Group(IN_LIST if (before, word) == ("IN", "(") else word.removesuffix("("))
            parts.append(group)
            begun.append(group)
        elif word in (")", "END"):
            begun.pop()
        else:
            parts.append(word)
    return whole


def split(parts: Sequence[Part], marks: Collection[str]) -> Iterator[Sequence[Part]]:
    """What stands between these marks."""
    begin = 0
    for position, part in enumerate(parts):
        if isinstance(part, str) and part in marks:
            yield parts[begin:position]
            begin = position + 1
    yield parts[begin:]


def is_text(part: Part) -> bool:
    """Whether it is a text in quotes."""
    return isinstance(part, str) and part.startswith("'")
