"""A file that a package reads as one table, which is in memory while it is read."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from longstride.pipeline.ingest.sources.columnar import Columnar
from longstride.storage.errors import LongstrideError

__all__ = ["TableSource"]


class TableSource(Columnar):
    """A file with typed columns, all of it one section."""

    def __init__(self, name: str) -> None:
        self._held: Any = None
        self._is_opening = True
        super().__init__(name)
        # Not kept: there may be many files.
        self._held, self._is_opening = None, False

    @abstractmethod
    def read(self) -> Any:
        """All rows, as a table of Arrow. Raises SourceError, or what the package raises."""

    @contextmanager
    def _open(self, names: Sequence[str] | None) -> Iterator[Any]:
        table = self._read() if self._held is None else self._held
        self._held = table if self._is_opening else None
        yield table

    def _read(self) -> Any:
        try:
            return self.read()
        except LongstrideError:
            raise
        except Exception as error:  # each package has its own
            raise self._damaged(" ".join(f"{type(error).__name__}: {error}".split())[:400]) from error

    def _schema_of(self, file: Any) -> Any:
        return file.schema

    def _rows_of(self, file: Any) -> list[int]:
        return [file.num_rows]

    def _tables(self, file: Any, number: int, names: Sequence[str], batch_rows: int) -> Iterator[Any]:
        for start in range(0, file.num_rows, batch_rows):
            yield file.select(list(names)).slice(start, batch_rows)
