"""Lines that no separator cuts into fields: by the places of their columns, or by a regular expression.

A line that cannot be cut so stays as it is behind a mark, and is rejected: it is never cut in another way.
"""

import re
from collections.abc import Callable, Sequence

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe

__all__ = ["UNCUT", "cutter"]

UNCUT = "\x15"
"""Begins a line that cannot be cut. Made for this (negative acknowledge), and in no text."""
NOT_DECODED = "\N{REPLACEMENT CHARACTER}"
NEWLINE, NO_UTF8 = b"\n", b"\xff"
WITHIN = re.compile(r"[\w.,]{2}|[-+][\d.,]")
"""What stands around a place within a word or a number."""


def cutter(recipe: Recipe, separator: str) -> Callable[[bytes], bytes] | None:
    """What rewrites whole lines of UTF-8, with a separator between their fields; None where a separator does."""
    if recipe.line is not None:
        pattern = recipe.line
        return lambda data: _encoded(_by_pattern(_decoded(data), pattern, recipe.comment, separator))
    if recipe.columns_at is not None:
        starts = recipe.column_starts
        return lambda data: _encoded(_by_place(_decoded(data), starts, recipe, separator))
    return None


def _decoded(data: bytes) -> list[str]:
    return data.decode(errors="replace").split("\n")


def _encoded(lines: Sequence[str]) -> bytes:
    # What could not be decoded must not become a text of other letters.
    return "\n".join(lines).encode().replace(NOT_DECODED.encode(), NO_UTF8)


def _by_pattern(lines: Sequence[str], pattern: str, comment: str | None, separator: str) -> list[str]:
    """The named groups of an expression that fits a line from its first letter to its last."""
    bare = pl.Series("bare", lines).str.strip_chars()
    found = bare.str.extract_groups(f"^({pattern})$").struct.unnest()
    whole, *groups = found.columns
    fields = [
        _written(pl.col(name).fill_null("").str.strip_chars(), separator) for name in groups if not name.isdigit()
    ]
    is_spared = pl.col("bare") == ""
    if comment is not None:
        is_spared |= pl.col("bare").str.starts_with(comment)
    uncut = pl.lit(UNCUT) + pl.col("bare")
    cut = (
        pl.when(is_spared)
        .then(pl.col("bare"))
        .when(pl.col(whole).is_null())
        .then(uncut)
        .otherwise(pl.concat_str(fields, separator=separator))
    )
    rewritten: list[str] = found.with_columns(bare).select(cut.alias("line"))["line"].to_list()
    return rewritten


def _written(field: pl.Expr, separator: str) -> pl.Expr:
    """A field as RFC 4180 writes it."""
    quoted = pl.concat_str(pl.lit('"'), field.str.replace_all('"', '""', literal=True), pl.lit('"'))
    is_special = field.str.contains('"', literal=True) | field.str.contains(separator, literal=True)
    return pl.when(is_special).then(quoted).otherwise(field)


def _by_place(lines: Sequence[str], starts: Sequence[int], recipe: Recipe, separator: str) -> list[str]:
    """What stands from the place of each column to that of the next, without blanks around it."""
    spans = [slice(start, stop) for start, stop in zip(starts, [*starts[1:], None], strict=True)]
    around = [slice(start - 1, start + 1) for start in starts[1:]]
    within = WITHIN.fullmatch
    comment = recipe.comment
    rewritten: list[str] = []
    for line in lines:
        text = line.expandtabs().rstrip()
        if not text or (comment is not None and text.startswith(comment)):
            rewritten.append(text)
            continue
        if any(within(text[pair]) for pair in around):
            rewritten.append(UNCUT + text)
            continue
        fields = [text[span].strip() for span in spans]
        if '"' in text or separator in text:
            fields = ['"' + field.replace('"', '""') + '"' for field in fields]
        rewritten.append(separator.join(fields))
    return rewritten
