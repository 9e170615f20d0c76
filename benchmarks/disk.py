"""`python -m benchmarks disk`: a log that does not fit in memory, beside reading its files from end to end."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.alone import run_alone
from benchmarks.evict import evict
from benchmarks.limit import limited_memory
from benchmarks.stores import SEED
from benchmarks.timing import Spread
from longstride import WindowLoader
from longstride.storage.open import open_mapped

__all__ = ["FromDisk", "as_json", "measure", "render"]

READ_BYTES = 2**23


@dataclass(frozen=True, kw_only=True)
class FromDisk:
    """Windows that do not overlap, all of a store, from a cold start."""

    window: int
    num_rows: int
    num_channels: int
    num_bytes: int
    """Of the values in the store."""
    limit_megabytes: int | None
    """On the process, page cache included; None where the machine allows none."""
    read_bytes_per_second: Spread
    """Reading the files one after the other."""
    served_bytes_per_second: Spread
    ratio: Spread
    """Served to read, round by round."""
    peak_megabytes: float
    """Of the process's own memory."""


def measure(
    store: Path, windows: Sequence[int], *, batch: int, limit_megabytes: int, rounds: int
) -> list[FromDisk]:
    """Measure each length of window, reading and serving in turn, each from files that are not in memory."""
    values = open_mapped(store).values
    figures = []
    for window in windows:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "rates.json")
            arguments = (store, window, batch, limit_megabytes, rounds, out)
            alone = run_alone(_measure_limited, *arguments, imports=("benchmarks.disk",), own_memory=True)
            limited, read, served = json.loads(out.read_text())
        figures.append(
            FromDisk(
                window=window,
                num_rows=values.shape[0],
                num_channels=values.shape[1],
                num_bytes=values.nbytes,
                limit_megabytes=limit_megabytes if limited else None,
                read_bytes_per_second=Spread.of(read),
                served_bytes_per_second=Spread.of(served),
                ratio=Spread.ratio(served, read),
                peak_megabytes=alone.peak_megabytes,
            )
        )
    return figures


def _measure_limited(store: Path, window: int, batch: int, limit_megabytes: int, rounds: int, out: Path) -> None:
    files = open_mapped(store).chunk_files("values")
    read, served = [], []
    with limited_memory(limit_megabytes) as limited:
        for epoch in range(rounds):
            evict(files)
            read.append(_read(files))
            evict(files)
            served.append(_serve(store, window, batch, epoch))
    out.write_text(json.dumps([limited, read, served]))


def _read(files: Sequence[Path]) -> float:
    """Bytes per second of reading files from end to end, as fast as this process can."""
    buffer = bytearray(READ_BYTES)
    num_bytes = 0
    begin = time.perf_counter()
    for path in files:
        with open(path, "rb", buffering=0) as file:
            while size := file.readinto(buffer):
                num_bytes += size
    return num_bytes / (time.perf_counter() - begin)


def _serve(store: Path, window: int, batch: int, epoch: int) -> float:
    """Bytes per second of windows that do not overlap, over one epoch; each row is served once."""
    loader = WindowLoader(store, window=window, stride=window, batch_size=batch, seed=SEED)
    loader.set_epoch(epoch)
    num_bytes = 0
    begin = time.perf_counter()
    for served in loader:
        num_bytes += served.values.nbytes
    return num_bytes / (time.perf_counter() - begin)


def render(figures: Sequence[FromDisk]) -> str:
    """Table for a terminal."""
    lines = [
        f"{'K':>6} {'GB':>6} {'limit':>9} {'read MB/s':>10} {'served MB/s':>12} {'ratio':>20} {'own memory':>11}"
    ]
    for row in figures:
        limit = f"{row.limit_megabytes:,} MB" if row.limit_megabytes else "none"
        ratio = row.ratio
        lines.append(
            f"{row.window:>6} {row.num_bytes / 1e9:>6.1f} {limit:>9}"
            f" {row.read_bytes_per_second.median / 1e6:>10,.0f} {row.served_bytes_per_second.median / 1e6:>12,.0f}"
            f" {ratio.median:>6.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f}) {row.peak_megabytes:>8.0f} MB"
        )
    return "\n".join(lines)


def as_json(figures: Sequence[FromDisk], batch: int, rounds: int) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "disk",
        "batch": batch,
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads()},
        "rounds": rounds,
        "windows": [asdict(row) for row in figures],
    }
