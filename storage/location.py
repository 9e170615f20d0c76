"""Where the files of a store lie: a folder of this machine, or a prefix of an object store."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from longstride.storage.atomic import make_directory, sync_directory, write_file
from longstride.storage.packages import needs
from longstride.storage.remote.answers import (
    PlaceError,
    endpoint_of,
    fault_of_endpoint,
    fault_of_path,
    fault_of_url,
    meaning_of,
    said_while_silent,
)

__all__ = ["Bucket", "Folder", "Place", "PlaceError", "is_url", "local_path", "place_of"]

CONNECT_TIMEOUT = timedelta(seconds=5)
TIMEOUT = timedelta(seconds=30)
"""For one request."""
MAX_RETRIES = 100
"""High enough that only the time limits the retries."""
RETRY_TIMEOUT = timedelta(minutes=1)
"""For one request with all its retries."""
# Each pause is anything from the first one to `base` times the one before: with a base of 2 they hardly grow.
BACKOFF = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=15), "base": 4}


Buffer = bytes | memoryview


class Place(ABC):
    """Files by name. Names have slashes between folders."""

    name: str
    """As the user writes it."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """All bytes of a file. Raises FileNotFoundError, and PlaceError where it cannot be read."""

    @abstractmethod
    def get_range(self, name: str, start: int, length: int) -> Buffer:
        """Bytes of a file, fewer where it is shorter. Raises as `get`."""

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


class Folder(Place):
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist."""
        self.path = path
        self.name = str(path)

    def get(self, name: str) -> bytes:
        """See Place."""
        with _explained(self.name):
            return (self.path / name).read_bytes()

    def get_range(self, name: str, start: int, length: int) -> Buffer:
        """See Place."""
        with _explained(self.name), open(self.path / name, "rb", buffering=0) as file:
            return os.pread(file.fileno(), length, start)

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


class Bucket(Place):
    """A prefix of an object store, such as s3://bucket/plant.zarr.

    Credentials, region and endpoint come from the environment, as for other tools of that store (AWS_ACCESS_KEY_ID
    and so on). Requests that fail on the way are retried for a minute, with longer and longer pauses.
    """

    def __init__(self, url: str) -> None:
        """No request is sent yet."""
        self.name = url if url.endswith("://") else url.rstrip("/")
        self._has_answered = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Bucket, (self.name,)  # each process has connections of its own

    @cached_property
    def _obstore(self) -> Any:
        needs("obstore.exceptions")
        needs("obstore.store")
        return needs("obstore")

    @cached_property
    def _store(self) -> Any:
        if fault := fault_of_url(self.name) or fault_of_endpoint(self.name):
            raise _cannot_be_opened(self.name, fault)
        endpoint = endpoint_of(self.name)
        config: Any = {"endpoint": endpoint} if endpoint else None
        with self._explained("opened"):
            options: Any = {
                "client_options": {
                    "connect_timeout": CONNECT_TIMEOUT,
                    "timeout": TIMEOUT,
                    "allow_http": endpoint.startswith("http:"),
                },
                "retry_config": {"max_retries": MAX_RETRIES, "retry_timeout": RETRY_TIMEOUT, "backoff": BACKOFF},
            }
            return self._obstore.store.from_url(self.name, config=config, **options)

    def get(self, name: str) -> bytes:
        """See Place."""
        with self._explained("read"):
            data = bytes(self._obstore.get(self._store, name).bytes())
            if name.endswith(".json") and data.lstrip().startswith(b"<"):
                raise self._obstore.exceptions.GenericError("<html")
            return data

    def get_range(self, name: str, start: int, length: int) -> Buffer:
        """See Place."""
        with self._explained("read"):
            try:
                return memoryview(self._obstore.get_range(self._store, name, start=start, length=length))
            except self._obstore.exceptions.GenericError as error:
                if "416 Range Not Satisfiable" not in str(error):
                    raise
                return b""  # it ends before

    def put(self, name: str, data: bytes) -> None:
        """See Place."""
        with self._explained("written"):
            self._obstore.put(self._store, name, data)

    def put_new(self, name: str, data: bytes) -> None:
        """See Place; the object store itself decides which writer was first."""
        with self._explained("written"):
            self._obstore.put(self._store, name, data, mode="create", use_multipart=False)

    def sizes(self, folder: str) -> dict[str, int]:
        """See Place."""
        with self._explained("listed"):
            return {
                item["path"]: item["size"]
                for page in self._obstore.list(self._store, prefix=folder)
                for item in page
            }

    def remove(self, names: list[str]) -> None:
        """See Place."""
        with self._explained("written"):
            if names:
                self._obstore.delete(self._store, names)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Turn errors of the object store into ours: what it answered, and what to check."""
        exceptions = self._obstore.exceptions
        try:
            with self._impatient():
                yield
        except PlaceError:
            raise
        except (exceptions.BaseError, ValueError, OSError) as error:
            answer = " ".join(str(error).split())
            is_web = self.name.startswith("http")
            meaning = None if is_web else meaning_of(answer)
            is_absent = isinstance(error, FileNotFoundError | exceptions.NotFoundError)
            if is_absent and meaning is None:
                raise FileNotFoundError(answer) from error
            if isinstance(error, FileExistsError | exceptions.AlreadyExistsError):
                raise FileExistsError(answer) from error
            if meaning is None:
                fault = answer.partition(" Debug source:")[0][:300]
                names = "the bucket, the region (AWS_REGION) and the endpoint (AWS_ENDPOINT_URL)"
                remedy = f"check {'the address and the network' if is_web else names}"
                raise PlaceError(
                    f"{self.name} cannot be {done}: {fault}; {remedy}", code="place-unreachable"
                ) from error
            raise PlaceError(f"{self.name} cannot be {done}: {meaning.words}", code=meaning.code) from error

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """Until the object store has answered once, do not wait for it without a word."""
        if self._has_answered:
            yield
            return
        with said_while_silent(self.name):
            yield
        self._has_answered = True


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


def _cannot_be_opened(name: str, fault: str) -> PlaceError:
    return PlaceError(f"{name} cannot be opened: {fault}", code="option-value")


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a URL, such as s3://bucket/plant.zarr."""
    return "://" in os.fspath(path)


def place_of(path: str | os.PathLike[str]) -> Place:
    """The place that a path or URL names. Raises PlaceError for anything else."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in os.fspath(path):
        shown = " ".join(repr(path).split())[:80]
        raise PlaceError(f"{shown} is not a path or a URL", code="option-value")
    if is_url(path):
        return Bucket(os.fspath(path))
    if fault := fault_of_path(os.fspath(path)):
        raise _cannot_be_opened(os.fspath(path), fault)
    return Folder(Path(path))


def local_path(path: str | os.PathLike[str]) -> Path:
    """The path of what can be written on this machine alone. Raises PlaceError for a URL."""
    place = place_of(path)
    if not isinstance(place, Folder):
        raise PlaceError(f"{place.name} is a URL: give a path of this machine", code="not-a-folder")
    return place.path
