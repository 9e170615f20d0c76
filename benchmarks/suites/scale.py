"""`python -m benchmarks scale`: the same loader on logs of any length, and on one that does not fit in memory."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.options import JSON, count, folder, listed, seconds
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread, interleave
from longstride.storage.cli.group import example

__all__ = ["Scale", "Size", "scale"]

SCALE = """\
## Length of the log

Windows of K = {window} at stride {stride}, B = {batch}, from logs of {num_channels} channels that differ only in
length: their files are sparse, read as zeros and take no space. Each first batch is measured in a process of its
own, from opening the store. Own memory is that of the process without the pages of mapped files. A log of 100,000
rows is 13 MB and lies in the processor's cache: compare the logs of a million rows and more.

    python -m benchmarks scale
"""


@dataclass(frozen=True, kw_only=True)
class Size:
    """One length of log."""

    num_rows: int
    first_batch_seconds: Spread
    """From opening the store to the first batch in hand."""
    peak_megabytes: float
    """The process's own memory while it serves; pages of mapped files belong to the system."""
    windows_per_second: Spread
    ratio_to_first: Spread
    """To the first length given, round by round."""


@dataclass(frozen=True, kw_only=True)
class Scale(Result):
    """The loader at several lengths."""

    BENCHMARK = "scale"
    INTRODUCTION = SCALE
    window: int
    stride: int
    batch: int
    num_channels: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    rounds: int
    seconds: float
    sizes: tuple[Size, ...] = ()

    def table(self) -> Table:
        """A row a length."""
        return Table.of(
            self.sizes,
            {
                "rows": lambda size: f"{size.num_rows:,}",
                "first batch": lambda size: f"{spread(size.first_batch_seconds)} s",
                "own memory": lambda size: f"{size.peak_megabytes:.0f} MB",
                "windows/s": lambda size: f"{size.windows_per_second.median:,.0f}",
                "times the shortest": lambda size: spread(size.ratio_to_first),
            },
        )


@click.command(epilog=example("python -m benchmarks scale --rows 4000000,1000000000 --json scale.json"))
@listed("--rows", "4000000,1000000000", "Rows of the logs.")
@count("--channels", 32, "Channels of the logs.", "num_channels")
@count("--window", 512, "Rows of a window.")
@count("--stride", 1, "Rows between starts.")
@count("--batch", 256, "Windows of a batch.")
@count("--rounds", 7, "Measurements of a log.")
@seconds(2.0)
@folder("build/scale")
@JSON
def scale(rows: Sequence[int], folder: Path, json_path: Path | None, **options: Any) -> None:
    """First batch, memory and windows per second by length of the log.

    The logs are sparse files, which read as zeros and take no room on disk: only their length differs.
    """
    asked = Scale(**options)
    replace(asked, sizes=tuple(_measure(rows, folder, asked))).show(json_path)


def _measure(lengths: Sequence[int], folder: Path, asked: Scale) -> Iterator[Size]:
    """Measure the lengths in turn."""
    from tqdm import tqdm

    from benchmarks.data.sparse import sparse_store
    from benchmarks.harness.isolated import run_isolated
    from benchmarks.peers.longstride import loader_of, serve

    channels, case = asked.num_channels, Sizes(asked.window, asked.stride, asked.batch)
    stores = {rows: sparse_store(folder / f"sparse-{rows}x{channels}.zarr", rows, channels) for rows in lengths}
    imports = ("benchmarks.peers.longstride",)
    firsts: dict[int, list[float]] = {rows: [] for rows in stores}
    for _ in tqdm(range(asked.rounds), desc="open", unit="round", disable=None):
        for rows, store in stores.items():
            firsts[rows].append(run_isolated(_first_batch, store, case, imports=imports).seconds)
    whole = asked.rounds * asked.seconds
    peaks = {
        rows: run_isolated(_serve_for, store, case, whole, imports=imports, own_memory=True).peak_megabytes
        for rows, store in stores.items()
    }
    ways = {str(rows): serve(loader_of(store, case)) for rows, store in stores.items()}
    rates = interleave(ways, rounds=asked.rounds, seconds=asked.seconds)
    for rows in stores:
        yield Size(
            num_rows=rows,
            first_batch_seconds=Spread.of(firsts[rows]),
            peak_megabytes=peaks[rows],
            windows_per_second=Spread.of(rates[str(rows)]),
            ratio_to_first=Spread.ratio(rates[str(rows)], rates[str(lengths[0])]),
        )


def _first_batch(store: Path, case: Sizes) -> None:
    from benchmarks.peers.longstride import loader_of

    next(iter(loader_of(store, case)))


def _serve_for(store: Path, case: Sizes, seconds: float) -> None:
    from benchmarks.peers.longstride import loader_of, serve

    end = time.perf_counter() + seconds
    for _ in serve(loader_of(store, case)):
        if time.perf_counter() > end:
            return
