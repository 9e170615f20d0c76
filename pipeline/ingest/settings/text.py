"""How a text file is written."""

from dataclasses import dataclass
from typing import Literal

from longstride.pipeline.ingest.errors import RecipeError
from longstride.pipeline.ingest.setting import is_encoding, is_single_byte, unexpected
from longstride.pipeline.ingest.settings.pattern import groups_of

__all__ = ["BLANKS", "PAIRS", "TextSettings", "named_by_number"]

Quote = Literal["strict", "loose", "backslash", "apostrophe", "lines", "none"]
BLANKS = "blanks"
PAIRS = "pairs"
"""The group of a line that holds names and values."""
MOST_LINES = 100_000
MOST_COLUMNS = 100_000
EXPECTED_LINE = r"a regular expression with named groups, such as '(?P<time>\S+ \S+) Temp=(?P<temp>\S+)'"
EXPECTED_RECORD = r"a regular expression with named groups, such as '(?P<time>\d+-\d+-\d+ \d+:\d+:\d+)'"
EXPECTED_PLACES = "rising numbers from 0, such as 0,10,18"
OF_SEPARATORS = ("separator", "quote")


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
    columns_at: str | None = None
    """Where columns begin in a text that lines them up by blanks, as numbers of characters before each: 0,10,18. A
    row in which such a place is within a word or a number is rejected."""
    line: str | None = None
    """A regular expression for logs of sentences: it fits a whole line, and its named groups are columns, as in
    '(?P<time>\\S+) T=(?P<temp>\\S+) C'. In a group called pairs, as in '(?P<time>\\S+) (?P<pairs>.+)', each name
    of T=4.5 H=71 or T: 4.5, H: 71 is a column, in any order."""
    record: str | None = None
    """A regular expression for records of several lines: it fits the first line of each as a whole, and its named
    groups are columns, as in '(?P<time>\\d+-\\d+-\\d+ \\S+)'. The names in the lines below it, as in Ping: 12 ms,
    are columns as well."""
    decimal: str | tuple[str, ...] = "."
    """Decimal mark: a point, a comma, or the word either; of one column as level=, ."""
    encoding: str = "utf-8"
    """Encoding of texts, such as utf-8, latin-1, utf-16 or gbk."""
    comment: str | None = None
    """Lines that begin with this are no rows, such as #."""
    only_lines: str | None = None
    """First field of the lines that are rows, where a log holds rows of several kinds, such as $GPRMC: all others
    are left out."""
    skip_lines: str = "0"
    """Number of lines above the header, or above the first row where `header` names the columns."""
    skip_below_header: str = "0"
    """Number of lines between the header and the first row, such as one of units."""
    header: tuple[str, ...] = ()
    """Names of the columns, for files that have no header; or how many they are: 38 are then a1 to a38."""

    @property
    def num_above(self) -> int:
        """`skip_lines` as a number."""
        return _number("skip-lines", self.skip_lines)

    @property
    def num_below_header(self) -> int:
        """`skip_below_header` as a number."""
        return _number("skip-below-header", self.skip_below_header)

    @property
    def column_starts(self) -> tuple[int, ...]:
        """`columns_at` as numbers; none where separators cut lines."""
        return () if self.columns_at is None else tuple(map(int, self.columns_at.split(",")))

    @property
    def columns_of_line(self) -> tuple[str, ...]:
        """The named groups of `line`."""
        return () if self.line is None else groups_of("line", self.line, EXPECTED_LINE)

    @property
    def has_pairs(self) -> bool:
        """Whether rows name their values themselves."""
        return self.record is not None or PAIRS in self.columns_of_line

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
        self._check_cut()

    def _check_cut(self) -> None:
        """Raise RecipeError where lines cannot be cut so, or are cut in two ways."""
        if self.only_lines is not None and (not self.only_lines.strip() or not self.only_lines.isprintable()):
            raise unexpected("only-lines", self.only_lines, "the first field of the rows, such as $GPRMC")
        if self.columns_at is not None:
            places = [place.strip() for place in self.columns_at.split(",")]
            if not all(place.isdecimal() and len(place) <= 6 for place in places):
                raise unexpected("columns-at", self.columns_at, EXPECTED_PLACES)
            starts = list(map(int, places))
            if starts[0] != 0 or len(starts) < 2 or starts != sorted(set(starts)):
                raise unexpected("columns-at", self.columns_at, EXPECTED_PLACES)
        if self.line is not None and not self.columns_of_line:
            raise unexpected("line", self.line, EXPECTED_LINE)
        if self.record is not None and not groups_of("record", self.record, EXPECTED_RECORD):
            raise unexpected("record", self.record, EXPECTED_RECORD)
        idle = ("columns_at", *OF_SEPARATORS, "skip_below_header", "only_lines")
        if self.record is not None:
            self._refuse_idle("record", "line", *idle)
        elif self.line is not None:
            self._refuse_idle("line", *idle, *(() if self.has_pairs else ("header",)))
        elif self.columns_at is not None:
            self._refuse_idle("columns_at", *OF_SEPARATORS)
        if self.has_pairs and not is_single_byte(self.encoding):
            raise RecipeError(
                f"lines of names and values are not read from {self.encoding}: convert the file, as with "
                f"`iconv -f {self.encoding} -t utf-8`",
                code="recipe-conflict",
            )

    def _refuse_idle(self, way: str, *others: str) -> None:
        """Raise RecipeError where a setting would do nothing, as another says how lines are cut."""
        for name in others:
            if getattr(self, name) != getattr(TextSettings, name):
                raise RecipeError(
                    f"{_shown(way)} says how lines are cut into columns, so {_shown(name)} would do nothing: "
                    "leave one of them out",
                    code="recipe-conflict",
                )


def named_by_number(header: tuple[str, ...]) -> tuple[str, ...]:
    """Names of columns; where a number stands for them, names that are counted."""
    count = header[0].strip() if len(header) == 1 else ""
    if not (count.isdecimal() and count.isascii()):
        return header
    if len(count) > 6 or not 0 < int(count) <= MOST_COLUMNS:
        raise unexpected("header", count, f"names of columns, or their number, from 1 to {MOST_COLUMNS:,}")
    return tuple(f"a{number}" for number in range(1, int(count) + 1))


def _shown(name: str) -> str:
    return name.replace("_", "-")


def _number(name: str, text: str) -> int:
    # Python takes digits of all scripts, but not thousands of them.
    if not (text.isdecimal() and text.isascii() and len(text) <= 9) or int(text) > MOST_LINES:
        raise unexpected(name, text, f"a number of lines, from 0 to {MOST_LINES:,}")
    return int(text)
