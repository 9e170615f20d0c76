"""How a text file is written."""

from dataclasses import dataclass
from typing import Literal

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import is_encoding, unexpected

__all__ = ["BLANKS", "TextSettings"]

Quote = Literal["strict", "loose", "backslash", "apostrophe", "lines", "none"]
BLANKS = "blanks"
MOST_LINES = 100_000


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How a text file is written."""

    separator: str = ","
    """What stands between fields: a character or several, the word tab, or the word blanks for any number of
    blanks and tabs."""
    quote: Quote = "strict"
    """What quotes mean. strict: a field that starts with a quote ends with one, as in RFC 4180; loose: elsewhere
    a quote is a character as others; backslash: loose, and a backslash before a quote or separator makes it a
    character; apostrophe: loose, with ' for the quote; lines: each line as a whole is in quotes; none: all quotes
    are characters."""
    decimal: str | tuple[str, ...] = "."
    """Decimal mark: a point, a comma, or the word either; of one column as level=, ."""
    encoding: str = "utf-8"
    """Encoding of texts, such as utf-8, latin-1, utf-16 or gbk."""
    comment: str | None = None
    """Lines that begin with this are no rows, such as #."""
    skip_lines: str = "0"
    """Number of lines above the header, or above the first row where `header` names the columns."""
    skip_below_header: str = "0"
    """Number of lines between the header and the first row, such as one of units."""
    header: tuple[str, ...] = ()
    """Names of the columns, for files that have no header."""

    @property
    def num_above(self) -> int:
        """`skip_lines` as a number."""
        return _number("skip-lines", self.skip_lines)

    @property
    def num_below_header(self) -> int:
        """`skip_below_header` as a number."""
        return _number("skip-below-header", self.skip_below_header)

    def check_text(self) -> None:
        """Raise RecipeError where they cannot be used."""
        single = len(self.separator) == 1
        is_blank = not self.separator.strip(" ") or any(mark in self.separator for mark in '"\r\n')
        if is_blank or (single and self.separator in "0123456789+-."):
            expected = "one or more characters such as , or ; or ||, or the words tab or blanks"
            raise unexpected("separator", self.separator, expected)
        if not is_encoding(self.encoding):
            expected = "the name of an encoding, such as utf-8, latin-1 or utf-16"
            raise unexpected("encoding", self.encoding, expected)
        if self.comment is not None and (not self.comment.strip() or not self.comment.isprintable()):
            raise unexpected("comment", self.comment, "how comments begin, such as # or //")
        if self.num_below_header and self.header:
            raise RecipeError(
                "skip-below-header is for files with a header, header for files without one: to leave out lines "
                "above the first row, say skip-lines",
                code="recipe-conflict",
            )
        assert self.num_above >= 0


def _number(name: str, text: str) -> int:
    # Python takes digits of all scripts, but not thousands of them.
    if not (text.isdecimal() and text.isascii() and len(text) <= 9) or int(text) > MOST_LINES:
        raise unexpected(name, text, f"a number of lines, from 0 to {MOST_LINES:,}")
    return int(text)
