"""Where columns begin in a text that lines them up by blanks, so that cells may be empty and names hold blanks."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_places"]

MAX_LINES = 500
FEWEST = 4
MAX_WIDTH = 2_000
RARE = 0.01
"""A share of lines that may be damaged."""
NEAR = 4
"""Lines above the first row among which the names are."""
BLANK, POINT = b" ."
DIGITS = b"0123456789"
WORD = re.compile(r"\S+")


def find_places(lines: Sequence[str]) -> str | None:
    """The places as `columns-at` says them; None where the lines of numbers have no common blanks."""
    raw = [line.rstrip() for line in lines[:MAX_LINES]]
    lines = [line.expandtabs() for line in raw]
    rows = [index for index, line in enumerate(lines) if _is_like_row(line)]
    if len(rows) < FEWEST or _has_cells_between_tabs([raw[index] for index in rows]):
        return None
    if max(len(lines[index]) for index in rows) > MAX_WIDTH:
        return None
    letters = _letters([lines[index] for index in rows])
    spans = [part for span in _spans(letters) for part in _parts(letters, *span)]
    if len(spans) < 2:
        return None
    above = [line for line in lines[max(0, rows[0] - NEAR) : rows[0]] if line]
    names = max(above, key=lambda line: len(WORD.findall(line)), default="")
    starts = [0]
    for (_, end), (begin, stop) in pairwise(spans):
        place = _place(names, end, begin)
        left, right = names[starts[-1] : place].strip(), names[place:stop].strip()
        # A date and the time of day behind it have one name.
        if begin - end == 1 and names and not (left and right and names[place - 1 : place] == " "):
            continue
        starts.append(place)
    return ",".join(map(str, starts)) if len(starts) > 1 else None


def _has_cells_between_tabs(rows: Sequence[str]) -> bool:
    """Whether tabs separate cells, as many in each row: where they line up columns, some rows need fewer."""
    numbers = {row.count("\t") for row in rows}
    return len(numbers) == 1 and numbers != {0}


def _is_like_row(line: str) -> bool:
    num_digits = sum(character.isdigit() for character in line)
    return num_digits > sum(character.isalpha() for character in line)


def _letters(rows: Sequence[str]) -> NDArray[np.uint8]:
    """Rows as codes, (rows, letters); what is not ASCII is a letter as others."""
    width = max(map(len, rows))
    texts = [row.encode("ascii", "replace").ljust(width) for row in rows]
    return np.frombuffer(b"".join(texts), np.uint8).reshape(len(rows), width)


def _spans(letters: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Where columns begin and end: between them, nearly all rows are blank."""
    filled = (letters != BLANK).mean(axis=0) > RARE
    edges = np.flatnonzero(np.diff(filled, prepend=False, append=False))
    return list(zip(edges[0::2].tolist(), edges[1::2].tolist(), strict=True))


def _parts(letters: NDArray[np.uint8], begin: int, end: int) -> list[tuple[int, int]]:
    """Numbers that touch, such as -9.9-10.1: their points are in line, and so are the digits behind each."""
    part = letters[:, begin:end]
    here = part[(part != BLANK).any(axis=1)]
    are_points = ((here == POINT) | (here == BLANK)).all(axis=0) & (here == POINT).any(axis=0)
    points = np.flatnonzero(are_points).tolist()
    are_digits: NDArray[np.bool_] = np.all(np.isin(here, np.frombuffer(DIGITS + b" ", np.uint8)), axis=0)
    cuts = [begin]
    for point, following in pairwise(points):
        stop = point + 1
        while stop < following and are_digits[stop] and not (here[:, stop] == BLANK).any():
            stop += 1
        if not point + 1 < stop < following:
            return [(begin, end)]
        cuts.append(begin + stop)
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _place(names: str, end: int, begin: int) -> int:
    """Where a column begins between the end of one and the begin of the next.

    A name that begins there, behind more blanks than others, is that of the next column.
    """
    found = [WORD.search(names, place) for place in range(end, begin + 1) if names[place - 1 : place] == " "]
    places = [word.start() for word in found if word is not None and word.start() <= begin]
    return max(places, key=lambda place: place - len(names[:place].rstrip()), default=begin)
