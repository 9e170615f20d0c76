"""How a text file is written."""

from dataclasses import dataclass

from longstride.pipeline.ingest.setting import is_encoding, unexpected

__all__ = ["TextSettings"]


@dataclass(frozen=True, kw_only=True)
class TextSettings:
    """How a text file is written."""

    separator: str = ","
    """One character between fields; the word tab for a tab."""
    decimal: str | tuple[str, ...] = "."
    """Decimal mark: a point, a comma, or the word either; of one column as level=, ."""
    encoding: str = "utf-8"
    """Encoding of texts: utf-8, or an encoding with one byte for each character, such as latin-1."""
    header: tuple[str, ...] = ()
    """Names of the columns, for files that have no header."""

    def check_text(self) -> None:
        """Raise RecipeError where they cannot be used."""
        if len(self.separator) != 1 or not self.separator.isascii() or self.separator in '"\r\n0123456789+-. ':
            expected = "one character such as , or ; or |, or the word tab"
            raise unexpected("separator", self.separator, expected)
        if not is_encoding(self.encoding):
            raise unexpected(
                "encoding",
                self.encoding,
                "utf-8 or one with a byte a character, such as latin-1; convert others, as with "
                "`iconv -f utf-16 -t utf-8`",
            )
