"""Tables within a JSON document: arrays of objects, arrays of rows, and columns, wherever they stand.

The name of a table is its place: `value.series[].points[]` has each object of `points` of each object of `series`.
What stands beside the rows in the objects around them (single values, and objects of single values) is a column of
each of them, so that rows of several sensors or stations can be told apart.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

from longstride.pipeline.ingest.sources.json.flatten import MAX_ITEMS, leaves

__all__ = ["ROOT", "Part", "num_rows", "parts_of", "rows_at"]

ROOT = "$"
"""The place of the document itself, if it is a table."""
TIME, INDEX, KEY = "time", "index", "key"
TIME_KEY = re.compile(r"-?\d{9,}(?:\.\d*)?|\d{4}-\d\d.*|\d{1,2}:\d\d.*")
FEWEST_ITEMS = 2
FEWEST_KEYED = 5
SHORT = 4
"""So few numbers are rather a position or an axis than a column."""
DEEPEST = 64
PLAIN_KEY = re.compile(r"[^.\[\]{}$]+")
DIGITS = re.compile(r"\d+")
NUMBER_OR_TIME = re.compile(r"-?\d[\dT:. Z+-]*")

Row = dict[str, Any]


class Part(NamedTuple):
    """Rows of a table that stand in one place of a document."""

    place: str
    rows: Sequence[Row]
    around: Row
    """What the objects around it say of each row."""


class Known(NamedTuple):
    """A table that was found before. Few rows in its place are rows too, and other things there are faults."""

    place: str = ""
    columns: Set[str] = frozenset()


NOTHING = Known()


def parts_of(document: Any, known: Known = NOTHING) -> Iterator[Part]:
    """The tables within a document, in pieces, in the order in which they stand.

    Raises ValueError where a `known` table cannot be read.
    """
    yield from _parts(document, "", {}, (), 0, known)


def num_rows(documents: Sequence[Any]) -> Counter[str]:
    """Rows of each table, by its place."""
    found: Counter[str] = Counter()
    for document in documents:
        for part in parts_of(document):
            found[part.place] += len(part.rows)
    return found


def rows_at(document: Any, place: str, own: Set[str] = frozenset()) -> Iterator[Row]:
    """Rows of one table; what stands around them is called `$.name` where the name is one of their `own`.

    Raises ValueError where a row has two values of one name, and where the table cannot be read.
    """
    for part in parts_of(document, Known(place, own)):
        if part.place == place:
            around = {f"{ROOT}.{name}" if name in own else name: value for name, value in part.around.items()}
            for row in part.rows:
                if twice := row.keys() & around.keys():
                    raise ValueError(f"{min(twice)!r} is the name of a value of the row and of one around it")
                yield {**row, **around}


def _parts(node: Any, place: str, around: Row, names: Sequence[str], depth: int, known: Known) -> Iterator[Part]:
    if depth > DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(node, dict):
        # An object of an array, which may be a row itself, is not the table of its columns.
        own = f"{place}.{ROOT}" if place.endswith(("[]", "{}")) else place or ROOT
        if columns := _known_columns(node, known) if own == known.place else _columns(node):
            rest = {key: value for key, value in node.items() if key not in columns}
            yield Part(own, _rows_of_columns(columns), around | _beside(rest, place))
            return
        keyed = f"{place or ROOT}{{}}"
        if _are_records(node, FEWEST_ITEMS if known.place.startswith(keyed) else FEWEST_KEYED):
            items: list[Any] = [{KEY: key, **value} for key, value in node.items()]
            fewest = 1 if known.place == keyed else FEWEST_KEYED
            if len(items) >= fewest and not all(map(_is_nested, node[items[0][KEY]].values())):
                yield Part(keyed, items, around)
            yield from _deeper(items, keyed, around, depth, known)
            return
        around = around | _beside(node, place)
        listed = [value for value in node.values() if _is_list_of(value, str)]
        for key, value in node.items():
            if isinstance(value, dict | list):
                inner = _joined(place, key)
                fewest = 1 if known.place == f"{inner}[]" else FEWEST_ITEMS
                others = next((one for one in listed if one is not value and _fits(one, value, fewest)), ())
                yield from _parts(value, inner, around, others, depth + 1, known)
    elif isinstance(node, list) and node:
        place = f"{place}[]"
        if _is_list_of(node, dict):
            yield Part(place, node, around)
            yield from _deeper(node, place, around, depth, known)
        elif _are_rows(node, 1 if place == known.place else FEWEST_ITEMS):
            names = names or [f"column_{number}" for number in range(1, len(node[0]) + 1)]
            yield Part(place, [dict(zip(names, row, strict=True)) for row in node], around)
        elif place == known.place:
            raise ValueError(f"{place} holds neither objects alone nor rows of one length")


def _deeper(items: Sequence[Row], place: str, around: Row, depth: int, known: Known) -> Iterator[Part]:
    for item in items:
        if any(map(_is_nested, item.values())):
            yield from _parts(item, place, around, (), depth + 1, known)


def _joined(place: str, key: str) -> str:
    step = key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
    return f"{place}.{step}" if place else step


def _beside(node: Mapping[str, Any], place: str) -> Row:
    """Single values of an object, and of the objects in it that hold nothing else."""
    path = place.replace("[]", "").replace("{}", "").removeprefix(ROOT).lstrip(".")
    found: Row = {}
    for key, value in node.items():
        name = f"{path}.{key}" if path else key
        if not isinstance(value, dict | list):
            found[name] = value
        elif isinstance(value, dict) and len(value) <= MAX_ITEMS and not _holds_lists(value):
            found.update(leaves(name, value))
    return found


def _holds_lists(node: Mapping[str, Any]) -> bool:
    return any(isinstance(one, list) or (isinstance(one, dict) and _holds_lists(one)) for one in node.values())


def _columns(node: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of equal length, or of values by the same numbers or times; none where an object holds none."""
    lists = {key: value for key, value in node.items() if isinstance(value, list) and len(value) > SHORT}
    if len(lists) > 1 and len(set(map(len, lists.values()))) == 1 and all(map(_is_flat, lists.values())):
        return lists
    keyed = {key: value for key, value in node.items() if isinstance(value, dict) and _is_by_index(value)}
    return keyed if not lists else {}


def _known_columns(node: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Those of a table that was found before, of any length."""
    lists = {key: value for key, value in node.items() if isinstance(value, list) and key in known.columns}
    if not lists:
        return _columns(node)
    if len(set(map(len, lists.values()))) > 1 or not all(map(_is_flat, lists.values())):
        raise ValueError(f"the columns at {known.place} are not of one length")
    return lists


def _is_flat(values: Sequence[Any]) -> bool:
    return not any(map(_is_nested, values))


def _is_by_index(node: Mapping[str, Any]) -> bool:
    return len(node) >= FEWEST_ITEMS and _is_flat([*node.values()]) and all(map(NUMBER_OR_TIME.fullmatch, node))


def _rows_of_columns(columns: Mapping[str, Any]) -> list[Row]:
    if isinstance(next(iter(columns.values())), list):
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    places = dict.fromkeys(place for column in columns.values() for place in column)
    index = TIME if all(map(TIME_KEY.fullmatch, places)) else INDEX
    while index in columns:
        index += "_"
    return [{index: place, **{key: column.get(place) for key, column in columns.items()}} for place in places]


def _are_records(node: Mapping[str, Any], fewest: int) -> bool:
    """Whether the keys of an object are names or numbers of records: REP_1, REP_2, or many that hold the same."""
    values = [*node.values()]
    if not _is_list_of(values, dict) or any(KEY in value for value in values):
        return False
    if len({DIGITS.sub("", key) for key in node}) == 1 and all(map(DIGITS.search, node)):
        return True
    num_same = sum(value.keys() == values[0].keys() for value in values)
    return len(values) >= fewest and 2 * num_same > len(values)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _is_list_of(values: Any, kind: type) -> bool:
    return isinstance(values, list) and bool(values) and all(type(value) is kind for value in values)


def _are_rows(node: Sequence[Any], fewest: int) -> bool:
    """Whether an array holds arrays of single values, all of one length."""
    if not _is_list_of(node, list) or len(node) < fewest:
        return False
    width = len(node[0])
    return 1 < width <= MAX_ITEMS**2 and all(len(row) == width and _is_flat(row) for row in node)


def _fits(names: Sequence[str], value: Any, fewest: int) -> bool:
    return isinstance(value, list) and _are_rows(value, fewest) and len(value[0]) == len(names) == len(set(names))
