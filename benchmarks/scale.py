"""`python -m benchmarks scale`: the same loader on logs of any length, and on one that does not fit in memory."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.alone import run_alone
from benchmarks.sparse import sparse_store
from benchmarks.stores import SEED
from benchmarks.timing import Spread, interleave
from longstride import WindowLoader

__all__ = ["Case", "Size", "as_json", "measure", "render"]


@dataclass(frozen=True)
class Case:
    """What is served."""

    window: int
    stride: int
    batch: int
    num_channels: int


@dataclass(frozen=True, kw_only=True)
class Size:
    """One length of log."""

    num_rows: int
    first_batch_seconds: Spread
    """From opening the store to the first batch in hand."""
    peak_megabytes: float
    """Of the process's own memory while it serves; pages of mapped files are the system's."""
    windows_per_second: Spread
    ratio_to_first: Spread
    """To the first length given, round by round."""


def measure(sizes: Sequence[int], case: Case, folder: Path, *, rounds: int, seconds: float) -> list[Size]:
    """Measure the lengths in turn. The stores are made in `folder`: their files are holes and take no room."""
    stores = {
        num_rows: sparse_store(folder / f"sparse-{num_rows}x{case.num_channels}.zarr", num_rows, case.num_channels)
        for num_rows in sizes
    }
    imports = ("benchmarks.scale",)
    firsts: dict[int, list[float]] = {num_rows: [] for num_rows in sizes}
    for _ in tqdm(range(rounds), desc="open", unit="round", disable=None):
        for num_rows, store in stores.items():
            firsts[num_rows].append(run_alone(_first_batch, store, case, imports=imports).seconds)
    peaks = {
        num_rows: run_alone(_serve_for, store, case, rounds * seconds, imports=imports, own_memory=True)
        for num_rows, store in stores.items()
    }
    ways = {str(num_rows): _serve(store, case) for num_rows, store in stores.items()}
    rates = interleave(ways, rounds=rounds, seconds=seconds)
    return [
        Size(
            num_rows=num_rows,
            first_batch_seconds=Spread.of(firsts[num_rows]),
            peak_megabytes=peaks[num_rows].peak_megabytes,
            windows_per_second=Spread.of(rates[str(num_rows)]),
            ratio_to_first=Spread.ratio(rates[str(num_rows)], rates[str(sizes[0])]),
        )
        for num_rows in sizes
    ]


def _loader(store: Path, case: Case) -> WindowLoader:
    return WindowLoader(store, window=case.window, stride=case.stride, batch_size=case.batch, seed=SEED)


def _first_batch(store: Path, case: Case) -> None:
    next(iter(_loader(store, case)))


def _serve(store: Path, case: Case) -> Iterator[int]:
    loader = _loader(store, case)
    while True:
        for batch in loader:
            yield len(batch.values)


def _serve_for(store: Path, case: Case, seconds: float) -> None:
    end = time.perf_counter() + seconds
    for _ in _serve(store, case):
        if time.perf_counter() > end:
            return


def render(figures: Sequence[Size]) -> str:
    """Table for a terminal."""
    lines = [f"{'rows':>15} {'first batch':>24} {'own memory':>11} {'windows/s':>11} {'times the first':>22}"]
    for size in figures:
        first, ratio = size.first_batch_seconds, size.ratio_to_first
        lines.append(
            f"{size.num_rows:>15,} {first.median:>7.2f} s ({first.minimum:.2f} to {first.maximum:.2f})"
            f" {size.peak_megabytes:>8.0f} MB {size.windows_per_second.median:>11,.0f}"
            f" {ratio.median:>6.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
        )
    return "\n".join(lines)


def as_json(figures: Sequence[Size], case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "scale",
        **asdict(case),
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads()},
        "rounds": rounds,
        "seconds": seconds,
        "sizes": [asdict(size) for size in figures],
    }
