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
    """The loader at several lengths, also of .npy files if they were asked for."""

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
    arrays: tuple[Size, ...] | None = None
    """The same rows as .npy files; compared with the first store, too."""

    def table(self) -> Table:
        """A row a length."""
        arrays = self.arrays or ()
        return Table.of(
            (*self.sizes, *arrays),
            {
                "rows": lambda size: f"{size.num_rows:,}" + (" (.npy)" if size in arrays else ""),
                "first batch": lambda size: f"{spread(size.first_batch_seconds)} s",
                "own memory": lambda size: f"{size.peak_megabytes:.0f} MB",
                "windows/s": lambda size: f"{size.windows_per_second.median:,.0f}",
                "times the shortest": lambda size: spread(size.ratio_to_first),
            },
        )


@click.command(epilog=example("python -m benchmarks scale --rows 4000000,1000000000 --json scale.json"))
@listed("--rows", "4000000,1000000000", "Rows of the logs.")
@click.option("--arrays", is_flag=True, help="Measure .npy files of the same rows as well.")
@count("--channels", 32, "Channels of the logs.", "num_channels")
@count("--window", 512, "Rows of a window.")
@count("--stride", 1, "Rows between starts.")
@count("--batch", 256, "Windows of a batch.")
@count("--rounds", 7, "Measurements of a log.")
@seconds(2.0)
@folder("build/scale")
@JSON
def scale(rows: Sequence[int], arrays: bool, folder: Path, json_path: Path | None, **options: Any) -> None:
    """First batch, memory and windows per second by length of the log.

    The logs are sparse files, which read as zeros and take no room on disk: only their length differs.
    """
    from benchmarks.data.sparse import sparse_array, sparse_store

    asked = Scale(**options)
    kinds = [(".zarr", sparse_store), *([(".npy", sparse_array)] if arrays else [])]
    logs = [
        (length, make(folder / f"sparse-{length}x{asked.num_channels}{kind}", length, asked.num_channels))
        for kind, make in kinds
        for length in rows
    ]
    found = tuple(_measure(logs, asked))
    replace(asked, sizes=found[: len(rows)], arrays=found[len(rows) :] or None).show(json_path)


def _measure(logs: Sequence[tuple[int, Path]], asked: Scale) -> Iterator[Size]:
    """Measure logs, each with its number of rows, in turn."""
    from tqdm import tqdm

    from benchmarks.harness.isolated import run_isolated
    from benchmarks.peers.longstride import loader_of, serve

    case = Sizes(asked.window, asked.stride, asked.batch)
    paths = [path for _, path in logs]
    imports = ("benchmarks.peers.longstride",)
    firsts: dict[Path, list[float]] = {path: [] for path in paths}
    for _ in tqdm(range(asked.rounds), desc="open", unit="round", disable=None):
        for path in paths:
            firsts[path].append(run_isolated(_first_batch, path, case, imports=imports).seconds)
    whole = asked.rounds * asked.seconds
    peaks = {
        path: run_isolated(_serve_for, path, case, whole, imports=imports, own_memory=True).peak_megabytes
        for path in paths
    }
    ways = {str(path): serve(loader_of(path, case)) for path in paths}
    rates = interleave(ways, rounds=asked.rounds, seconds=asked.seconds)
    for num_rows, path in logs:
        yield Size(
            num_rows=num_rows,
            first_batch_seconds=Spread.of(firsts[path]),
            peak_megabytes=peaks[path],
            windows_per_second=Spread.of(rates[str(path)]),
            ratio_to_first=Spread.ratio(rates[str(path)], rates[str(paths[0])]),
        )


def _first_batch(log: Path, case: Sizes) -> None:
    from benchmarks.peers.longstride import loader_of

    next(iter(loader_of(log, case)))


def _serve_for(log: Path, case: Sizes, seconds: float) -> None:
    from benchmarks.peers.longstride import loader_of, serve

    end = time.perf_counter() + seconds
    for _ in serve(loader_of(log, case)):
        if time.perf_counter() > end:
            return
