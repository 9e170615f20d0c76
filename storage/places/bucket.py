"""A prefix of an object store, such as s3://bucket/plant.zarr."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any

from longstride.storage.packages import needs
from longstride.storage.places.object_answers import (
    PlaceError,
    cannot_be_opened,
    endpoint_of,
    fault_of_endpoint,
    fault_of_url,
    meaning_of,
    said_while_silent,
)
from longstride.storage.places.place import FileChanged, Part, Place

__all__ = ["Bucket"]

CONNECT_TIMEOUT = timedelta(seconds=5)
TIMEOUT = timedelta(seconds=30)
"""For one request."""
MAX_RETRIES = 100
"""High enough that only the time limits the retries."""
RETRY_TIMEOUT = timedelta(minutes=1)
"""For one request with all its retries."""
# Each pause is anything from the first one to `base` times the one before: with a base of 2 they hardly grow.
BACKOFF = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=15), "base": 4}


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
            raise cannot_be_opened(self.name, fault)
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
