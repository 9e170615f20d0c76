"""A second header further down: what follows it may be of other columns, so it is not left out as a bad row."""

import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.sources.base import Raw

__all__ = ["refuse_other_header"]

NAME = re.compile(r"[^\W\d][^\n]{0,60}")
FEWEST_NAMES = 3
FIRST_LINES = 5
"""Up to there, rows of units and the like may stand below a header."""


def refuse_other_header(source: str, raw: Raw, rejects: Sequence[Reject]) -> None:
    """Raise SourceError where a row without a time holds names: those of the columns in another order, or others.

    A row of names that are all those of the header in their order is a repetition of it.
    """
    if any(dtype != pl.String for dtype in raw.frame.dtypes):
        return  # texts that are names would not have become numbers
    names = [name.strip() for name in raw.frame.columns]
    for reject in rejects:
        row = int(np.searchsorted(raw.lines, reject.line))
        is_row = row < len(raw.lines) and raw.lines[row] == reject.line
        if not is_row or row + 1 == len(raw.lines):
            continue
        texts = [value.strip() for value in raw.frame.row(row) if isinstance(value, str)]
        if _is_header(texts, names) and (len({*texts} & {*names}) >= len(names) / 2 or reject.line > FIRST_LINES):
            raise SourceError(
                source,
                f"this seems to be another header, {reject.raw!r}; the columns above it are {', '.join(names)}. "
                "Cut the file there and ingest both parts, as with `split`; or where it is only a remark, say "
                f"how it begins, as with --comment {texts[0]!r}",
                place=f"line {reject.line}",
                code="header-changed",
            )


def _is_header(texts: Sequence[str], names: Sequence[str]) -> bool:
    """Whether texts are as many names, all different, and not those of the header as they stand there."""
    if len(texts) != len(names) or len({*texts}) < max(len(texts), FEWEST_NAMES):
        return False
    if [text.lower() for text in texts] == [name.lower() for name in names]:
        return False
    return all(NAME.fullmatch(text) for text in texts)
