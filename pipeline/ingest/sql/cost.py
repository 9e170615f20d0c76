"""What an expression costs: Polars writes some operands several times, and some functions make texts longer."""

from collections.abc import Sequence

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.tree import IN_LIST, Group, Part, is_text, split

__all__ = ["check_cost"]

MAX_DEPTH = 42
"""Polars' parser stops at 50, and before that needs twice as long for each further NOT."""
OPERANDS = frozenset("'\".0123456789")
"""What names, texts and numbers begin with."""
CONSTANTS = frozenset(("NULL", "TRUE", "FALSE"))
MAX_COST = 1000
"""Operands and operators, as many times as Polars writes them."""
MAX_GROWTH = 64
"""How many times as long as a column a text may become: a piece of a log has 8 MiB."""
LETTERS = 16
"""A text in quotes counts as one column for every so many bytes."""

TIMES_WRITTEN = {"NULLIF": 2, "EXTRACT": 2, "DATE_PART": 2, "LEFT": 3, "RIGHT": 3, "SUBSTR": 3, "SUBSTRING": 3}
"""How often Polars writes the arguments of a function; it is once for all others (measured by
tests/pipeline/ingest/sql/test_cost.py)."""
ENDS = frozenset(("AND", "OR", ",", "WHEN", "THEN", "ELSE", "FROM", "FOR"))
"""Where an operand ends, whatever comes before in the same brackets."""
JOINING = frozenset(("CONCAT", "CONCAT_WS", "STRFTIME"))


def check_cost(tree: Group) -> None:
    """Raise RecipeError where Polars would need far more time or memory than the rows and the query have."""
    if _depth(tree) > MAX_DEPTH:
        raise RecipeError(
            f"brackets, functions and operators are nested more than {MAX_DEPTH} deep: compute some before",
            code="sql-invalid",
        )
    if _cost(tree) > MAX_COST:
        raise RecipeError(
            f"an expression comes to more than {MAX_COST:,} operators and operands, counted as often as Polars "
            f"computes them: {', '.join(TIMES_WRITTEN)}, BETWEEN, IN and CASE repeat what stands in them. Nest "
            "them less deep, or compute it before the ingest",
            code="sql-invalid",
        )
    _growth(tree)


def _depth(part: Part) -> int:
    """How deep the parser of Polars calls itself: for brackets, and to the right of an operator."""
    if isinstance(part, str):
        return 0
    deepest = 0
    for operand in split(part.parts, (",", "WHEN", "THEN", "ELSE")):
        operators: set[str] = set()
        row = 0  # of operators, as in - - a
        for inner in operand:
            if isinstance(inner, str) and not _is_operand(inner):
                operators.add(inner)
                row += 1
            else:
                deepest = max(deepest, _depth(inner) + len(operators) + max(0, row - 1))
                row = 0
    return 1 + deepest


def _is_operand(word: str) -> bool:
    return word[0] in OPERANDS or word.endswith("'") or word in CONSTANTS


def _cost(part: Part) -> int:
    if isinstance(part, str):
        return 1
    total, compared = _inner(part)
    if part.name == "CASE":  # CASE x WHEN ... compares x at each WHEN
        return 1 + total + compared * part.parts.count("WHEN")
    return 1 + TIMES_WRITTEN.get(part.name, 1) * total


def _inner(group: Group) -> tuple[int, int]:
    """What all parts of a group cost, and those before its first WHEN."""
    total = operand = open_ranges = 0
    before = None
    for part in group.parts:
        if part == "BETWEEN":  # what is on its left is compared with both ends
            operand *= 2
            open_ranges += 1
        elif part == "AND" and open_ranges:
            open_ranges -= 1
        elif isinstance(part, str) and part in ENDS:
            total, operand = total + operand, 0
            before = total if before is None and part == "WHEN" else before
        elif isinstance(part, Group) and part.name == IN_LIST:
            operand = operand * _num_compared(part) + _cost_of_list(part)
        else:
            operand += _cost(part)
    return total + operand, before or 0


def _is_constant(group: Group) -> bool:
    return all(isinstance(part, str) and not part.startswith('"') for part in group.parts)


def _num_compared(group: Group) -> int:
    """A list of constants is one set; with anything else in it, each of its values is compared."""
    return 1 if _is_constant(group) else 1 + group.parts.count(",")


def _cost_of_list(group: Group) -> int:
    return 1 if _is_constant(group) else _inner(group)[0]


def _growth(part: Part) -> int:
    """How many times as long as a column a text may be, at most. Raises RecipeError where that is too long."""
    if isinstance(part, str):
        return 1 + len(part.encode()) // LETTERS if is_text(part) else 1
    pieces = [_joined(piece) for piece in split(part.parts, ENDS)]
    if part.name == "REPLACE":
        return _limited(pieces[0] * _factor(part))
    if part.name == "CONCAT_WS":
        return _limited(sum(pieces) + pieces[0] * len(pieces))
    return _limited(sum(pieces)) if part.name in JOINING else max(pieces)


def _joined(parts: Sequence[Part]) -> int:
    sizes = [_growth(part) for part in parts if part != "||"]
    return _limited(sum(sizes)) if "||" in parts else max(sizes, default=1)


def _factor(group: Group) -> int:
    """How many times as long as before REPLACE makes a text, at most."""
    _, *texts = split(group.parts, (",",))
    if len(texts) != 2 or not all(len(text) == 1 and is_text(text[0]) for text in texts):
        raise RecipeError("REPLACE takes a text, and then two texts in quotes", code="sql-invalid")
    old, new = (len(str(text[0]).encode()) - 2 for text in texts)
    if not old:
        raise RecipeError("REPLACE looks for an empty text: name what it should replace", code="sql-invalid")
    return max(1, -(-new // old))


def _limited(growth: int) -> int:
    if growth > MAX_GROWTH:
        raise RecipeError(
            f"an expression makes texts more than {MAX_GROWTH} times as long as those of the log: join fewer, or "
            "shorter ones, or nest REPLACE less deep",
            code="sql-invalid",
        )
    return growth
