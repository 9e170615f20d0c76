"""JSON that is not an object a line: an array of objects, or objects one behind the other, read some at a time."""

import codecs
import json
from collections.abc import Iterator
from functools import partial
from io import BufferedIOBase
from typing import ClassVar

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Section, Unparsed
from longstride.pipeline.ingest.sources.files import SummedFile, checksum, open_text, refuse_other_bytes
from longstride.pipeline.ingest.sources.json.ndjson import JsonSource, Row

__all__ = ["JsonArraySource"]

CHUNK_BYTES = 2**18
MAX_OBJECT_BYTES = 2**27
"""It is in memory as a whole, as objects of Python that take ten times as much."""
LONGEST_TOKEN = 64
"""What may be cut at the end of what was read, but for texts."""
BLANKS = " \t\r\n"
BOM = "\ufeff"


class JsonArraySource(JsonSource):
    """A file of one JSON array of objects, or of objects on several lines; its lines are the objects, from 1."""

    line_name: ClassVar[str] = "object"
    longest: ClassVar[int] = MAX_OBJECT_BYTES

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """One: where an object begins is known only when all before it were read."""
        self.crc = checksum(self.name)
        yield Section(0, 0, 1, self.num_bytes, self.crc)

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read some objects at a time."""
        self.refuse_changed()
        used = self.names if recipe.sql else columns.used
        line = 1
        with open_text(self.name) as (stream, file):
            for texts in _pieces(_Objects(stream, self.name, recipe.encoding), piece_bytes):
                data = "\n".join(texts).encode(recipe.encoding)
                yield Unparsed(partial(self._parse, data, line, used, columns.channels), file.tell())
                line += len(texts)
            if isinstance(file, SummedFile):
                file.read()
                refuse_other_bytes(self.name, section.crc, file.crc)

    @property
    def is_serial(self) -> bool:
        """Yes."""
        return True

    def _first_rows(self, stream: BufferedIOBase, num_bytes: int) -> Iterator[Row]:
        for texts in _pieces(_Objects(stream, self.name, self._recipe.encoding), num_bytes):
            yield from (self._row(text.encode(self._recipe.encoding)) for text in texts)
            return


class _Objects:
    """The texts of the objects of an array, without line breaks, one after the other."""

    def __init__(self, stream: BufferedIOBase, name: str, encoding: str) -> None:
        self._stream = stream
        self._name = name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._text = ""
        self._place = 0
        self._number = 0
        self._is_done = False

    def __iter__(self) -> Iterator[str]:
        if self._next() == BOM:
            self._place += 1
        is_array = self._next() == "["
        if is_array:
            self._take("[")
        while (mark := self._next()) != ("]" if is_array else ""):
            if self._number and (is_array or mark == ","):
                self._take(",")
                mark = self._next()
            if mark != "{":
                raise self._fault(f"{mark!r} where an object should begin" if mark else "it ends there")
            self._number += 1
            yield self._object()
        if is_array:
            self._take("]")
        if self._next():
            raise self._fault("there is more behind the array")

    def _object(self) -> str:
        """The text of the object that begins here."""
        while True:
            try:
                _, stop = json.JSONDecoder().raw_decode(self._text, self._place)
                break
            except (ValueError, RecursionError) as error:
                size = len(self._text) - self._place
                if size >= MAX_OBJECT_BYTES or not _may_be_cut(error, self._text):
                    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    most = f"{reason}, or an object is longer than {MAX_OBJECT_BYTES:,} bytes"
                    raise self._fault(most) from None
                # Each time twice as much: an object of many chunks is not read once for each of them.
                if not self._more(max(CHUNK_BYTES, size)):
                    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    raise self._fault(f"{reason}: was the file cut off?") from None
        text = self._text[self._place : stop]
        self._place = stop
        return text.replace("\r", " ").replace("\n", " ")  # a text in it holds none

    def _next(self) -> str:
        """The next character that is not blank; none at the end."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in BLANKS:
                self._place += 1
            if self._place < len(self._text) or not self._more():
                return self._text[self._place : self._place + 1]

    def _take(self, mark: str) -> None:
        found = self._next()
        if found != mark:
            raise self._fault(f"expected {mark!r}, found {found!r}" if found else "it ends there: was it cut off?")
        self._place += 1

    def _more(self, num_bytes: int | None = None) -> bool:
        """Read on; False at the end of the file."""
        if self._is_done:
            return False
        data = self._stream.read(num_bytes or CHUNK_BYTES)
        self._is_done = not data
        try:
            text = self._decoder.decode(data, final=self._is_done)
        except UnicodeDecodeError as error:
            raise self._fault(f"a byte is not of the encoding ({error.reason}): see --encoding") from None
        self._text = self._text[self._place :] + text
        self._place = 0
        return True

    def _fault(self, found: str) -> SourceError:
        return SourceError(
            self._name,
            f"this JSON cannot be read: {found}; mend it, or write one object a line, as with `jq -c '.[]'`",
            place=f"object {max(1, self._number)}",
            code="source-format",
        )


def _may_be_cut(error: Exception, text: str) -> bool:
    """Whether what is wrong may be that the text ends within an object."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return "Unterminated" in error.msg or len(text) - error.pos <= LONGEST_TOKEN


def _pieces(objects: _Objects, piece_bytes: int) -> Iterator[list[str]]:
    found: list[str] = []
    size = 0
    for text in objects:
        found.append(text)
        size += len(text)
        if size >= piece_bytes:
            yield found
            found, size = [], 0
    if found:
        yield found
