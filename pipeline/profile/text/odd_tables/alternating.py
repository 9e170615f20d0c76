"""Texts in which two tables take turns, each below its names, as iostat writes them: they are refused."""

from collections.abc import Sequence
from itertools import pairwise

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.profile.text.cells import Kind, kind_of
from longstride.pipeline.profile.words.wording import quoted

__all__ = ["refuse_alternating"]

MAX_LINES = 2_000
FEWEST_NAMES, FEWEST_TURNS, FEWEST_NUMBERS = 3, 3, 2


def refuse_alternating(name: str, begin: bytes) -> None:
    """Raise SourceError where the first lines of a file are those of two tables that take turns."""
    if tables := _tables(begin.decode(errors="replace").splitlines()[:MAX_LINES]):
        one, other = map(quoted, tables)
        raise SourceError(
            name,
            f"two tables take turns in the file, below the names {one} and below {other}: write each to a file of "
            "its own, or all values of a time in one line, as with `iostat -d`, `sadf -d -- -d` or JSON",
            code="header-changed",
        )


def _tables(lines: Sequence[str]) -> tuple[str, str] | None:
    """The names of two tables whose names take turns; None for other lines."""
    words = [line.split() for line in lines if line.strip()]
    names = [" ".join(line) for line, below in pairwise(words) if _are_names(line, below)]
    kinds = list(dict.fromkeys(names))
    if len(kinds) != 2 or any(one == other for one, other in pairwise(names)):
        return None
    return (kinds[0], kinds[1]) if len(names) >= 2 * FEWEST_TURNS else None


def _are_names(line: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a line holds words alone, and the next one about as many fields, with numbers among them."""
    if len(line) < FEWEST_NAMES or abs(len(below) - len(line)) > 1:
        return False
    numbers = sum(kind_of(word) is Kind.NUMBER for word in below)
    return numbers >= FEWEST_NUMBERS and all(kind_of(word) is Kind.TEXT for word in line)
