"""What is frozen, part by part: each part is a function of `Made` that gives values by name."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pyarrow.parquet as pq

from longstride.trainer.settings import FITTED
from tests.golden.digests import digest, hex_of
from tests.golden.inputs import GRID_RECIPE, RECIPE, write_grid_log, write_logs
from tests.golden.product import (
    CODECS,
    MODELS,
    IngestReport,
    SeriesStore,
    WindowLoader,
    make_store,
    pack_store,
    score_store,
    split_by_time,
    train_model,
    unpack_store,
)

__all__ = ["PARTS", "Made", "shards_key"]

Values = dict[str, Any]

CHUNK_ROWS = 1024
ROW_ARRAYS = ("time", "values", "labels")
STATISTICS = ("count", "mean", "m2", "minimum", "maximum")
SHARDS_CODEC = "zstd"
SIZES = {"window": 32, "stride": 8, "batch_size": 32, "hidden": 16, "latent": 8, "lr": 0.01}
STEPS = 10
REFINED = {
    "optimiser": "adamw",
    "loss": "huber",
    "schedule": "cosine",
    "warmup_steps": 3,
    "accumulate": 2,
    "ema": 0.9,
}
SCORES_SHOWN = 12


class Made:
    """Stores in a folder, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def logs(self) -> list[Path]:
        return write_logs(self.folder / "logs")

    @cached_property
    def ingested(self) -> tuple[SeriesStore, IngestReport]:
        return make_store(self.logs[:2], self.folder / "plant.zarr", RECIPE, chunk_rows=CHUNK_ROWS)

    @cached_property
    def store(self) -> SeriesStore:
        return self.ingested[0]

    @cached_property
    def appended(self) -> tuple[SeriesStore, IngestReport]:
        out = self.folder / "longer.zarr"
        shutil.copytree(self.store.path, out)
        return make_store(self.logs[2:], out, None, chunk_rows=CHUNK_ROWS)

    @cached_property
    def grid(self) -> tuple[SeriesStore, IngestReport]:
        """A store of one chunk, which has the real size."""
        return make_store(
            [write_grid_log(self.folder / "grid.csv", day=0)], self.folder / "grid.zarr", GRID_RECIPE
        )

    @cached_property
    def longer_grid(self) -> tuple[SeriesStore, IngestReport]:
        """The same store with newer rows, which make its last segment longer."""
        out = self.folder / "longer grid.zarr"
        shutil.copytree(self.grid[0].path, out)
        return make_store([write_grid_log(self.folder / "newer.csv", day=2)], out, None)

    @cached_property
    def packed(self) -> dict[str, SeriesStore]:
        return {codec: pack_store(self.store, self.folder / f"{codec}.zarr", codec) for codec in CODECS}


def ingest(made: Made) -> Values:
    return _store_and_report(*made.ingested)


def append(made: Made) -> Values:
    on_grid = _store_and_report(*made.longer_grid)
    return {
        **_store_and_report(*made.appended),
        **{f"on a grid: {name}": value for name, value in on_grid.items()},
    }


def grid(made: Made) -> Values:
    return _store_and_report(*made.grid)


def pack(made: Made) -> Values:
    """Compressed bytes differ between versions of a compressor; the rows that they hold do not."""
    found: Values = {}
    for codec, packed in made.packed.items():
        cut = {name: value for name, value in packed.attributes["packed"].items() if name != "shard_bytes"}
        found[f"{codec}: how rows are cut"] = digest(json.dumps(cut, sort_keys=True))
        found |= {f"{codec}: {name}": value for name, value in _rows(packed).items()}
    unpacked = unpack_store(made.packed["pcodec"], made.folder / "unpacked.zarr")
    return {**found, **{f"unpacked: {name}": value for name, value in _store(unpacked).items()}}


def shards(made: Made) -> Values:
    """Files of one codec, by the version of numcodecs: another may compress otherwise."""
    folder = made.packed[SHARDS_CODEC].path
    files = {name: sorted((folder / name).glob("c.*")) for name in ROW_ARRAYS}
    return {shards_key(): {name: digest(*(file.read_bytes() for file in files[name])) for name in ROW_ARRAYS}}


def shards_key() -> str:
    return f"{SHARDS_CODEC} of numcodecs {numcodecs.__version__}"


def batches(made: Made) -> Values:
    """Two whole epochs of every kind of loader."""
    store, longer = made.store, made.appended[0]
    split = split_by_time(store, window=16, train=0.7, validation=0.2).train
    ahead = {"horizon": 5, "channels": ["pressure", "flow"], "targets": ["energy"]}
    several = {"weights": [2, 1], "windows_per_epoch": 900}
    plain: dict[str, tuple[Any, dict[str, Any]]] = {
        "shuffled": (store, {}),
        "in row order": (store, {"shuffle": False}),
        "with a horizon": (store, ahead),
        "with a horizon, in row order": (store, ahead | {"shuffle": False}),
        "of several stores": ([store, longer], several),
        "of several stores, in row order": ([store, longer], {"shuffle": False}),
        "of chosen windows": (
            store,
            {"split": split, "max_missing": 0.1, "without_labels": ["fault"], "seed": 3, "lanes": 2},
        ),
        "of another pool": (store, {"pool_rows": 2048, "block_rows": 256}),
        "of a packed store": (made.packed["pcodec"], {}),
        "of a packed store, in row order": (made.packed["blosc-zstd"], {"shuffle": False}),
        "of rank 0 of 2": (store, {"rank": 0, "world_size": 2}),
        "of rank 1 of 2": (store, {"rank": 1, "world_size": 2}),
        "of rank 1 of 2, in row order": (store, {"rank": 1, "world_size": 2, "shuffle": False}),
    }
    on_device = (
        "shuffled",
        "in row order",
        "with a horizon",
        "of several stores",
        "of a packed store",
        "of rank 1 of 2",
    )
    found: Values = {}
    for name, (source, options) in plain.items():
        found |= {f"{name}: {field}": value for field, value in _served(source, options).items()}
        if name in on_device:
            served = _served(source, options | {"device": "cpu"})
            found |= {f"on a device, {name}: {field}": value for field, value in served.items()}
    return found


def losses(made: Made) -> Values:
    """Losses of the first steps of each model, and of the validation after them."""
    runs = {model: {"model": model, "max_steps": STEPS} for model in MODELS if model != "cnn"}
    runs |= {
        f"forecast {model}": {"model": model, "max_steps": STEPS, "task": "forecast"} for model in ("lstm", "cnn")
    }
    for model in FITTED:
        runs[model]["max_steps"] = None  # fitted to one whole epoch
    runs["patch, refined"] = runs["patch"] | REFINED
    runs["tcn, centred"] = runs["tcn"] | {"centre": "mean", "normal_only": True}
    found: Values = {}
    for name, settings in runs.items():
        lines = train_model(made.store.path, made.folder / f"run {name}", **SIZES, **settings)
        for kind in ("train", "validation"):
            figures = [line["loss"] for line in lines if line["kind"] == kind]
            found[f"{name}: {kind}"] = hex_of(figures)
        assert len(found[f"{name}: train"]) == (0 if name in FITTED else STEPS)
    return found


def scores(made: Made) -> Values:
    """Scores and errors of all rows: which rows have one, sums of their sizes, and some as they are."""
    run, out = made.folder / "scored run", made.folder / "scores.parquet"
    train_model(made.store.path, run, **SIZES, model="lstm", max_steps=STEPS)
    scored = score_store(run, made.store, out)
    table = pq.read_table(out)
    found: Values = {
        "columns": digest(json.dumps(table.column_names)),
        "time": digest(table["time"].cast("int64").to_numpy()),
        "series": digest(json.dumps(table["series"].to_pylist())),
        "rows, covered, normal": [scored.rows, scored.covered, scored.normal_rows],
        "threshold": hex_of([scored.threshold]),
    }
    for name in table.column_names[2:]:
        column = table[name].to_numpy().astype(float)  # an alarm is 0 or 1
        there = np.flatnonzero(~np.isnan(column))
        some = column[there[:: len(there) // SCORES_SHOWN]]
        found[f"{name}: rows that have one"] = digest(there.astype(np.int64))
        found[f"{name}: sum of sizes, some rows"] = hex_of([math.fsum(np.abs(column[there])), *some])
    return found


PARTS: dict[str, Callable[[Made], Values]] = {
    part.__name__: part for part in (ingest, append, grid, pack, shards, batches, losses, scores)
}


def _store_and_report(store: SeriesStore, report: IngestReport) -> Values:
    return {**_store(store), **_report(report)}


def _store(store: SeriesStore) -> Values:
    segments, statistics = store.segments, store.block_statistics
    return {
        "rows": store.num_rows,
        "rows of a chunk": store.chunk_rows,
        "cadence_ns": store.cadence_ns,
        "generation": store.generation,
        "channels": digest(json.dumps([store.channels, store.units, store.label_names])),
        "series": digest(json.dumps([store.series, store.series_end_ns])),
        **_rows(store),
        **{f"segment {name}": digest(getattr(segments, name)) for name in ("start", "stop", "series")},
        **{f"block {name}": digest(getattr(statistics, name)) for name in STATISTICS},
    }


def _rows(store: SeriesStore) -> Values:
    """Row arrays as they are read, and their checksums as they are stored."""
    found: Values = {}
    for name in ROW_ARRAYS:
        rows = getattr(store, name)
        found[name] = None if rows is None else digest(np.asarray(rows))
        found[f"checksums of {name}"] = digest(json.dumps(store.attributes["checksums_crc32c"].get(name)))
    return found


def _report(report: IngestReport) -> Values:
    """What became of every row, without paths, times of day and what was found of an earlier run."""
    account = report.as_plain()
    files, rejects = account.pop("files"), account.pop("rejects")
    for name in ("look_at", "store", "seconds", "parts_reused", "was_there"):
        account.pop(name)
    found = {"report": digest(json.dumps(account, sort_keys=True))}
    for file in files:
        name = Path(file.pop("name")).name
        file.pop("differing")  # it came later
        found[f"report of {name}"] = digest(json.dumps(file, sort_keys=True))
    lines = [] if rejects is None else pq.read_table(rejects).to_pylist()
    rows = [[Path(line["file"]).name, *(line[name] for name in ("line", "reason", "raw"))] for line in lines]
    found |= {"rejects": len(rows), "rejected lines and reasons": digest(json.dumps(rows))}
    return found


FIRST_FIELDS = ("values", "start", "mask", "target", "target_mask", "store")
"""Those that every batch has had; others are there where they are asked for."""


def _served(source: SeriesStore | Sequence[SeriesStore], options: dict[str, Any]) -> Values:
    loader = WindowLoader(source, **{"window": 16, "stride": 4, "batch_size": 64, "pool_rows": 8192, **options})
    fields: dict[str, list[str | None]] = {}
    for epoch in range(2):
        loader.set_epoch(epoch)
        for batch in loader:
            for name, data in batch._asdict().items():
                fields.setdefault(name, []).append(None if data is None else digest(data))
    found: Values = {
        name: None if not any(digests) else digest(json.dumps(digests))
        for name, digests in fields.items()
        if any(digests) or name in FIRST_FIELDS
    }
    counts = [len(loader), loader.num_windows, loader.num_skipped, loader.num_dropped]
    return {**found, "steps, windows, skipped, dropped": counts, "fingerprint": loader.fingerprint}
