"""The rows of a piece of CSV, found and checked from its bytes.

Polars fills short rows with nulls without a word, and finds long ones only when it reads every column. So rows and
fields are counted here, before it sees them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.errors import SourceError
from pipeline.ingest.lines import Piece

__all__ = ["Records", "check_fields", "find_records"]

COMMA, QUOTE, NEWLINE, RETURN = b',"\n\r'
MAX_TEXT_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Records:
    """The rows of a piece."""

    piece: Piece
    starts: NDArray[np.int64]
    """Byte of the piece where each row starts, (rows,)."""
    data: bytes
    """The piece without its blank lines."""
    num_blank: int
    num_continued: int
    """Line breaks inside quotes: lines that continue a row."""

    def place(self, row: int) -> str:
        """Where in the file a row starts."""
        return self.piece.place(int(self.starts[row]))


def find_records(piece: Piece, num_fields: int) -> Records:
    """Find the rows of a piece; those with too few or too many fields may still balance each other.

    A reader that finds the long ones is then enough, and `check_fields` tells where. Raises SourceError for a
    quote out of place, and where the fields do not add up to `num_fields` a row.
    """
    starts, blank, comma = _scan(piece)
    num_rows = len(starts) - int(np.count_nonzero(blank))
    if np.count_nonzero(comma) != num_rows * (num_fields - 1):
        check_fields(piece, num_fields)
    return Records(
        piece=piece,
        starts=starts[~blank],
        data=piece.data if num_rows == len(starts) else _without(piece.data, starts, blank),
        num_blank=len(starts) - num_rows,
        num_continued=piece.num_lines - len(starts),
    )


def check_fields(piece: Piece, num_fields: int) -> None:
    """Raise SourceError for the first row whose number of fields is not `num_fields`."""
    starts, blank, comma = _scan(piece)
    found = np.add.reduceat(comma, starts, dtype=np.int64) + 1
    wrong = np.flatnonzero((found != num_fields) & ~blank)
    if len(wrong):
        start = int(starts[wrong[0]])
        raise SourceError(
            piece.source,
            f"the row has {found[wrong[0]]} fields, expected {num_fields} as in the header: "
            f"{_shown(piece.data, start)}: mend or remove it",
            place=piece.place(start),
        )


def _scan(piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Where each record starts, whether it is a blank line, and which bytes of the piece separate fields."""
    data = np.frombuffer(piece.data, np.uint8)
    newline, comma = data == NEWLINE, data == COMMA
    if QUOTE in piece.data:
        outside = _outside_quotes(piece, data)
        newline &= outside
        comma &= outside
    stops = np.flatnonzero(newline)
    starts = np.concatenate([[0], stops[:-1] + 1])
    length = stops - starts
    return starts, (length == 0) | ((length == 1) & (data[starts] == RETURN)), comma


def _outside_quotes(piece: Piece, data: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which bytes are not inside quotes. Raises SourceError for a quote that RFC 4180 does not allow.

    A quoted field starts and ends with a quote, and holds two where it means one.
    """
    quote = data == QUOTE
    marks = np.flatnonzero(quote)
    opening, closing = marks[0::2], marks[1::2]
    before = data[np.maximum(opening - 1, 0)]
    opens_well = (opening == 0) | np.isin(before, [COMMA, NEWLINE, QUOTE])
    # The piece ends with a line break, so a quote followed by nothing is one that is followed by it.
    after, second = data[closing + 1], data[np.minimum(closing + 2, len(data) - 1)]
    closes_well = np.isin(after, [COMMA, NEWLINE, QUOTE]) | ((after == RETURN) & (second == NEWLINE))
    # A quote that closes nothing well is told where its field opens.
    wrong = [*opening[~opens_well][:1], *opening[: len(closing)][~closes_well][:1]]
    if len(opening) > len(closing):
        wrong.append(opening[-1])
    if wrong:
        start = int(min(wrong))
        raise SourceError(
            piece.source,
            f"a quote is out of place at {_shown(piece.data, start)}: a quoted field starts and ends with one, "
            'and holds "" where it means one',
            place=piece.place(start),
        )
    return ~np.logical_xor.accumulate(quote)


def _without(data: bytes, starts: NDArray[np.int64], blank: NDArray[np.bool_]) -> bytes:
    stops = np.append(starts[1:], len(data))
    return b"".join(
        data[start:stop] for start, stop in zip(starts[~blank].tolist(), stops[~blank].tolist(), strict=True)
    )


def _shown(data: bytes, start: int) -> str:
    stop = data.find(NEWLINE, start)
    text = data[start : min(stop, start + MAX_TEXT_SHOWN)].decode(errors="replace").rstrip("\r")
    return repr(text) + ("..." if stop > start + MAX_TEXT_SHOWN else "")
