"""`python -m benchmarks windows`: windows per second by K and stride, beside the ceiling and what people use."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.ceiling import fair_copy
from benchmarks.invariants import Invariant
from benchmarks.peers.memmap import memmap_batches
from benchmarks.timing import Spread, interleave
from pipeline.loading import WindowLoader
from storage.format import StoreLayout
from storage.segments import Segments
from storage.store import SeriesStore
from storage.writer import StoreWriter

__all__ = ["Case", "Cell", "measure", "prepare", "render"]

SEED = 0
OPENINGS = 3
WORKERS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is served: windows of `window` rows, `stride` apart, `batch` at a time."""

    window: int
    stride: int
    batch: int
    with_peer: bool
    """Whether the memmap peer is measured too."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Figures of one case."""

    case: Case
    windows_per_second: Spread
    bytes_per_second: Spread
    copy_bytes_per_second: Spread
    ratio_to_copy: Spread
    """Ours over the fair copy, round by round."""
    first_batch_seconds: Spread
    """From opening the store to the first batch in hand, several times."""
    peer_windows_per_second: Spread | None
    peer_workers: int | None
    ratio_to_peer: Spread | None


def cases(windows: list[int], batch: int) -> list[Case]:
    """Stride 1, K/8 and K for each K; the peer at K = 64 and 512, stride 1."""
    return [
        Case(window=window, stride=stride, batch=batch, with_peer=stride == 1 and window in (64, 512))
        for window in windows
        for stride in sorted({1, max(1, window // 8), window})
    ]


def prepare(folder: Path, num_rows: int, num_channels: int) -> tuple[Path, Path]:
    """Make the store and the raw file of the same values that the peer reads, unless they are there; both warm."""
    store = prepare_store(folder, num_rows, num_channels)
    raw = store.with_suffix(".f32")
    values = SeriesStore.open(store).values
    if not raw.exists() or raw.stat().st_size != values.nbytes:
        values.tofile(raw)
    values.sum()
    np.memmap(raw, np.float32, "r").sum()
    return store, raw


def prepare_store(folder: Path, num_rows: int, num_channels: int) -> Path:
    """Make a store of random values, unless it is there."""
    store = folder / f"windows-{num_rows}x{num_channels}.zarr"
    if (store / "zarr.json").exists():
        return store
    folder.mkdir(parents=True, exist_ok=True)
    layout = StoreLayout(channels=tuple(f"c{index}" for index in range(num_channels)))
    generator = np.random.default_rng(SEED)
    with StoreWriter(store, layout) as writer:
        for row in tqdm(range(0, num_rows, layout.chunk_rows), desc="prepare", unit="chunk", disable=None):
            rows = min(layout.chunk_rows, num_rows - row)
            seconds = np.arange(row, row + rows, dtype=np.int64) * 10**9
            writer.append(seconds, generator.standard_normal((rows, num_channels), np.float32))
        writer.commit(Segments(np.array([0]), np.array([num_rows]), np.array([0])), ("",), cadence_ns=10**9)
    return store


def measure(store: Path, raw: Path, chosen: list[Case], *, rounds: int, seconds: float) -> Iterator[Cell]:
    """Measure each case, all ways of one case in turn."""
    for case in tqdm(chosen, desc="measure", unit="case", disable=None):
        yield _measure(store, raw, case, rounds, seconds)


def _measure(store: Path, raw: Path, case: Case, rounds: int, seconds: float) -> Cell:
    values = SeriesStore.open(store).values
    window_bytes = case.window * values.shape[1] * values.itemsize
    firsts = []
    for _ in range(OPENINGS):
        begin = time.perf_counter()
        ours = _serve(store, case)
        next(ours)
        firsts.append(time.perf_counter() - begin)
    ways: dict[str, Iterator[int]] = {"ours": ours, "copy": fair_copy(values, case.window, case.batch, SEED)}
    workers = None
    if case.with_peer:
        workers = _best_workers(raw, values.shape[1], case, seconds)
        ways["peer"] = _peer(raw, values.shape[1], case, workers)
    rates = interleave(ways, rounds=rounds, seconds=seconds)
    return Cell(
        case=case,
        windows_per_second=Spread.of(rates["ours"]),
        bytes_per_second=Spread.of([rate * window_bytes for rate in rates["ours"]]),
        copy_bytes_per_second=Spread.of([rate * window_bytes for rate in rates["copy"]]),
        ratio_to_copy=Spread.ratio(rates["ours"], rates["copy"]),
        first_batch_seconds=Spread.of(firsts),
        peer_windows_per_second=Spread.of(rates["peer"]) if "peer" in rates else None,
        peer_workers=workers,
        ratio_to_peer=Spread.ratio(rates["ours"], rates["peer"]) if "peer" in rates else None,
    )


def _serve(store: Path, case: Case) -> Iterator[int]:
    loader = WindowLoader(store, window=case.window, stride=case.stride, batch_size=case.batch, seed=SEED)
    epoch = 0
    while True:
        loader.set_epoch(epoch)
        for batch in loader:
            yield len(batch.values)
        epoch += 1


def _peer(raw: Path, num_channels: int, case: Case, workers: int) -> Iterator[int]:
    batches = memmap_batches(raw, num_channels, case.window, case.stride, case.batch, workers, SEED)
    return (len(values) for values in batches)


def _best_workers(raw: Path, num_channels: int, case: Case, seconds: float) -> int:
    rates = {
        workers: interleave({"peer": _peer(raw, num_channels, case, workers)}, rounds=1, seconds=seconds)["peer"][
            0
        ]
        for workers in WORKERS
    }
    return max(rates, key=lambda workers: rates[workers])


def render(cells: list[Cell]) -> str:
    """Table for a terminal."""
    lines = [
        f"{'K':>6} {'stride':>6} {'batch':>6} {'windows/s':>12} {'GB/s':>6} {'copy GB/s':>9} "
        f"{'ratio to copy':>20} {'first batch':>11} {'memmap windows/s':>24} {'times memmap':>12}"
    ]
    for cell in cells:
        ratio = cell.ratio_to_copy
        peer, times = "-", "-"
        if cell.peer_windows_per_second and cell.ratio_to_peer:
            peer = f"{cell.peer_windows_per_second.median:,.0f} ({cell.peer_workers} workers)"
            times = f"{cell.ratio_to_peer.median:.1f}"
        lines.append(
            f"{cell.case.window:>6} {cell.case.stride:>6} {cell.case.batch:>6}"
            f" {cell.windows_per_second.median:>12,.0f} {cell.bytes_per_second.median / 1e9:>6.2f}"
            f" {cell.copy_bytes_per_second.median / 1e9:>9.2f}"
            f" {ratio.median:>6.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
            f" {cell.first_batch_seconds.median:>9.3f} s {peer:>24} {times:>12}"
        )
    return "\n".join(lines)


def as_json(
    cells: list[Cell], invariants: list[Invariant], num_rows: int, num_channels: int, rounds: int, seconds: float
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "windows",
        "num_rows": num_rows,
        "num_channels": num_channels,
        "seed": SEED,
        "rounds": rounds,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "cells": [asdict(cell) for cell in cells],
        "invariants": [asdict(invariant) for invariant in invariants],
    }
