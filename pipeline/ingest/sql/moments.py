"""How far a query may move times: what it adds to them, summed before any row is read."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.sql.tree import Group, Part, is_text, split
from longstride.pipeline.ingest.sql.vocabulary import OF_NUMBERS

__all__ = ["FIXED", "sums_of_times"]

FIXED = ""
"""Stands for the times that the query itself names, in nanoseconds."""

DAY = 86_400 * 10**9
UNITS = {
    "ns": 1, "nanosecond": 1, "us": 10**3, "microsecond": 10**3, "ms": 10**6, "millisecond": 10**6,
    "s": 10**9, "sec": 10**9, "second": 10**9, "m": 60 * 10**9, "min": 60 * 10**9, "minute": 60 * 10**9,
    "h": DAY // 24, "hour": DAY // 24, "d": DAY, "day": DAY, "w": 7 * DAY, "week": 7 * DAY,
    "mo": 31 * DAY, "mon": 31 * DAY, "month": 31 * DAY, "q": 92 * DAY, "quarter": 92 * DAY,
    "y": 366 * DAY, "year": 366 * DAY,
}  # fmt: skip
"""The longest that each may be."""
FIRST_YEAR, LAST_YEAR = 1678, 2261
"""Int64 nanoseconds reach all of these."""
YEAR = re.compile(r"\s*(\d{4,})-\d\d?-\d\d?(?:[ T].*)?\s*", re.DOTALL)
DURATION = re.compile(r"(\d+)\s*([a-z]+)(?:[\s,]+|$|(?=\d))", re.IGNORECASE)

ENDS = frozenset((",", "AND", "OR", "WHEN", "THEN", "ELSE", "FROM", "FOR"))
COMPARISONS = frozenset(("IS", "IN", "NOT", "BETWEEN", "LIKE", "ILIKE", "RLIKE", "REGEXP")) | frozenset(
    ("<", "<=", ">", ">=", "=", "==", "!=", "<>", "<=>", "~", "~*", "!~", "!~*", "^@", "||", "DISTINCT FROM")
)
SCALES = frozenset(["*", "/", "//", "%"])
KEEPING = frozenset(("", "CASE", "COALESCE", "GREATEST", "LEAST", "IF", "IFNULL", "NULLIF", "ABS", "IN"))
"""What may give a time, or a duration, that stands in it."""


def sums_of_times(tree: Group, times: Collection[str]) -> Iterator[Counter[str]]:
    """For each sum in an expression: how often each column of times is in it, and all fixed times together.

    `times` are the columns of times, as SQL writes their names. The sizes bound whatever the signs make of them.
    Raises RecipeError for times that no store can hold, and for a duration that is multiplied or divided.
    """
    found: list[Counter[str]] = []
    _of_group(tree, frozenset(times), found)
    return iter(found)


def _of_group(group: Group, times: frozenset[str], found: list[Counter[str]]) -> Counter[str]:
    """What the group may give."""
    largest: Counter[str] = Counter()
    for operand in split(_ranges_compared(group.parts), ENDS):
        sides = [_of_sum(side, times, found) for side in split(operand, COMPARISONS)]
        if len(sides) == 1:  # else it is true or false
            largest |= sides[0]
    if largest and group.name in OF_NUMBERS - KEEPING:
        raise _not_a_number()
    return largest if group.name in KEEPING else Counter()


def _ranges_compared(parts: Sequence[Part]) -> Sequence[Part]:
    """The parts, with the AND of each BETWEEN as a comparison: it does not end what is compared."""
    found: list[Part] = []
    open_ranges = 0
    for part in parts:
        open_ranges += part == "BETWEEN"
        is_range = part == "AND" and open_ranges > 0
        open_ranges -= is_range
        found.append("BETWEEN" if is_range else part)
    return found


def _of_sum(parts: Sequence[Part], times: frozenset[str], found: list[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total += _of_group(part, times, found) if isinstance(part, Group) else _of_word(part, times)
    operators = {part for part in parts if isinstance(part, str)}
    if total and operators & SCALES:
        raise _not_a_number()
    if total and operators & {"+", "-"}:
        found.append(total)
    return total


def _of_word(word: str, times: frozenset[str]) -> Counter[str]:
    if word in times:
        return Counter({word: 1})
    if word.startswith("INTERVAL "):
        return Counter({FIXED: _duration(word.removeprefix("INTERVAL ")[1:-1])})
    text = word if is_text(word) else word.partition(" ")[2]
    date = YEAR.fullmatch(text[1:-1]) if is_text(text) else None
    if date is None:
        return Counter()
    year = int(date[1])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise RecipeError(
            f"{word} is out of reach: a store holds times of the years {FIRST_YEAR} to {LAST_YEAR}. Name one of "
            "them; of a column of texts, compare LEFT(text, 4)",
            code="sql-invalid",
        )
    return Counter({FIXED: (abs(year - 1970) + 1) * UNITS["year"]})


def _duration(text: str) -> int:
    """The most nanoseconds that it may have."""
    units = [(int(count[:20]), _unit(name.lower())) for count, name in DURATION.findall(text.strip())]
    if DURATION.sub("", text.strip()) or not units or any(unit not in UNITS for _, unit in units):
        raise RecipeError(
            f"INTERVAL {text!r} cannot be read: expected numbers and units, as in '1 day 2 hours'",
            code="sql-invalid",
        )
    nanoseconds = sum(count * UNITS[unit] for count, unit in units)
    if nanoseconds >= 2**63:
        raise RecipeError(f"INTERVAL {text!r} is longer than 292 years", code="sql-invalid")
    return nanoseconds


def _unit(name: str) -> str:
    return name if name in UNITS else name.removesuffix("s")


def _not_a_number() -> RecipeError:
    return RecipeError(
        "a time or a duration is used as a number: cast it first, as in CAST(time - INTERVAL '1 hour' AS BIGINT)",
        code="sql-invalid",
    )
