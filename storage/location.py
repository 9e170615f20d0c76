"""The place that a path or a URL names."""

import os
import re
from pathlib import Path

from longstride.storage.places.folder import Folder
from longstride.storage.places.object_answers import PlaceError, cannot_be_opened, fault_of_path
from longstride.storage.places.place import Place

__all__ = ["expanded", "is_url", "local_path", "place_of"]

MOST_BYTES = 255
"""Of the name of a file, on all common file systems."""
CUT_URL = re.compile(r"[a-z][a-z0-9+.-]+:(?=/)")
"""What Path makes of a URL: s3:/bucket. A folder of that name can be written ./s3:/bucket."""


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
        from longstride.storage.places.bucket import Bucket

        return Bucket(os.fspath(path))
    if cut := CUT_URL.match(os.fspath(path)):
        raise PlaceError(
            f"{os.fspath(path)} is not a URL any more: write {cut[0]}//..., as text and not as a Path",
            code="not-a-folder",
        )
    if fault := fault_of_path(os.fspath(path)):
        raise cannot_be_opened(os.fspath(path), fault)
    return Folder(Path(expanded(path)))


def local_path(path: str | os.PathLike[str]) -> Path:
    """The path of what can be written on this machine alone.

    Raises PlaceError for a URL, and for a name that no file can have, before any work is done for it.
    """
    place = place_of(path)
    if not isinstance(place, Folder):
        raise PlaceError(f"{place.name} is a URL: give a path of this machine", code="not-a-folder")
    if long := [name for name in place.path.parts if len(os.fsencode(name)) > MOST_BYTES]:
        raise PlaceError(
            f"{long[0][:40]}... is a name of {len(os.fsencode(long[0]))} bytes: files take at most {MOST_BYTES}",
            code="file-system",
        )
    return place.path
