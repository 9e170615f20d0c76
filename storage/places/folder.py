"""A folder of this machine. Its files may come from a stranger, so that nothing but files of its own is read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from longstride.storage.atomic import make_directory, sync_directory, write_file
from longstride.storage.places.files import open_file
from longstride.storage.places.object_answers import PlaceError
from longstride.storage.places.place import FileChanged, Part, Place

__all__ = ["Folder"]


class Folder(Place):
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist."""
        self.path = path
        self.name = str(path)
        self._inside: set[Path] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return Folder, (self.path,)

    def get(self, name: str) -> bytes:
        """See Place."""
        with self._open(name) as file:
            return file.read()

    def get_range(self, name: str, start: int, length: int, version: str | None = None) -> Part:
        """See Place."""
        with self._open(name) as file:
            facts = os.fstat(file.fileno())
            found = f"{facts.st_dev}-{facts.st_ino}-{facts.st_mtime_ns}-{facts.st_size}"
            if version not in (None, found):
                raise FileChanged(name)
            length = max(0, min(length, facts.st_size - start))
            return Part(os.pread(file.fileno(), length, start), found)

    def check_inside(self, folder: str) -> None:
        """Raise PlaceError where a folder of the place is a link to somewhere else."""
        path = self.path / folder
        if path not in self._inside:
            real = Path(os.path.realpath(path))
            if not real.is_relative_to(os.path.realpath(self.path)):
                raise PlaceError(
                    f"{path} leads to {real}, outside {self.name}: put the files themselves there",
                    code="not-a-file",
                )
            self._inside.add(path)

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        with _explained(self.name):
            self.check_inside(name.rpartition("/")[0])
            with open_file(self.path / name) as file:
                yield file

    def put(self, name: str, data: bytes) -> None:
        """See Place; it survives a power failure."""
        path = self.path / name
        make_directory(path.parent)
        write_file(path, [data])
        sync_directory(path.parent)

    def put_new(self, name: str, data: bytes) -> None:
        """See Place."""
        if (self.path / name).exists():
            raise FileExistsError(f"{self.path / name} is there")
        self.put(name, data)

    def sizes(self, folder: str) -> dict[str, int]:
        """See Place."""
        files = (path for path in (self.path / folder).rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.stat().st_size for path in files}

    def remove(self, names: list[str]) -> None:
        """See Place."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:
        raise FileNotFoundError(str(error)) from error
    except OSError as error:
        raise PlaceError(f"{name}: {error.strerror} ({error.filename})", code="place-unreachable") from error
