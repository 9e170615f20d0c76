"""Where the files of a store lie: a folder of this machine, or a prefix of an object store."""

import errno
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

from longstride.storage.atomic import make_directory, sync_directory, write_file
from longstride.storage.errors import LongstrideError
from longstride.storage.packages import needs

__all__ = [
    "Bucket",
    "FileChanged",
    "Folder",
    "Part",
    "Place",
    "PlaceError",
    "expanded",
    "is_url",
    "local_path",
    "open_file",
    "place_of",
]

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

CUT_URL = re.compile(r"[a-z][a-z0-9+.-]+:(?=/)")
"""What Path makes of a URL: s3:/bucket. A folder of that name can be written ./s3:/bucket."""


class Part(NamedTuple):
    """Some bytes of a file."""

    data: Buffer
    version: str | None
    """Another one as soon as the file is replaced; None where the place has no versions."""


class FileChanged(Exception):
    """A file is not the version any more that was asked for."""


class PlaceError(LongstrideError):
    """A folder or an object store cannot be reached, or refuses access."""


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
            real = path.resolve()
            if not real.is_relative_to(self.path.resolve()):
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


class Bucket(Place):
    """A prefix of an object store, such as s3://bucket/plant.zarr.

    Credentials, region and endpoint come from the environment, as for other tools of that store (AWS_ACCESS_KEY_ID
    and so on). Requests that fail on the way are retried for a minute, with longer and longer pauses.
    """

    def __init__(self, url: str) -> None:
        """No request is sent yet."""
        self.name = url.rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        return Bucket, (self.name,)  # each process has connections of its own

    @cached_property
    def _obstore(self) -> Any:
        needs("obstore.exceptions")
        needs("obstore.store")
        return needs("obstore")

    @cached_property
    def _store(self) -> Any:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
        config: Any = {"endpoint": endpoint} if endpoint and self.name.startswith("s3") else None
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
            return bytes(self._obstore.get(self._store, name).bytes())

    def get_range(self, name: str, start: int, length: int, version: str | None = None) -> Part:
        """See Place; a version is an ETag, and the object store compares it."""
        with self._explained("read"):
            options = {"range": (start, start + length), **({"if_match": version} if version else {})}
            try:
                found = self._obstore.get(self._store, name, options=options)
                return Part(memoryview(found.bytes()), found.meta["e_tag"])
            except self._obstore.exceptions.PreconditionError:
                raise FileChanged(name) from None
            except self._obstore.exceptions.GenericError as error:
                if "416 Range Not Satisfiable" not in str(error):
                    raise
                return Part(b"", version)  # it ends before

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
            yield
        except PlaceError:
            raise
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            remedy = (
                "check the key and the secret (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and what they may do"
            )
            raise PlaceError(
                f"{self.name} cannot be {done}, the object store refuses access: {remedy}", code="access-refused"
            ) from error
        except (exceptions.BaseError, ValueError, OSError) as error:
            answer = " ".join(str(error).split())
            if isinstance(error, FileNotFoundError | exceptions.NotFoundError) and "NoSuchBucket" not in answer:
                raise FileNotFoundError(answer) from error
            if isinstance(error, FileExistsError | exceptions.AlreadyExistsError):
                raise FileExistsError(answer) from error
            remedy = "check the bucket, the region (AWS_REGION) and the endpoint (AWS_ENDPOINT_URL)"
            raise PlaceError(
                f"{self.name} cannot be {done}: {answer[:300]}; {remedy}", code="place-unreachable"
            ) from error


def open_file(path: Path) -> IO[bytes]:
    """Open a file that may come from a stranger, to read it without a buffer.

    Raises PlaceError for a link, a pipe, a device or a folder, which could lead elsewhere, block or never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ELOOP and not stat.S_ISSOCK(_mode(path)):
            raise
        raise _not_a_file(path, _mode(path)) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_a_file(path, mode)
    return os.fdopen(descriptor, "rb", buffering=0)


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def _not_a_file(path: Path, mode: int) -> PlaceError:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    return PlaceError(f"{path} is {kind}: put the file itself there", code="not-a-file")


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


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a URL, such as s3://bucket/plant.zarr."""
    return "://" in os.fspath(path)


def expanded(path: str | os.PathLike[str]) -> str:
    """A path of this machine in which ~ is the home of the user; a shell does not see to it in --out=~/plant."""
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111 (a user who does not exist is no error)


def place_of(path: str | os.PathLike[str]) -> Place:
    """The place that a path or URL names. Raises PlaceError for anything else."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or "\0" in os.fspath(path):
        shown = " ".join(repr(path).split())[:80]
        raise PlaceError(f"{shown} is not a path or a URL", code="option-value")
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        remedy = "choose another name, or set LC_ALL=C.UTF-8 if it is one"
        raise PlaceError(f"{os.fspath(path)!r} is not UTF-8: {remedy}", code="option-value") from None
    if is_url(path):
        return Bucket(os.fspath(path))
    if cut := CUT_URL.match(os.fspath(path)):
        raise PlaceError(
            f"{os.fspath(path)} is not a URL any more: write {cut[0]}//..., as text and not as a Path",
            code="not-a-folder",
        )
    return Folder(Path(expanded(path)))


def local_path(path: str | os.PathLike[str]) -> Path:
    """The path of what can be written on this machine alone. Raises PlaceError for a URL."""
    place = place_of(path)
    if not isinstance(place, Folder):
        raise PlaceError(f"{place.name} is a URL: give a path of this machine", code="not-a-folder")
    return place.path
