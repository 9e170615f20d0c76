"""A source of rows that were written to a file for the time of a job: it is known by its bytes alone."""

from collections.abc import Iterator

from longstride.pipeline.ingest.sources.base import Section, Source
from longstride.pipeline.ingest.sources.columnar import ArrowSource
from longstride.pipeline.ingest.sources.files import refuse_changed

__all__ = ["RowsSource"]


class RowsSource(ArrowSource):
    """Rows that no file of the user holds: `path` is empty, and `name` says what they were."""

    def __init__(self, file: str, name: str, crc: int) -> None:
        """`file` is an absolute path, and `crc` the CRC-32C of its bytes."""
        super().__init__(file)
        self.name, self.path, self.crc = name, "", crc

    @property
    def identity(self) -> list[str]:
        """The bytes: each job writes them again."""
        return ["rows", str(self.num_bytes), str(self.crc)]

    def named(self, name: str) -> Source:
        """The same: its name is no path."""
        return self

    def bytes_crc(self) -> int:
        """CRC-32C, known before."""
        return self.crc

    def refuse_changed(self) -> None:
        """Raise SourceError where the file is no longer the one that was written."""
        refuse_changed(self.file, self.version)

    def refuse_changed_at_end(self) -> None:
        """The same."""
        self.refuse_changed()

    def sections(self, piece_bytes: int) -> Iterator[Section]:
        """Cut by record batches."""
        yield from self.groups()
