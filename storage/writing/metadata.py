"""The committed state: everything but the rows, written as Zarr metadata and small arrays.

The root `zarr.json` comes last: it carries our attributes and the metadata of all arrays (consolidated), so
replacing that one file is the commit.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from longstride.storage.atomic import sync_directory, write_file, write_files
from longstride.storage.format import (
    ATTRIBUTES,
    COMMITS,
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
from longstride.storage.writing.zarr_documents import array_document, chunk_of, group_document

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
    write_files(path, documents)
    write_file(path / ROOT, [root])
    sync_directory(path)


def _documents(commit: Commit) -> dict[str, bytes]:
    """File contents by path relative to the store, root document included."""
    rows = {field.name: np.stack([getattr(part, field.name) for part in commit.statistics]) for field in FIELDS}
    documents = _row_documents(commit.layout, commit.num_rows, commit.layout.chunk_rows)
    documents |= _small_arrays(commit.layout, commit.generation, commit.segments, Statistics(**rows))
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
    small = _small_arrays(store.layout, store.generation, store.segments, store.block_statistics)
    documents = _row_documents(store.layout, store.num_rows, file_rows, codecs or {})
    documents |= {name: data for name, data in small.items() if name.endswith(ROOT)}
    return _sealed(documents, attributes)


def _row_documents(
    layout: StoreLayout,
    num_rows: int,
    file_rows: int,
    codecs: Mapping[str, list[dict[str, Any]]] = MappingProxyType({}),
) -> dict[str, bytes]:
    return {
        f"{name}/{ROOT}": array_document(
            array.dtype,
            (num_rows, *array.row_shape),
            (file_rows, *array.row_shape),
            array.dimensions,
            separator=".",
            fill_value="NaN" if name == "values" else None,
            codecs=codecs.get(name),
            attributes=_attributes_of(name, layout),
        )
        for name, array in layout.row_arrays.items()
    }


def _attributes_of(array: str, layout: StoreLayout) -> dict[str, Any]:
    if array == "time":
        return TIME_ATTRIBUTES
    # By the CF convention: xarray then takes labels for coordinates.
    return {"coordinates": "labels"} if array == "values" and layout.labels else {}


def _small_arrays(
    layout: StoreLayout, generation: int, segments: Segments, statistics: Statistics
) -> dict[str, bytes]:
    """Documents and chunks of what is not rows, by path."""
    files = _small_array("channel", np.array(layout.channels, object), ("channel",))
    if layout.labels:
        files |= _small_array("label", np.array(layout.labels, object), ("label",))
    # Each commit has a folder of its own, so that an unfinished later commit cannot touch it, and a process that
    # opened the store before a later one still finds it.
    state = f"{COMMITS}/{generation}"
    files |= {f"{group}/{ROOT}": group_document({}) for group in (state, COMMITS)}
    for bound in ("start", "stop", "series"):
        files |= _small_array(f"{state}/segment_{bound}", getattr(segments, bound).astype(np.int64), ("segment",))
    for field in FIELDS:
        files |= _small_array(f"{state}/block_{field.name}", getattr(statistics, field.name), ("block", "channel"))
    return files


def _small_array(name: str, data: NDArray[Any], dimensions: tuple[str, ...]) -> dict[str, bytes]:
    chunk_shape = [max(1, length) for length in data.shape]
    files = {f"{name}/{ROOT}": array_document(data.dtype, data.shape, chunk_shape, dimensions)}
    if data.size:
        files[f"{name}/c" + "/0" * data.ndim] = chunk_of(data)
    return files


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
    group = f"{COMMITS}/{attributes['generation']}/{ROOT}"
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
