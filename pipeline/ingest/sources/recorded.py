"""The sources that a store was made from, held against the files that are there now.

A log is known by its bytes, not by its name: it may have been moved, and a rotation gives its name to another one.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.base import absolute
from longstride.pipeline.ingest.sources.files import Version, checksum, version_of
from longstride.pipeline.ingest.sources.names import key_of
from longstride.storage.errors import StoreError
from longstride.storage.store import SeriesStore

__all__ = ["Recorded", "recorded_sources", "refuse_rewritten", "sources_of_rebuild"]

MAX_SHOWN = 5
UNCERTAIN = ", if this is the folder in which the store was made: it has a relative name"


class Recorded(NamedTuple):
    """What a store says of a source."""

    name: str
    """As it was given."""
    path: str
    """The same from any working directory; empty of rows that a program held."""
    is_certain: bool
    """Whether the store says the path; an old store may hold a name that was relative to a folder of then."""
    num_bytes: int
    crc: int
    rows_in: int


def recorded_sources(store: SeriesStore) -> list[Recorded]:
    """The sources of a store, in order. Raises StoreError where what it says of them is not what we write."""
    if wrong := [source for source in store.attributes["sources"] if not _is_recorded(source)]:
        raise StoreError(
            f"{store.name} says of a source {str(wrong[0])[:80]}: expected name, path, bytes, crc32c and rows_in. "
            "Make the store again with `longstride ingest`",
            code="store-damaged",
        )
    return [
        Recorded(
            name=source["name"],
            path=absolute(source["name"]) if source.get("path") is None else source["path"],
            is_certain="path" in source or absolute(source["name"]) == source["name"],
            num_bytes=source["bytes"],
            crc=source["crc32c"],
            rows_in=source["rows_in"],
        )
        for source in store.attributes["sources"]
    ]


def _is_recorded(source: dict[str, Any]) -> bool:
    texts = [source.get("name"), source.get("path") or "-"]
    counts = [source.get(name) for name in ("bytes", "crc32c", "rows_in")]
    are_paths = all(isinstance(text, str) and text and "\0" not in text for text in texts)
    return are_paths and all(type(count) is int and count >= 0 for count in counts)


def sources_of_rebuild(store: SeriesStore, named: Sequence[str], *, accept_changed: bool) -> list[str]:
    """The sources of a store where they are now, and then those `named` that are new.

    A source is the file among those `named`, or at its recorded path, that has its bytes, maybe with more behind
    them. Raises SourceError where there is none; `accept_changed` takes the file at its path, whatever it holds.
    """
    holds = _Holdings()
    keys: dict[str | None, str] = {key_of(name): name for name in named}
    found: dict[str | None, str] = {}
    missing, changed = [], []
    sources = recorded_sources(store)
    # Two sources may hold the same bytes: each takes a file of its own.
    in_place = {number: key for number, one in enumerate(sources) if (key := holds.in_place(one)) in keys}
    held = set(in_place.values())
    for number, source in enumerate(sources):
        free = [name for key, name in keys.items() if key not in found and key not in held]
        name = source.path if number in in_place else holds.where(source, free)
        if name is None:
            now = _version(source.path)
            if not source.path:
                missing += [f"the {source.rows_in:,} {source.name} are in no file"] * (source.rows_in > 0)
            elif now is None:
                missing.append(f"{source.path} is missing{'' if source.is_certain else UNCERTAIN}")
            elif (accept_changed and (source.is_certain or _key(source.path) in keys)) or not source.rows_in:
                name = source.path
            else:
                changed.append(_difference(source, now))
        if name is not None:
            key = key_of(name)
            found.setdefault(key, keys.get(key) or _shown(source, name, key))
    if missing or changed:
        raise _not_as_they_were(store, missing, changed)
    return list((found | keys).values())


def refuse_rewritten(store: SeriesStore, named: Sequence[str]) -> None:
    """Raise SourceError for the first file of which the store has rows that the file itself has no longer."""
    holds = _Holdings()
    keys: dict[str | None, str] = {key_of(name): name for name in named}
    for source in recorded_sources(store):
        name = keys.get(_key(source.path)) if source.rows_in and source.is_certain else None
        if name is not None and not holds.has(name, source):
            raise SourceError(
                name,
                f"{store.path} has rows of a file at this path that had {source.num_bytes:,} bytes, and the file "
                "no longer begins with them: was it rotated? Keep each log under a name of its own, for a rebuild "
                "needs them all; or add its rows all the same with --accept-changed",
                code="source-changed",
            )


class _Holdings:
    """Which files hold the bytes of which sources; each file is read once for a length."""

    def __init__(self) -> None:
        self._version = cache(_version)
        self._checksum = cache(checksum)

    def where(self, source: Recorded, named: Sequence[str]) -> str | None:
        """The file that has the bytes of a source: one of those named or the one at its path."""
        candidates = [*named, *filter(None, [source.path])]
        sizes = {name: found.num_bytes for name in candidates if (found := self._version(name)) is not None}
        same = [name for name in sizes if sizes[name] == source.num_bytes]
        # A log to which lines were added. Nothing can be said of one that had no rows.
        grown = [name for name in reversed(sizes) if sizes[name] > source.num_bytes and source.rows_in]
        return next((name for name in same + grown if self.has(name, source)), None)

    def in_place(self, source: Recorded) -> str | None:
        """Key of the file at its path, where that has the bytes of a source and no more."""
        found = self._version(source.path)
        is_whole = found is not None and found.num_bytes == source.num_bytes and self.has(source.path, source)
        return _key(source.path) if is_whole else None

    def has(self, name: str, source: Recorded) -> bool:
        """Whether a file begins with the bytes of a source."""
        return bool(self._checksum(name, source.num_bytes) == source.crc)


def _key(name: str) -> str | None:
    """None as for `_version`."""
    try:
        return key_of(name) if name else None
    except SourceError:
        return None


def _version(name: str) -> Version | None:
    """None where a file is missing, or nobody can read it: what the user named was found before."""
    try:
        return version_of(name) if name else None
    except SourceError:
        return None


def _shown(source: Recorded, name: str, key: str) -> str:
    """The name that the user gave, where it still leads there."""
    return source.name if _key(source.name) == key else name


def _difference(source: Recorded, now: Version) -> str:
    if now.num_bytes < source.num_bytes:
        return f"{source.path} had {source.num_bytes:,} bytes and now has {now.num_bytes:,}"
    more = f", and now has {now.num_bytes:,}" if now.num_bytes > source.num_bytes else ""
    return f"{source.path} had {source.num_bytes:,} bytes with another checksum{more}"


def _not_as_they_were(store: SeriesStore, missing: Sequence[str], changed: Sequence[str]) -> SourceError:
    all_ = [*missing, *changed]
    rest = f"; and {len(all_) - MAX_SHOWN:,} more" if len(all_) > MAX_SHOWN else ""
    remedy = "name the files that have their rows now, under whatever name"
    if any(not source.path and source.rows_in for source in recorded_sources(store)):
        remedy += ", give rows that no file holds to `longstride.rebuild` again, as they were"
    if changed:
        remedy += ", or take the changed files as they are, without the rows that they had, with --accept-changed"
    return SourceError(
        str(store.path),
        f"it was made from sources that are no longer there, or are others: {'; '.join(all_[:MAX_SHOWN])}{rest}. "
        f"A rebuild needs all its sources: {remedy}",
        code="source-missing" if missing else "source-changed",
    )
