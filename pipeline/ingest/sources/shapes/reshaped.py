"""A source within another: its file is read as it stands, its columns and rows are given another shape."""

from abc import abstractmethod
from collections.abc import Iterator
from functools import partial

from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Raw, Section, Source, Unparsed

__all__ = ["Reshaped"]


class Reshaped(Source):
    """A source of another shape than its file."""

    def __init__(self, inner: Source) -> None:
        # The file was opened before: nothing of it is asked again.
        self.inner = inner
        self.name, self.path, self.version = inner.name, inner.path, inner.version
        self.names, self.unnamed, self.repeated = inner.names, inner.unnamed, inner.repeated
        self.units, self.notes, self.has_tables = inner.units, inner.notes, inner.has_tables
        self.num_rows, self.line, self.crc = inner.num_rows, inner.line, inner.crc

    @property
    def identity(self) -> list[str]:
        """That of the file."""
        return self.inner.identity

    def named(self, name: str) -> Source:
        """The same, called otherwise."""
        other = super().named(name)
        assert isinstance(other, Reshaped)
        other.inner = self.inner.named(name)
        other.name = other.inner.name
        return other

    def bytes_crc(self) -> int:
        """That of the file."""
        return self.inner.bytes_crc()

    def refuse_changed(self) -> None:
        """Raise SourceError where the file is no longer the one that was opened."""
        self.inner.refuse_changed()

    def refuse_changed_at_end(self) -> None:
        """The same, when all sections have been asked for and read."""
        self.inner.refuse_changed_at_end()

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Those of the file."""
        yield from self.inner.sections(piece_bytes)
        self.crc = self.inner.crc

    def pieces(self, section: Section, columns: Columns, recipe: Recipe, piece_bytes: int) -> Iterator[Unparsed]:
        """Read the file piece by piece."""
        for piece in self.inner.pieces(section, self.columns_of_file(columns), recipe, piece_bytes):
            yield Unparsed(partial(self._parsed, piece), piece.done_bytes)

    def _parsed(self, piece: Unparsed) -> Raw:
        return self.reshape(piece())

    @abstractmethod
    def columns_of_file(self, columns: Columns) -> Columns:
        """The columns of the file that are read for some of these."""

    @abstractmethod
    def reshape(self, raw: Raw) -> Raw:
        """Rows of the file in the other shape."""
