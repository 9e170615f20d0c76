"""Opening a store, whichever layout it has and wherever it lies: its root document is read, and checked.

A store may come from a stranger. So names of files are made from the format and never taken from the document, and
its counts have to fit each other: the list of checksums, which is really there, bounds the number of rows.
"""

import json
import os
from dataclasses import fields
from typing import Any

from longstride.storage.errors import StoreError, coded
from longstride.storage.format import (
    ATTRIBUTES,
    DOCUMENTS,
    FORMAT_VERSION,
    IDENTITY,
    LOCK_FILE,
    MAX_DECODED_BYTES,
    MIN_PACKED_ROWS,
    ROOT,
    StoreLayout,
    chunk_rows_for,
    seal,
)
from longstride.storage.location import place_of
from longstride.storage.mapped.store import MappedStore
from longstride.storage.places.folder import Folder
from longstride.storage.places.place import Place
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore

__all__ = ["StoreOrPath", "open_mapped", "open_store", "opened"]

StoreOrPath = SeriesStore | str | os.PathLike[str]

MAX_CHUNK_BYTES = 2**30
"""Of times or labels, of which there may be many for a channel; they are mapped, or decoded piece by piece."""
MAX_SHARD_BYTES = 2**40


@coded
def open_store(path: str | os.PathLike[str]) -> SeriesStore:
    """Open the committed state at `path`: a folder, or where the store is packed a URL (s3://bucket/name) too.

    Raises StoreError where there is no store, or one that is unfinished, altered or of another format version, and
    PlaceError where an object store cannot be reached.
    """
    place = place_of(path)
    attributes = _read_attributes(place)
    if "packed" in attributes:
        from longstride.storage.packed.store import PackedStore

        return PackedStore(place, attributes)
    if not isinstance(place, Folder):
        raise StoreError(
            f"{place.name} is a mapped store, which needs a disk: write a packed one there with `longstride pack`",
            code="not-a-folder",
        )
    return MappedStore(place, attributes)


def opened(store: StoreOrPath) -> SeriesStore:
    """A store as it is, or the one at a path or URL, as `open_store` opens it."""
    return store if isinstance(store, SeriesStore) else open_store(store)


def open_mapped(path: str | os.PathLike[str]) -> MappedStore:
    """Open a store whose rows are arrays in memory. Raises StoreError as `open_store`, and for a packed one."""
    store = open_store(path)
    if not isinstance(store, MappedStore):
        raise StoreError(f"{store.name} is packed: unpack it first with `longstride unpack`", code="store-packed")
    return store


def _read_attributes(place: Place) -> dict[str, Any]:
    """Our attributes in the root document of a place, as the last commit wrote them.

    Raises StoreError where there is no store, or one that is unfinished, altered, of another format version or
    with attributes that contradict each other, and PlaceError where the place cannot be read.
    """
    document = f"{place.name}/{ROOT}"
    try:
        data = place.get(ROOT)
    except FileNotFoundError:
        if isinstance(place, Folder) and (place.path / LOCK_FILE).exists():
            raise StoreError(
                f"{place.name} holds an unfinished store (expected {document}): run the ingest again",
                code="store-unfinished",
            ) from None
        if isinstance(place, Folder) and place.path.is_file():
            raise StoreError(
                f"{place.name} is a file, not a store: make a store of logs with `longstride ingest`",
                code="store-missing",
            ) from None
        if isinstance(place, Folder) and not place.path.exists():
            raise StoreError(
                f"there is nothing at {place.name}: name a folder that `longstride ingest` made",
                code="store-missing",
            ) from None
        raise StoreError(f"{place.name} holds no store (expected {document})", code="store-missing") from None
    try:
        attributes: dict[str, Any] = json.loads(data)["attributes"][ATTRIBUTES]
        version, expected = attributes["format"], attributes.pop("seal_crc32c", None)
        is_sealed = expected == seal(attributes)
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{document} cannot be read ({error}): restore it or ingest again", code="store-damaged"
        ) from error
    except (AttributeError, KeyError, IndexError, TypeError):
        raise StoreError(
            f"{place.name} is not a Longstride store: make one with `longstride ingest`", code="store-missing"
        ) from None
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{place.name} has format {version}, this version reads {FORMAT_VERSION}: "
            "ingest it again, or use the version that wrote it",
            code="store-format",
        )
    if not is_sealed:
        raise StoreError(
            f"{document} was altered after its commit: restore it from a backup or ingest again",
            code="store-damaged",
        )
    try:
        _check(attributes)
    except (_Contradiction, StoreError) as error:
        raise StoreError(
            f"{document} is not what a store says of itself: {error}. Get the store again from where it was made",
            code="store-damaged",
        ) from None
    return attributes


def _small_arrays(layout: StoreLayout, generation: int) -> dict[str, str]:
    """The arrays that a commit has, apart from those of the rows, and the chunk of each: its path in the array."""
    names = {"channel": "c/0", **({"label": "c/0"} if layout.labels else {})}
    names |= {f"commits/{generation}/segment_{bound}": "c/0" for bound in ("start", "stop", "series")}
    return names | {f"commits/{generation}/block_{field.name}": "c/0/0" for field in fields(Statistics)}


class _Contradiction(Exception):
    """What an attribute says, and what was expected."""


def _check(attributes: dict[str, Any]) -> None:
    """Raise _Contradiction unless every attribute has its type, and all of them fit each other."""
    _check_can_be_written(attributes)
    num_rows = _whole(attributes, "num_rows", 1)
    rows = _whole(attributes, "chunk_rows", 1)
    generation = _whole(attributes, "generation", 1)
    cadence = attributes.get("cadence_ns")  # centuries between two rows are more than an int64 holds
    _expect(type(cadence) is int and 0 <= cadence < 2**66, "cadence_ns", cadence, "a whole number of nanoseconds")
    texts = {name: _list_of(attributes, name, str) for name in ("channels", "labels", "series")}
    units = _list_of(attributes, "units", str | None)
    ends = attributes.get("series_end_ns", [])
    _expect(isinstance(ends, list | tuple) and all(map(_is_int64, ends)), "series_end_ns", ends, "whole numbers")
    _expect(len(ends) in (0, len(texts["series"])), "series_end_ns", ends, "a time for each series")
    _expect(bool(texts["series"]), "series", [], "at least one name")
    _expect(
        attributes.get("dtype") in ("float32", "float64"), "dtype", attributes.get("dtype"), "float32 or float64"
    )
    _list_of(attributes, "sources", dict)
    _expect(isinstance(attributes.get("recipe"), dict), "recipe", attributes.get("recipe"), "an object")
    layout = StoreLayout(
        channels=tuple(texts["channels"]),
        units=tuple(units),
        labels=tuple(texts["labels"]),
        dtype=attributes["dtype"],
    )
    most = chunk_rows_for(len(layout.channels), layout.row_arrays["values"].dtype.itemsize)
    _expect(rows <= most, "chunk_rows", rows, f"at most {most:,} for {len(layout.channels):,} channels")
    widest = max(array.row_bytes for array in layout.row_arrays.values())
    _expect(rows * widest <= max(MAX_CHUNK_BYTES, 1024 * widest), "chunk_rows", rows, "chunks of at most 1 GiB")
    _check_checksums(attributes, layout, -(-num_rows // rows), generation)
    if DOCUMENTS in attributes:
        _check_documents(attributes, layout, generation)
    identity = attributes.get(IDENTITY, "")
    _expect(isinstance(identity, str), IDENTITY, identity, "a text")
    if "packed" in attributes:
        _check_packed(attributes["packed"], layout, num_rows, rows)


def _check_can_be_written(attributes: dict[str, Any]) -> None:
    """Every text is UTF-8 and every number finite, however deep: whatever copies or shows them relies on it."""
    try:
        json.dumps(attributes, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # of json, or of the encoding
        raise _Contradiction(f"a text is not UTF-8, or a number is not finite ({error})") from None


def _check_checksums(attributes: dict[str, Any], layout: StoreLayout, num_chunks: int, generation: int) -> None:
    """There is one list for each file that the format knows, and no other."""
    checksums: Any = attributes.get("checksums_crc32c")
    _expect(isinstance(checksums, dict), "checksums_crc32c", checksums, "an object")
    small = _small_arrays(layout, generation)
    has_segments = f"commits/{generation}/segment_start/c/0" in checksums  # an empty array has no chunk
    lengths = dict.fromkeys(layout.row_arrays, num_chunks)
    lengths |= {f"{name}/{chunk}": 1 for name, chunk in small.items() if has_segments or "/segment_" not in name}
    for name in checksums.keys() | lengths.keys():
        _expect(name in lengths, "checksums_crc32c", name, f"only {', '.join(lengths)}")
        found = checksums.get(name)
        is_so = isinstance(found, list) and len(found) == lengths[name] and all(map(_is_crc, found))
        _expect(is_so, f"checksums_crc32c[{name!r}]", found, f"{lengths[name]:,} checksums")


def _check_documents(attributes: dict[str, Any], layout: StoreLayout, generation: int) -> None:
    """There is a checksum for the document of each array and group, and no other."""
    groups = ("commits", f"commits/{generation}")
    expected = {f"{name}/{ROOT}" for name in (*layout.row_arrays, *_small_arrays(layout, generation), *groups)}
    found: Any = attributes[DOCUMENTS]
    is_so = isinstance(found, dict) and found.keys() == expected and all(map(_is_crc, found.values()))
    _expect(is_so, DOCUMENTS, found, f"checksums of {', '.join(sorted(expected))}")


def _check_packed(packed: Any, layout: StoreLayout, num_rows: int, rows: int) -> None:
    """Shards are whole chunks of the mapped layout, chunks are whole parts of these."""
    _expect(isinstance(packed, dict) and isinstance(packed.get("codec"), str), "packed", packed, "an object")
    shard_rows, chunk_rows = _whole(packed, "shard_rows", 1), _whole(packed, "chunk_rows", 1)
    _expect(shard_rows % rows == 0, "shard_rows", shard_rows, f"a multiple of {rows}")
    _expect(rows % chunk_rows == 0, "packed chunk_rows", chunk_rows, f"a divisor of {rows}")
    widest = max(array.row_bytes for array in layout.row_arrays.values())
    is_small = chunk_rows <= MIN_PACKED_ROWS or chunk_rows * widest <= MAX_DECODED_BYTES
    _expect(is_small, "packed chunk_rows", chunk_rows, f"chunks of at most {MAX_DECODED_BYTES:,} bytes")
    sizes = packed.get("shard_bytes")
    is_so = isinstance(sizes, dict) and sizes.keys() == layout.row_arrays.keys()
    _expect(is_so, "shard_bytes", sizes, f"sizes of {', '.join(layout.row_arrays)}")
    num_shards = -(-num_rows // shard_rows)
    for name, found in sizes.items():
        is_so = isinstance(found, list) and len(found) == num_shards and all(map(_is_shard_size, found))
        _expect(is_so, f"shard_bytes[{name!r}]", found, f"{num_shards:,} sizes")


def _expect(is_so: bool, name: str, found: Any, expected: str) -> None:
    if not is_so:
        shown = repr(found)
        raise _Contradiction(f"{name} is {shown if len(shown) <= 80 else f'{shown[:77]}...'}, expected {expected}")


def _whole(attributes: dict[str, Any], name: str, least: int) -> int:
    found: Any = attributes.get(name)
    _expect(_is_int64(found) and found >= least, name, found, f"a whole number from {least} on")
    return int(found)


def _list_of(attributes: dict[str, Any], name: str, kind: Any) -> list[Any]:
    found: Any = attributes.get(name)
    is_so = isinstance(found, list | tuple) and all(isinstance(each, kind) for each in found)
    _expect(is_so, name, found, f"a list of {getattr(kind, '__name__', kind)}")
    return list(found)


def _is_int64(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_crc(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**32


def _is_shard_size(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_SHARD_BYTES
