"""Regular expressions for the names of files, which find in each the name of its sensor or machine."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from longstride.pipeline.ingest.sources.base import absolute
from longstride.pipeline.ingest.sources.shapes.from_name import base_name

__all__ = ["GROUP", "Naming", "namings"]

TOKEN = re.compile(r"[^\W\d_]+|\d+|[\W_]+")
SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
GROUP = "NAME"
"""Stands in a pattern for the name of its group."""

Naming = tuple[str, Mapping[str, str]]
"""A pattern, and what its group is in the name of each file."""


def namings(files: Sequence[str]) -> Iterator[Naming]:
    """Ways to tell files apart by a part of their names, those with the fewest different parts first."""
    names = {file: base_name(absolute(file)) for file in files}
    found = [
        naming for pattern, group in _patterns(list(names.values())) if (naming := _tried(pattern, group, names))
    ]
    if len({PurePath(file).parent for file in files}) > 1:
        paths = {file: absolute(file) for file in files}
        pattern = rf"(?P<{GROUP}>[^/]+)/[^/]+$"
        found.append((pattern, {file: PurePath(path).parent.name for file, path in paths.items()}))
    yield from sorted(found, key=lambda naming: len(set(naming[1].values())))


def _tried(pattern: str, group: Sequence[str], names: Mapping[str, str]) -> Naming | None:
    """The naming by a pattern, where it finds in each name what it was made for."""
    found = {file: re.search(pattern, name) for file, name in names.items()}
    keys = {file: match[GROUP] for file, match in found.items() if match}
    return (pattern, keys) if list(keys.values()) == list(group) else None


def _patterns(names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Patterns, and what the group of each is meant to be in each name."""
    split = [TOKEN.findall(name) for name in names]
    lengths = {len(tokens) for tokens in split}
    if len(lengths) == 1:
        columns = list(zip(*split, strict=True))
        varying = [index for index, column in enumerate(columns) if len(set(column)) > 1]
        spans = [(index, index) for index in varying]
        if len(varying) > 1:
            spans.append((varying[0], varying[-1]))
        for first, last in spans:
            begin = _with_word(columns, first) if columns[first][0].isdigit() else first
            group = ["".join(tokens[begin : last + 1]) for tokens in split]
            inner = "".join(map(_part, columns[begin : last + 1])) if first == last else ".+"
            before, after = ("".join(map(_part, some)) for some in (columns[:begin], columns[last + 1 :]))
            yield f"{before}(?P<{GROUP}>{inner}){after}", group
        return
    # Of the shortest name a token is left.
    num_before = min(_num_shared(split), min(lengths) - 1)
    num_after = min(_num_shared([tokens[::-1] for tokens in split]), min(lengths) - 1 - num_before)
    group = ["".join(tokens[num_before : len(tokens) - num_after]) for tokens in split]
    before = _escaped("".join(split[0][:num_before]))
    after = _escaped("".join(split[0][len(split[0]) - num_after :]))
    yield f"^{before}(?P<{GROUP}>.+){after}$", group


def _with_word(columns: Sequence[tuple[str, ...]], number: int) -> int:
    """Where the word before a number begins, such as pump of pump_7; the number where there is none."""
    for begin in (number - 1, number - 2):
        if begin >= 0 and columns[begin][0].isalpha() and all(len(set(one)) == 1 for one in columns[begin:number]):
            return begin
    return number


def _num_shared(split: Sequence[Sequence[str]]) -> int:
    """How many tokens all begin with."""
    return next(
        (index for index, tokens in enumerate(zip(*split, strict=False)) if len(set(tokens)) > 1),
        min(map(len, split)),
    )


def _part(tokens: Sequence[str]) -> str:
    """A pattern for one place of all names."""
    if len(set(tokens)) == 1:
        return _escaped(tokens[0])
    if all(token.isdigit() for token in tokens):
        return "[0-9]+"
    return "[A-Za-z]+" if all(token.isascii() and token.isalpha() for token in tokens) else ".+"


def _escaped(text: str) -> str:
    return SPECIAL.sub(lambda found: f"\\{found[0]}", text)
