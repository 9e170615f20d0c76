"""What every kind of source gives: its columns, sections that tasks read, and in them pieces of rows."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.sources.files import checksum, refuse_changed, version_of

__all__ = ["Raw", "Section", "Source", "Unparsed", "absolute"]


def absolute(name: str) -> str:
    """The name of a source from any working directory; a link in it stays a link."""
    return name if "://" in name else os.path.abspath(name)  # noqa: PTH100


class Section(NamedTuple):
    """What one task reads of a source. Sections, and the pieces in them, are cut the same way each time."""

    number: int
    start: int
    """First byte, or first row where the source counts rows."""
    first_line: int
    """Number of the first line, from 1."""
    num_bytes: int
    """Size in the file: exact where it is whole records of a plain CSV, else an estimate, for progress."""
    crc: int | None = None
    """CRC-32C of the file up to its end where it is one piece of plain text, else of all of it; None: unknown."""
    crc_before: int = 0
    """CRC-32C of the file up to its beginning where it is one piece of plain text."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows of a piece as the format gives them, and lines that are not rows."""

    frame: pl.DataFrame
    """Texts, or whatever the file says."""
    lines: NDArray[np.int64]
    """Line (or row, in a file that has no lines) of each, from 1, (rows,)."""
    text: Callable[[int], str]
    """A row of the frame as it stands in the file."""
    rejects: list[Reject] = field(default_factory=list)
    num_rows: int
    """Counted without parsing, rejects included."""
    num_blank: int = 0
    num_headers: int = 0
    """Repetitions of the header."""
    start: int = 0
    """Byte of the file from which its lines are counted, if that is not the beginning."""


@dataclass(frozen=True)
class Unparsed:
    """A piece of a section, parsed when it is called."""

    parse: Callable[[], Raw]
    done_bytes: int
    """An estimate of the bytes of the section that are read with this piece, for progress."""

    def __call__(self) -> Raw:
        """Parse it. Raises SourceError."""
        return self.parse()


class Source(ABC):
    """One file. It is sent to the processes that read it."""

    has_tables = False
    """Whether its kind may hold several tables."""
    ends_lines = False
    """Whether a whole file of its kind ends with a line break."""

    def __init__(self, name: str) -> None:
        self.name = name
        """By which it is called."""
        self.version = version_of(name)
        """Of the file when its header was read."""
        self.path = absolute(name)
        """Its name from any working directory; empty where no file of the user holds its rows."""
        self.crc = 0
        """CRC-32C of the file, known when all `sections` were asked for."""
        self.names: tuple[str, ...] = ()
        """Columns of the file, in order."""
        self.unnamed: tuple[str, ...] = ()
        """Those of them that the file does not name."""
        self.repeated: Mapping[str, str] = {}
        """By the name that a column is read as, the one that the file gives to a column before it too."""
        self.units: dict[str, str] = {}
        """Units of columns, where the file has a place for them."""
        self.notes: tuple[str, ...] = ()
        """What of the file is not read, in words."""
        self.num_rows: int | None = None
        """Rows that the file itself says it has; None where it does not."""
        self.line = "line"
        """What its `lines` are called."""

    @property
    def num_bytes(self) -> int:
        """Size of the file."""
        return self.version.num_bytes

    @property
    def identity(self) -> list[str]:
        """Where it is, and what changes when it does."""
        return [self.path, str(self.version.num_bytes), self.version.mark]

    def named(self, name: str) -> "Source":
        """The same, called otherwise."""
        other = copy(self)
        other.name = name
        return other

    def bytes_crc(self) -> int:
        """CRC-32C of the file, which is read for it unless it is known."""
        return checksum(self.name)

    def refuse_changed(self) -> None:
        """Raise SourceError where the file is no longer the one that was opened."""
        refuse_changed(self.name, self.version)

    def refuse_changed_at_end(self) -> None:
        """The same, when all sections have been asked for and read: whatever a task could not see is seen here."""
        refuse_changed(self.name, self.version, self.crc)

    def types(self) -> dict[str, pl.DataType]:
        """Types of the columns that are not texts."""
        return {}

    @abstractmethod
    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut the file into what tasks read, pieces of about `piece_bytes` or more. Raises SourceError."""

    @abstractmethod
    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read a section piece by piece; each is parsed when it is called. Both raise SourceError."""
