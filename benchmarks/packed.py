"""`python -m benchmarks windows --layout packed`: a packed store, beside what decoding and copying allow."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.ceiling import fair_copy
from benchmarks.stores import SEED
from benchmarks.timing import Spread, interleave
from longstride import WindowLoader
from longstride.pipeline.packing.pack import pack
from longstride.storage.format import ROOT, StoreLayout
from longstride.storage.location import place_of
from longstride.storage.open import open_mapped, open_store
from longstride.storage.packed.cache import RowCache
from longstride.storage.packed.rows import threads_for
from longstride.storage.packed.store import PackedStore
from longstride.storage.segments import Segments
from longstride.storage.writing.writer import StoreWriter

__all__ = ["Case", "Cell", "Packed", "as_json", "cases", "decode", "digests", "measure", "prepare", "render"]

DECIMALS = 3
DECODED_ROWS = 2**18
"""At a time, to find what the reader can do by itself."""


@dataclass(frozen=True)
class Case:
    """What is served."""

    window: int
    stride: int
    batch: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One case: bytes of windows per second of each way, and the promised ratios, round by round."""

    case: Case
    bytes_per_second: dict[str, Spread]
    packed_to_bound: Spread
    """To the slower of the fair copy, and the decoding of rows times the windows that each is in."""
    packed_to_both: Spread
    """To one after the other: each of them alone takes all cores."""
    cached_to_mapped: Spread
    """From the second epoch on."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What was measured on."""

    mapped: Path
    packed: Path
    cache: Path
    url: str | None
    codec: str
    ratio: float
    """How many times smaller the values are."""


def cases(windows: Sequence[int], batch: int) -> list[Case]:
    """Stride 1, K/8 and K for each K."""
    return [Case(k, stride, batch) for k in windows for stride in sorted({1, max(1, k // 8), k})]


def prepare(folder: Path, num_rows: int, num_channels: int, codec: str, url: str | None) -> Packed:
    """Make a store of random walks of three decimals, its packed copies and its cache, unless they are there."""
    mapped = folder / f"walk-{num_rows}x{num_channels}.zarr"
    if not (mapped / ROOT).exists():
        _write_walk(mapped, num_rows, num_channels)
    store = open_store(mapped)
    packed = folder / f"walk-{num_rows}x{num_channels}-{codec}.zarr"
    for place in [str(packed), *([url] if url else [])]:
        try:
            place_of(place).get(ROOT)
        except FileNotFoundError:
            pack(store, place, codec=codec)
    opened = open_store(packed)
    assert isinstance(opened, PackedStore)
    size = sum(opened.attributes["packed"]["shard_bytes"]["values"])
    return Packed(
        mapped=mapped,
        packed=packed,
        cache=folder / "cache",
        url=url,
        codec=codec,
        ratio=store.values.nbytes / size,
    )


def _write_walk(path: Path, num_rows: int, num_channels: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(num_channels)))
    generator = np.random.default_rng(SEED)
    last = np.zeros(num_channels)
    with StoreWriter(path, layout) as writer:
        for row in tqdm(range(0, num_rows, layout.chunk_rows), desc="prepare", unit="chunk", disable=None):
            rows = min(layout.chunk_rows, num_rows - row)
            walk = last + np.cumsum(generator.standard_normal((rows, num_channels)), axis=0)
            last = walk[-1]
            writer.append(np.arange(row, row + rows) * 10**9, walk.round(DECIMALS).astype(np.float32))
        whole = Segments(np.array([0]), np.array([num_rows]), np.array([0]))
        writer.commit(whole, ("",), cadence_ns=10**9)


def measure(found: Packed, chosen: Sequence[Case], *, rounds: int, seconds: float) -> list[Cell]:
    """Measure each case, all ways of one case in turn."""
    return [
        _measure(found, case, rounds, seconds) for case in tqdm(chosen, desc="measure", unit="case", disable=None)
    ]


def _measure(found: Packed, case: Case, rounds: int, seconds: float) -> Cell:
    values = open_mapped(found.mapped).values
    row_bytes = values[:1].nbytes
    window_bytes = case.window * row_bytes
    ways: dict[str, Iterator[int]] = {
        "packed": _serve(found.packed, case),
        "copy": map(len, fair_copy(values, case.window, case.batch, SEED)),
        "decode": decode(found.packed),
        "cached": _serve_cached(found, case),
        "mapped": _serve(found.mapped, case),
    }
    rates = interleave(ways, rounds=rounds, seconds=seconds, lead_in=seconds / 2)
    # Each row that is decoded is in K / stride windows.
    served = {
        name: [rate * window_bytes for rate in rates[name]] for name in ("packed", "copy", "cached", "mapped")
    }
    served["decode"] = [rate * row_bytes * case.window / case.stride for rate in rates["decode"]]
    alone = list(zip(served["copy"], served["decode"], strict=True))
    bound = [min(both) for both in alone]
    in_turn = [1 / (1 / copy + 1 / decode) for copy, decode in alone]
    return Cell(
        case=case,
        bytes_per_second={name: Spread.of(rate) for name, rate in served.items()},
        packed_to_bound=Spread.ratio(served["packed"], bound),
        packed_to_both=Spread.ratio(served["packed"], in_turn),
        cached_to_mapped=Spread.ratio(served["cached"], served["mapped"]),
    )


def _loader(store: Path | str, case: Case, cache: Path | None = None) -> WindowLoader:
    options: dict[str, Any] = {"window": case.window, "stride": case.stride, "batch_size": case.batch}
    return WindowLoader(store, **options, seed=SEED, cache_dir=cache)


def _serve(store: Path | str, case: Case) -> Iterator[int]:
    loader = _loader(store, case)
    while True:
        for batch in loader:
            yield len(batch.values)


def _serve_cached(found: Packed, case: Case) -> Iterator[int]:
    """From the second epoch on: the first one, in which each row is decoded, is read through beforehand."""
    loader = _loader(found.packed, case, found.cache)
    rows = open_store(found.packed).num_rows
    cache = loader.dataset.collection.rows[0]
    assert isinstance(cache, RowCache)
    for start in range(0, rows, DECODED_ROWS):
        stop = min(start + DECODED_ROWS, rows)
        cache.read_many([(start, stop)], [np.empty((stop - start, *cache.shape[1:]), cache.dtype)])
    while True:
        for batch in loader:
            yield len(batch.values)


def decode(path: Path) -> Iterator[int]:
    """Rows decoded from end to end, by the threads of the reader, into memory that is used again."""
    store = open_store(path)
    assert isinstance(store, PackedStore)
    rows = store.rows("values")
    out = np.empty((DECODED_ROWS, *rows.shape[1:]), rows.dtype)
    step = DECODED_ROWS // 16
    while True:
        for start in range(0, len(rows) - DECODED_ROWS + 1, DECODED_ROWS):
            parts = range(0, DECODED_ROWS, step)
            rows.read_many(
                [(start + part, start + part + step) for part in parts],
                [out[part : part + step] for part in parts],
            )
            yield DECODED_ROWS


def digests(found: Packed, case: Case) -> dict[str, str]:
    """Digest of an epoch, windows and their starts, by where it was read from."""
    places: dict[str, Callable[[], WindowLoader]] = {
        "mapped": lambda: _loader(found.mapped, case),
        "packed": lambda: _loader(found.packed, case),
        "cached": lambda: _loader(found.packed, case, found.cache),
    }
    if found.url:
        url = found.url
        places["s3"] = lambda: _loader(url, case)
    return {name: _digest(make()) for name, make in places.items()}


def _digest(loader: WindowLoader) -> str:
    digest = hashlib.sha256()
    for batch in itertools.islice(loader, None):
        digest.update(batch.start.numpy().tobytes())
        digest.update(batch.values.numpy().tobytes())
    return digest.hexdigest()[:16]


def render(found: Packed, cells: Sequence[Cell], epoch: dict[str, str]) -> str:
    """Tables for a terminal."""
    lines = [f"codec {found.codec}, values {found.ratio:.2f} times smaller"]
    lines += [f"digest of an epoch  {name:<7} {value}" for name, value in epoch.items()]
    names = list(cells[0].bytes_per_second)
    lines.append(
        f"\n{'K':>6} {'stride':>6} "
        + " ".join(f"{name:>8}" for name in names)
        + f" {'packed/slower':>20} {'packed/both':>20}"
        f" {'cached/mapped':>20}"
    )
    for cell in cells:
        rates = " ".join(f"{cell.bytes_per_second[name].median / 1e9:>8.2f}" for name in names)
        beside = " ".join(
            f"{ratio.median:>6.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
            for ratio in (cell.packed_to_bound, cell.packed_to_both, cell.cached_to_mapped)
        )
        lines.append(f"{cell.case.window:>6} {cell.case.stride:>6} {rates} {beside}")
    return "\n".join([*lines, "GB of windows per second"])


def as_json(
    found: Packed,
    cells: Sequence[Cell],
    epoch: dict[str, str],
    num_rows: int,
    num_channels: int,
    rounds: int,
    seconds: float,
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "packed",
        "num_rows": num_rows,
        "num_channels": num_channels,
        "codec": found.codec,
        "ratio": found.ratio,
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads(), "decoding": threads_for(place_of(str(found.packed)))},
        "rounds": rounds,
        "seconds": seconds,
        "digests": epoch,
        "cells": [asdict(cell) for cell in cells],
    }
