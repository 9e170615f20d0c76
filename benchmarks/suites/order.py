"""`python -m benchmarks order`: the seven promises of docs/order.md, checked on a store; with a digest."""

import hashlib
import json
import tracemalloc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import JSON, count, folder
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.tables import Table
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from longstride import WindowLoader

__all__ = ["Invariant", "Order", "order"]

WORLD_SIZES = (1, 2, 4, 8)
NUM_WORKERS = (0, 1, 2, 4)
EPOCH = 1
BATCH = 240
"""A multiple of all world sizes, and of 48 lanes."""

ORDER = """\
## What the order promises

Windows of {window} rows, {stride} apart, of a log of {num_rows:,} rows: what was found, and a digest of the order
over all ranks and workers ([the promises](order.md)).

    python -m benchmarks order
"""


@dataclass(frozen=True)
class Invariant:
    """One promise."""

    promise: str
    found: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Order(Result):
    """What was found of each promise."""

    BENCHMARK = "order"
    INTRODUCTION = ORDER
    num_rows: int
    window: int
    stride: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    invariants: tuple[Invariant, ...] = ()

    def table(self) -> Table:
        """A row a promise."""
        return Table.of(
            self.invariants,
            {
                "promise": lambda row: row.promise,
                "": lambda row: "holds" if row.holds else "**broken**",
                "found": lambda row: row.found,
            },
        )


@click.command(epilog=example("python -m benchmarks order --window 64 --stride 8 --json order.json"))
@count("--rows", 4_000_000, "Rows of the store.", "num_rows")
@count("--channels", 32, "Channels of the store.")
@count("--window", 64, "Rows of a window.")
@count("--stride", 8, "Rows between starts.")
@folder("build/windows")
@JSON
def order(channels: int, folder: Path, json_path: Path | None, **options: Any) -> None:
    """Whether the order keeps its seven promises: what an epoch serves, by any ranks and workers.

    With a digest of the order. The store is made in --folder once, and kept.
    """
    from benchmarks.data.stores import prepare_store

    asked = Order(**options)
    store = prepare_store(folder, asked.num_rows, channels)
    found = _check_all(store, Sizes(asked.window, asked.stride, BATCH))
    replace(asked, invariants=tuple(found)).show(json_path)


def _check_all(store: Path, sizes: Sizes) -> list[Invariant]:
    with warnings.catch_warnings():
        # More workers than cores, and than a log of this size needs, on purpose.
        warnings.filterwarnings("ignore", "This DataLoader will create|num_workers: ")
        return [found for shuffle in (True, False) for found in _check(store, sizes, shuffle)]


def _check(store: Path, sizes: Sizes, shuffle: bool) -> Iterator[Invariant]:
    import numpy as np

    from benchmarks.harness.reading import overlapping_pairs, rows_covered, rows_read
    from benchmarks.peers.longstride import loader_of

    order = "shuffled" if shuffle else "in row order"

    def ranks(world_size: int, num_workers: int = 0) -> "list[WindowLoader]":
        options = {"shuffle": shuffle, "world_size": world_size, "num_workers": num_workers}
        loaders = [loader_of(store, sizes, rank=rank, **options) for rank in range(world_size)]
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
        pairs = [overlapping_pairs(batch, sizes.window) for batch in batches]
        free = pairs.count(0) / len(pairs)
        found = f"{np.mean(pairs):.4f} overlapping pairs a batch, {free:.2%} of batches free"
        yield Invariant("hardly two windows of a batch overlap", found, free >= 0.99)

    middle = len(loader) // 2
    state = _state_at(ranks(1)[0], middle)
    resumed = ranks(4, 1)
    for rank in resumed:
        rank.load_state_dict(json.loads(json.dumps(state)))
    same = _digest(_batches(resumed)) == _digest(batches[middle:])
    bytes_held = [len(json.dumps(_state_at(ranks(1)[0], step))) for step in (1, middle)]
    found = f"stopped at step {middle} of {len(loader)}, resumed on 4 ranks; a state has {bytes_held[1]} bytes"
    yield Invariant(
        f"resumes at any step, on other ranks, {order}", found, same and max(bytes_held) - min(bytes_held) < 8
    )

    if shuffle:
        tracemalloc.start()
        pool = loader.dataset.order.draw(EPOCH, 0, 0, 1)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        found = f"{peak / 1e6:.1f} MB for a pool of {pool.size:,} windows"
        yield Invariant("memory of a pool, not of all windows", found, peak < 200 * max(pool.size, 100_000))

        rows = sum(rows_read(rank, EPOCH) for rank in ranks(8))
        unique = rows_covered(served, sizes.window)
        found = f"8 ranks read {rows / unique:.3f} times the rows there are"
        yield Invariant("ranks read rows of their own", found, rows <= 1.05 * unique)


def _batches(ranks: "list[WindowLoader]") -> "NDArray[np.int64]":
    """Starts of what all ranks serve, each batch sorted, (steps, B)."""
    import numpy as np

    served = [np.array([batch.start.tolist() for batch in rank]) for rank in ranks]
    return np.sort(np.hstack(served), axis=1)


def _state_at(loader: "WindowLoader", steps: int) -> dict[str, object]:
    batches = iter(loader)
    for _ in range(steps):
        next(batches)
    return loader.state_dict()


def _digest(batches: "NDArray[np.int64]") -> str:
    return hashlib.sha256(batches.astype("<i8").tobytes()).hexdigest()[:12]
