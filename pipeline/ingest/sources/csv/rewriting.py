"""Text that is no CSV of one byte a separator, rewritten as such, line by line, while it is read.

Other encodings, line ends, separators and quotes. Each line of the file stays one line, so that rows and faults
keep their line numbers; what follows reads UTF-8 with quotes as in RFC 4180.
"""

import codecs
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.setting import is_single_byte
from longstride.pipeline.ingest.settings.text import BLANKS
from longstride.pipeline.ingest.sources.csv.cutting import cutter
from longstride.pipeline.ingest.sources.csv.header import FEW_LETTERS, wide_encoding
from longstride.pipeline.ingest.sources.csv.quoting import requoter, written
from longstride.pipeline.ingest.sources.csv.syntax import MAX_RECORD_BYTES, is_utf8

__all__ = ["Rewriting"]

BLOCK_BYTES = 2**20
NEWLINE, RETURN = b"\n", b"\r"
UNIT_SEPARATOR = "\x1f"
"""Made for this, and in no text."""
NOT_DECODED = "\N{REPLACEMENT CHARACTER}".encode()
NO_UTF8 = b"\xff"
MARKED = ("utf-16", "utf-32")
"""Encodings whose order of bytes only a mark at the beginning says."""
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """How the text of a file is rewritten. It is sent to the processes that read the file."""

    encoding: str | None
    """What it is decoded from; None where bytes stay as they are."""
    line_end: bytes
    separator: str
    quote: str
    cut: Recipe | None
    """Says how lines are cut that have no separator; None where they have."""

    @staticmethod
    def of(begin: bytes, recipe: Recipe) -> "Rewriting | None":
        """What is to be rewritten in a text that begins so; None where nothing is.

        Raises UnicodeError where it cannot be in the recipe's encoding.
        """
        is_cut = recipe.line is not None or recipe.columns_at is not None
        # What is looked for is in UTF-8; and lines that are cut by places are cut as letters.
        are_bytes = is_utf8(recipe.encoding) or (recipe.separator + (recipe.comment or "")).isascii()
        encoding = None if is_single_byte(recipe.encoding) and are_bytes and not is_cut else recipe.encoding
        if begin and encoding:
            _refuse_other_wide(begin, encoding)
        text = begin if encoding is None else begin.decode(encoding, "replace").encode()
        rewriting = Rewriting(
            encoding=encoding,
            line_end=line_end_of(text),
            separator=UNIT_SEPARATOR if is_cut else recipe.separator,
            quote="strict" if is_cut else recipe.quote,
            cut=recipe if is_cut else None,
        )
        is_plain = rewriting.separator == rewriting.canonical_separator and recipe.quote == "strict"
        return None if is_plain and encoding is None and rewriting.line_end == NEWLINE else rewriting

    @property
    def canonical_separator(self) -> str:
        """The character between the fields of what is written."""
        if self.separator == BLANKS:
            return "\t"
        return self.separator if len(self.separator) == 1 and self.separator.isascii() else UNIT_SEPARATOR

    def recipe(self, recipe: Recipe) -> Recipe:
        """The recipe for what is written."""
        encoding = recipe.encoding if self.encoding is None else "utf-8"
        return replace(
            recipe,
            encoding=encoding,
            separator=self.canonical_separator,
            quote="strict",
            header=recipe.columns_of_line or recipe.header,
            line=None,
            columns_at=None,
        )

    def stream(self, stream: io.BufferedIOBase) -> io.BufferedIOBase:
        """The text of a stream, rewritten."""
        return io.BufferedReader(_Rewritten(stream, self), BLOCK_BYTES)

    def text(self, data: bytes) -> bytes:
        """Text that is at hand as a whole, rewritten."""
        return self.stream(io.BytesIO(data)).read()

    def decoder(self) -> Callable[..., bytes]:
        """What decodes blocks of bytes that follow each other; the last with final=True."""
        if self.encoding is None:
            return lambda data, final: data
        decode = codecs.getincrementaldecoder(self.encoding)("replace").decode
        # What cannot be decoded must not become a text of other letters.
        return lambda data, final: decode(data, final).encode(errors="replace").replace(NOT_DECODED, NO_UTF8)

    def lines(self, data: bytes) -> bytes:
        """Whole lines, rewritten; their ends are line feeds."""
        if self.cut is not None and (cut := cutter(self.cut, self.separator)):
            return cut(data)
        mark = self.quote_mark
        if self.quote == "lines":
            data = b"".join(map(_without_quotes, data.splitlines(keepends=True)))
            return self._separated(data)
        special = mark in data or (self.quote == "backslash" and b"\\" in data) or b'"' in data
        if not special or (self.quote == "strict" and self.separator != BLANKS):
            return self._separated(data)
        if self.separator != BLANKS:
            return requoter(self._separator_bytes, self.canonical_separator.encode(), self.quote)(data)
        fields = self._fields_of()
        return b"".join(
            fields(line) if mark in line or b'"' in line or b"\\" in line else self._separated(line)
            for line in data.splitlines(keepends=True)
        )

    @property
    def quote_mark(self) -> bytes:
        """The quote."""
        return b"'" if self.quote == "apostrophe" else b'"'

    def _separated(self, data: bytes) -> bytes:
        """Lines without quotes."""
        if self.separator == BLANKS:
            # Without arguments, split knows blanks, tabs and carriage returns, and is the fastest.
            return NEWLINE.join(b"\t".join(line.split()) for line in data.split(NEWLINE))
        new = self.canonical_separator.encode()
        if b'"' not in data or self.quote != "strict" or new == self._separator_bytes:
            return data.replace(self._separator_bytes, new)
        # Within quotes it is text.
        pieces = re.split(rb'("[^"\n]*")', data)
        pieces[::2] = [piece.replace(self._separator_bytes, new) for piece in pieces[::2]]
        return b"".join(pieces)

    @property
    def _separator_bytes(self) -> bytes:
        return self.separator.encode()

    def _fields_of(self) -> Callable[[bytes], bytes]:
        """What rewrites one line that holds quotes, with blanks between its fields."""
        mark, between = self.quote_mark, rb"[ \t]+"
        inside = (rb"[^%s\\]|\\.|%s%s" if self.quote == "backslash" else rb"[^%s]|%s%s") % ((mark,) * 3)
        quoted = re.compile(rb"%s((?:%s)*+)%s(?=[ \t]+|$)" % (mark, inside, mark))
        escaped = rb"\\.|" if self.quote == "backslash" else b""
        plain = re.compile(rb"(?:%s[^ \t])*+" % escaped, re.DOTALL)
        following = re.compile(between)
        canonical = self.canonical_separator.encode()
        # A character after a backslash is itself, where it could be taken for another.
        unescape = re.compile(rb'\\([\\"\']|%s)' % between) if self.quote == "backslash" else None

        def rewrite(line: bytes) -> bytes:
            text = line.rstrip(b"\r\n")
            ending = line[len(text) :]
            text = text.strip(b" \t")
            fields, start = [], 0
            while True:
                match = quoted.match(text, start) if self.quote != "none" else None
                found = match or plain.match(text, start)
                assert found is not None
                field = match[1].replace(mark * 2, mark) if match else found[0]
                field = unescape.sub(rb"\1", field) if unescape else field
                fields.append(written(field, canonical, is_quoted=match is not None))
                gap = following.match(text, found.end())
                if gap is None:
                    return canonical.join(fields) + ending
                start = gap.end()

        return rewrite


def _refuse_other_wide(begin: bytes, encoding: str) -> None:
    """Raise UnicodeError where a text is said to be in UTF-16 or UTF-32, and is not."""
    name = codecs.lookup(encoding).name
    if name in MARKED and not begin.startswith(MARKS):
        raise UnicodeError(f"{encoding} begins with a mark, and this text does not")
    if not name.startswith(MARKED):
        return
    found = wide_encoding(begin)
    if found not in (None, name) and found not in MARKED:
        raise UnicodeError(f"its zero bytes are those of {found}, not of {encoding}")
    if len(begin) >= FEW_LETTERS and b"\0" not in begin:
        raise UnicodeError(f"it holds no zero bytes, as each text in {encoding} does")


def line_end_of(text: bytes) -> bytes:
    """How lines of a text end that begins so."""
    num_lines = text.count(NEWLINE)
    if not num_lines and RETURN in text:
        return RETURN
    return b"\r\r\n" if 2 * text.count(b"\r\r\n") > num_lines else NEWLINE


def _without_quotes(line: bytes) -> bytes:
    text = line.strip()
    if len(text) < 2 or not text.startswith(b'"') or not text.endswith(b'"'):
        return line
    return text[1:-1].replace(b'""', b'"') + NEWLINE


class _Rewritten(io.RawIOBase):
    """A stream that rewrites whole lines of another."""

    def __init__(self, stream: io.BufferedIOBase, rewriting: Rewriting) -> None:
        super().__init__()
        self._stream = stream
        self._rewriting = rewriting
        self._decode = rewriting.decoder()
        self._rest = b""
        """Decoded, and not a whole line."""
        self._ready = memoryview(b"")
        self._position = 0
        self._is_at_end = False

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is, in what is written."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer."""
        while not self._ready and not self._is_at_end:
            self._ready = memoryview(self._next_lines())
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        self._position += size
        return size

    def _next_lines(self) -> bytes:
        block = self._stream.read(BLOCK_BYTES)
        self._is_at_end = not block
        data = self._rest + self._decode(block, final=self._is_at_end)
        end = self._rewriting.line_end
        if end != NEWLINE:
            # One that is cut in two is whole with the next block.
            held = 0 if self._is_at_end else len(data) - len(data.rstrip(RETURN))
            data, tail = data[: len(data) - held], data[len(data) - held :]
            data = data.replace(end, NEWLINE) + tail
        stop = len(data) if self._is_at_end else data.rfind(NEWLINE) + 1
        if not stop and len(data) > 2 * MAX_RECORD_BYTES:
            stop = len(data)  # it is rejected as too long
        self._rest = data[stop:]
        return self._rewriting.lines(data[:stop])
