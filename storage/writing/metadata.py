"""The committed state: everything but the rows, written as Zarr metadata and small arrays.

Zarr itself makes every document and every small array, in memory; this module only decides the order in which
they reach the disk. The root `zarr.json` comes last: it carries our attributes and the metadata of all arrays
(consolidated), so replacing that one file is the commit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from longstride.storage.atomic import sync_directory, write_file
from longstride.storage.format import (
    ATTRIBUTES,
    CONSOLIDATED_KEYS,
    DOCUMENTS,
    FORMAT_VERSION,
    IDENTITY,
    ROOT,
    ROOT_KEYS,
    TIME_ATTRIBUTES,
    StoreLayout,
    identity_of,
    seal,
)
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore

__all__ = ["Commit", "copied_documents", "write_commit"]

FIELDS = fields(Statistics)


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Everything that a reader needs, apart from the rows themselves."""

    layout: StoreLayout
    generation: int
    num_rows: int
    segments: Segments
    series: tuple[str, ...]
    series_end_ns: tuple[int, ...] = ()
    cadence_ns: int
    checksums: dict[str, list[int]]
    statistics: list[Statistics]
    sources: list[dict[str, Any]]
    recipe: dict[str, Any]


def write_commit(path: Path, commit: Commit) -> None:
    """Write the committed state below `path`; the last rename makes it the one that readers see."""
    documents = _documents(commit)
    root = documents.pop(ROOT)
    folders = set()
    for name, data in documents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        write_file(path / name, [data])
        folders |= set(Path(name).parents)
    for folder in folders:
        sync_directory(path / folder)
    write_file(path / ROOT, [root])
    sync_directory(path)


def _documents(commit: Commit) -> dict[str, bytes]:
    """File contents by path relative to the store, root document included."""
    memory: dict[str, Buffer] = {}
    root = zarr.create_group(MemoryStore(memory), zarr_format=3)
    _create_row_arrays(root, commit.layout, commit.num_rows)
    rows = {field.name: np.stack([getattr(part, field.name) for part in commit.statistics]) for field in FIELDS}
    _create_small_arrays(root, commit.layout, commit.generation, commit.segments, Statistics(**rows))
    documents = {name: buffer.to_bytes() for name, buffer in memory.items()}
    checksums = {**commit.checksums}
    for name, data in documents.items():
        if not name.endswith(ROOT):
            checksums[name] = [google_crc32c.value(data)]
    return _sealed(documents, _attributes(commit, checksums))


def copied_documents(
    store: SeriesStore,
    *,
    codecs: Mapping[str, list[dict[str, Any]]] | None = None,
    file_rows: int,
    packed: dict[str, Any] | None = None,
) -> dict[str, bytes]:
    """Metadata of a copy of a store in another layout, root document included, by path relative to the copy.

    `codecs` are those of each row array (plain bytes by default), `file_rows` the rows of one file, and `packed`
    the attribute that describes the packed layout. Only what `open_store` has checked is taken from the store.
    """
    attributes = {key: value for key, value in store.attributes.items() if key != "packed"}
    if packed is not None:
        attributes["packed"] = packed
    memory: dict[str, Buffer] = {}
    root = zarr.create_group(MemoryStore(memory), zarr_format=3)
    _create_row_arrays(root, store.layout, store.num_rows)
    _create_small_arrays(root, store.layout, store.generation, store.segments, store.block_statistics)
    documents = {name: buffer.to_bytes() for name, buffer in memory.items() if name.endswith(ROOT)}
    for name in store.layout.row_arrays:
        member = json.loads(documents[f"{name}/{ROOT}"])
        member["chunk_grid"]["configuration"]["chunk_shape"][0] = file_rows
        if codecs is not None:
            member["codecs"] = codecs[name]
        # As Zarr writes them, so that a store is the same again, byte for byte.
        documents[f"{name}/{ROOT}"] = json.dumps(member, indent=2).encode()
    return _sealed(documents, attributes)


def _create_row_arrays(root: zarr.Group, layout: StoreLayout, num_rows: int) -> None:
    for name, array in layout.row_arrays.items():
        root.create_array(
            name,
            shape=(num_rows, *array.row_shape),
            chunks=(layout.chunk_rows, *array.row_shape),
            dtype=array.dtype,
            fill_value=np.nan if name == "values" else 0,
            compressors=None,
            filters=None,
            chunk_key_encoding={"name": "default", "separator": "."},
            dimension_names=array.dimensions,
            attributes=_attributes_of(name, layout),
        )


def _attributes_of(array: str, layout: StoreLayout) -> dict[str, Any]:
    if array == "time":
        return TIME_ATTRIBUTES
    # By the CF convention: xarray then takes labels for coordinates.
    return {"coordinates": "labels"} if array == "values" and layout.labels else {}


def _create_small_arrays(
    root: zarr.Group, layout: StoreLayout, generation: int, segments: Segments, statistics: Statistics
) -> None:
    _create(root, "channel", np.array(layout.channels, object), ("channel",))
    if layout.labels:
        _create(root, "label", np.array(layout.labels, object), ("label",))
    # Each commit has a folder of its own, so that an unfinished later commit cannot touch it, and a process that
    # opened the store before a later one still finds it.
    state = root.create_group(f"commits/{generation}")
    for bound in ("start", "stop", "series"):
        _create(state, f"segment_{bound}", getattr(segments, bound).astype(np.int64), ("segment",))
    for field in FIELDS:
        _create(state, f"block_{field.name}", getattr(statistics, field.name), ("block", "channel"))


def _create(group: zarr.Group, name: str, data: NDArray[Any], dimensions: tuple[str, ...]) -> None:
    array = group.create_array(
        name,
        shape=data.shape,
        chunks=tuple(max(1, length) for length in data.shape),
        dtype=str if data.dtype == object else data.dtype,
        compressors=None,
        filters=None,
        dimension_names=dimensions,
        config={"write_empty_chunks": True},
    )
    if data.size:
        array[...] = data


def _attributes(commit: Commit, checksums: dict[str, list[int]]) -> dict[str, Any]:
    layout = commit.layout
    recipe = json.dumps(commit.recipe, sort_keys=True)
    return {
        "format": FORMAT_VERSION,
        "generation": commit.generation,
        "num_rows": commit.num_rows,
        "chunk_rows": layout.chunk_rows,
        "dtype": layout.dtype,
        "cadence_ns": commit.cadence_ns,
        "channels": layout.channels,
        "units": layout.units,
        "labels": layout.labels,
        "series": commit.series,
        "series_end_ns": commit.series_end_ns,
        "sources": commit.sources,
        "recipe": commit.recipe,
        "recipe_sha256": hashlib.sha256(recipe.encode()).hexdigest(),
        "checksums_crc32c": checksums,
    }


def _sealed(documents: dict[str, bytes], attributes: dict[str, Any]) -> dict[str, bytes]:
    """The documents of a commit with its identity, and the root document, which seals them all.

    A reader that has opened the store finds the identity where only this commit can have put it: in the group of
    its small arrays. So it sees whether its files still belong to the store that it has opened.
    """
    documents = {**documents}
    identity = identity_of(attributes)
    group = f"commits/{attributes['generation']}/{ROOT}"
    document = json.loads(documents[group])
    document["attributes"] = {ATTRIBUTES: {IDENTITY: identity}}
    documents[group] = json.dumps(document, indent=2).encode()
    members = {name: data for name, data in documents.items() if name.endswith(f"/{ROOT}")}
    attributes = {
        **attributes,
        IDENTITY: identity,
        DOCUMENTS: {name: google_crc32c.value(data) for name, data in members.items()},
    }
    root = {
        **ROOT_KEYS,
        "attributes": {ATTRIBUTES: {**attributes, "seal_crc32c": seal(attributes)}},
        "consolidated_metadata": {
            **CONSOLIDATED_KEYS,
            "metadata": {name.removesuffix(f"/{ROOT}"): json.loads(data) for name, data in members.items()},
        },
    }
    return {**documents, ROOT: json.dumps(root, allow_nan=False).encode()}
