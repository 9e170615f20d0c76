"""The seven promises of docs/order.md, checked on a store: what was found, and one digest of the order for all."""

import hashlib
import json
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.stores import SEED
from longstride import WindowLoader

__all__ = ["Invariant", "as_json", "check", "render", "rows_read"]

WORLD_SIZES = (1, 2, 4, 8)
NUM_WORKERS = (0, 1, 2, 4)
EPOCH = 1
BATCH = 240
"""A multiple of all world sizes, and of 48 lanes."""


@dataclass(frozen=True)
class Invariant:
    """One promise."""

    promise: str
    found: str
    holds: bool


def check(store: Path, window: int, stride: int) -> list[Invariant]:
    """Check all seven with windows of `window` rows, `stride` apart."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, on purpose
        return [found for shuffle in (True, False) for found in _check(store, window, stride, shuffle)]


def _check(store: Path, window: int, stride: int, shuffle: bool) -> Iterator[Invariant]:
    order = "shuffled" if shuffle else "in row order"

    def ranks(world_size: int, num_workers: int = 0) -> list[WindowLoader]:
        sizes: Any = {"window": window, "stride": stride, "batch_size": BATCH, "num_workers": num_workers}
        loaders = [
            WindowLoader(store, shuffle=shuffle, rank=rank, world_size=world_size, seed=SEED, **sizes)
            for rank in range(world_size)
        ]
        for loader in loaders:
            loader.set_epoch(EPOCH)
        return loaders

    (loader,) = ranks(1)
    batches = _batches([loader])
    served = np.unique(batches[batches >= 0])
    complete = len(served) == loader.num_windows - loader.num_dropped == (batches >= 0).sum()
    found = f"{len(served):,} of {loader.num_windows:,}, {loader.num_dropped} left out"
    yield Invariant(f"every window once an epoch, {order}", found, complete and loader.num_dropped < BATCH)

    digests = {_digest(_batches(ranks(size, workers))) for size in WORLD_SIZES for workers in NUM_WORKERS}
    found = f"{len(WORLD_SIZES)} x {len(NUM_WORKERS)} ways, {len(digests)} digest: {', '.join(sorted(digests))}"
    yield Invariant(f"one order for any ranks and workers, {order}", found, digests == {_digest(batches)})

    steps = {len(rank) for size in WORLD_SIZES for rank in ranks(size)}
    yield Invariant(
        f"as many steps on every rank, {order}", f"{', '.join(map(str, steps))} steps", len(steps) == 1
    )

    if shuffle:
        pairs = [_overlapping_pairs(batch, window) for batch in batches]
        free = pairs.count(0) / len(pairs)
        found = f"{np.mean(pairs):.4f} overlapping pairs a batch, {free:.2%} of batches free"
        yield Invariant("hardly two windows of a batch overlap", found, free >= 0.99)

    middle = len(loader) // 2
    state = _state_at(ranks(1)[0], middle)
    resumed = ranks(4, 1)
    for rank in resumed:
        rank.load_state_dict(json.loads(json.dumps(state)))
    same = _digest(_batches(resumed)) == _digest(batches[middle:])
    sizes = [len(json.dumps(_state_at(ranks(1)[0], step))) for step in (1, middle)]
    found = f"stopped at step {middle} of {len(loader)}, went on with 4 ranks; a state has {sizes[1]} bytes"
    yield Invariant(f"goes on at any step, on other ranks, {order}", found, same and max(sizes) - min(sizes) < 8)

    if shuffle:
        tracemalloc.start()
        pool = loader.dataset.order.draw(EPOCH, 0, 0, 1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found = f"{peak / 1e6:.1f} MB for a pool of {pool.size:,} windows"
        yield Invariant("memory of a pool, not of all windows", found, peak < 200 * max(pool.size, 100_000))

        rows = sum(rows_read(rank) for rank in ranks(8))
        unique = _rows_of(served, window)
        found = f"8 ranks read {rows / unique:.3f} times the rows there are"
        yield Invariant("ranks read rows of their own", found, rows <= 1.05 * unique)


def _batches(ranks: list[WindowLoader]) -> NDArray[np.int64]:
    """Starts of what all ranks serve, each batch sorted, (steps, B)."""
    served = [np.array([batch.start.tolist() for batch in rank]) for rank in ranks]
    return np.sort(np.hstack(served), axis=1)


def _state_at(loader: WindowLoader, steps: int) -> dict[str, object]:
    batches = iter(loader)
    for _ in range(steps):
        next(batches)
    return loader.state_dict()


def _digest(batches: NDArray[np.int64]) -> str:
    return hashlib.sha256(batches.astype("<i8").tobytes()).hexdigest()[:12]


def _overlapping_pairs(starts: NDArray[np.int64], window: int) -> int:
    return int((np.searchsorted(starts, starts + window) - np.arange(len(starts)) - 1).sum())


def rows_read(rank: WindowLoader) -> int:
    """Rows that a rank reads in an epoch, each counted once a pool."""
    dataset = rank.dataset
    step = rows = 0
    while step < len(rank):
        ranges = dataset.order.rows(EPOCH, step, dataset.rank, dataset.world_size)
        rows += int((ranges[:, 1] - ranges[:, 0]).sum())
        step = dataset.order.run_of(step)[1]
    return rows


def _rows_of(starts: NDArray[np.int64], window: int) -> int:
    """Rows that windows cover, from their sorted starts."""
    return int(np.minimum(np.diff(starts, append=starts[-1] + window), window).sum())


def render(invariants: list[Invariant]) -> str:
    """Table for a terminal."""
    return "\n".join(
        f"{'holds' if row.holds else 'BROKEN':<7} {row.promise:<55} {row.found}" for row in invariants
    )


def as_json(invariants: list[Invariant], num_rows: int, window: int, stride: int) -> dict[str, Any]:
    """Everything needed to read what was found, or to look again."""
    return {
        "benchmark": "order",
        "num_rows": num_rows,
        "window": window,
        "stride": stride,
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads()},
        "invariants": [asdict(invariant) for invariant in invariants],
    }
