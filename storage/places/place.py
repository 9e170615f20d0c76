"""Files by name, wherever they lie."""

from abc import ABC, abstractmethod
from typing import NamedTuple

__all__ = ["FileChanged", "Part", "Place"]

Buffer = bytes | memoryview


class Part(NamedTuple):
    """Some bytes of a file."""

    data: Buffer
    version: str | None
    """Another one as soon as the file is replaced; None where the place has no versions."""


class FileChanged(Exception):
    """A file is not the version any more that was asked for."""


class Place(ABC):
    """Files by name. Names have slashes between folders."""

    name: str
    """As the user writes it."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """All bytes of a file. Raises FileNotFoundError, and PlaceError where it cannot be read."""

    @abstractmethod
    def get_range(self, name: str, start: int, length: int, version: str | None = None) -> Part:
        """Bytes of a file, fewer where it is shorter, and which version of the file they are of.

        Raises as `get`, and FileChanged where a `version` is given and the file is another one by now.
        """

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Make or replace a file, in one step."""

    @abstractmethod
    def put_new(self, name: str, data: bytes) -> None:
        """Make a file in one step. Raises FileExistsError where it is there."""

    @abstractmethod
    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of each file in a folder and below it, by name."""

    @abstractmethod
    def remove(self, names: list[str]) -> None:
        """Remove files."""
