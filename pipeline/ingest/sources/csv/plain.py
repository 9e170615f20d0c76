"""A piece of CSV whose rows need not be looked for: every line is a row, as its numbers prove once they are read.

Without quotes, Polars refuses a line with more fields than there are columns, and gives no last value to one with
fewer, or to a blank one. So where every line has a last value, and nothing else can be wrong, `records` would find
the same rows.
"""

from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import raw_text
from longstride.pipeline.ingest.sources.csv.cutting import UNCUT
from longstride.pipeline.ingest.sources.csv.header import Header
from longstride.pipeline.ingest.sources.csv.lines import Piece, count_lines
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES, is_utf8

__all__ = ["PlainLines", "may_be_plain"]

NEWLINE = b"\n"
MARKS = (b'"', b"\0", UNCUT.encode())
"""Of quoted fields, of lost power, and of lines that `rewriting` could not cut."""


def may_be_plain(piece: Piece, header: Header, recipe: Recipe) -> bool:
    """Whether lines of a piece that Polars can read as numbers may be rows without any other check."""
    return (
        not (recipe.comment or recipe.only_lines or header.surplus)
        and is_utf8(recipe.encoding)
        and piece.data.isascii()
        and not any(text in piece.data for text in (*MARKS, *header.block))
        # So no line is longer than two such strips.
        and all(
            piece.data.find(NEWLINE, start, start + MAX_RECORD_BYTES // 2) >= 0
            for start in range(0, len(piece.data), MAX_RECORD_BYTES // 2)
        )
    )


class PlainLines:
    """Lines of a piece, each of which is a row."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self.num_lines = count_lines(piece.data, len(piece.data))

    def are_all(self, frame: pl.DataFrame) -> bool:
        """Whether these are the rows of a frame of their fields, the last of which is a number."""
        return frame.height == self.num_lines and frame.to_series(-1).null_count() == 0

    @property
    def lines(self) -> NDArray[np.int64]:
        """Number of each in the file, (rows,)."""
        return self._piece.first_line + np.arange(self.num_lines)

    def raw(self, row: int) -> str:
        """Give the text of a row as `Reject.raw` does."""
        start = int(self._stops[row - 1]) if row else 0
        return raw_text(self._piece.data[start : int(self._stops[row])], "utf-8")

    @cached_property
    def _stops(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.frombuffer(self._piece.data, np.uint8) == NEWLINE[0]) + 1
