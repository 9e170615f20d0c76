"""The file systems behind URLs, by fsspec, and what their errors mean."""

from typing import Any, cast

from longstride.pipeline.ingest.errors import SourceError
from longstride.storage.packages import needs
from longstride.storage.places.object_answers import fault_of_endpoint, fault_of_url, meaning_of

__all__ = ["address", "filesystem", "is_local", "unreachable"]

S3 = ("s3://", "s3a://")
S3_PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 0}}
"""Seconds; s3fs itself tries each request five times more."""


def _is_s3(url: str) -> bool:
    """Whether a file lies in S3, maybe within an archive there: zip://a.csv::s3://bucket/logs.zip."""
    return any(part.startswith(S3) for part in url.split("::"))


def filesystem(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Raises SourceError where there can be none."""
    import fsspec

    options: dict[str, Any] = {}
    if _is_s3(url):
        needs("s3fs")
    if url.startswith(S3):
        if fault := fault_of_url(url) or fault_of_endpoint(url):
            raise SourceError(url, fault, code="source-address")
        options["config_kwargs"] = S3_PATIENCE | fsspec.config.conf.get("s3", {}).get("config_kwargs", {})
    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(url, **options))
    except (ImportError, ValueError) as error:
        raise SourceError(
            url,
            f"this kind of address cannot be opened: {error}; expected a path, or a URL such as file:///logs/a.csv",
            code="source-address",
        ) from None
    except OSError as error:
        raise unreachable(url, error) from error


def address(system: Any, path: str, url: str) -> str:
    """The URL of a file; that of an archive follows the name of what lies in it: zip://a.csv::file:///logs.zip."""
    _, mark, archive = url.partition("::")
    return f"{system.unstrip_protocol(path)}{mark}{archive}"


def is_local(system: Any) -> bool:
    """Whether a file system is that of this machine."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(system, LocalFileSystem)


def unreachable(url: str, error: Exception) -> SourceError:
    """What an error of a file system means to the user."""
    if isinstance(error, FileNotFoundError):
        return SourceError(url, "there is no such file", code="source-missing")
    if _is_s3(url) and (meaning := meaning_of(f"{type(error).__name__}: {error}")):
        code = "access-refused" if meaning.code == "access-refused" else "source-unreadable"
        return SourceError(url, f"it cannot be read: {meaning.words}", code=code)
    return SourceError(
        url,
        f"it cannot be reached: {type(error).__name__}: {' '.join(str(error).split())}",
        code="source-unreadable",
    )
