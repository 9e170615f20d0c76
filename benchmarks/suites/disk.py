"""`python -m benchmarks disk`: a log that does not fit in memory, compared with reading its files."""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.options import JSON, count, folder, listed
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import Sizes
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread
from longstride.storage.cli.group import example

__all__ = ["Disk", "FromDisk", "disk"]

READ_BYTES = 2**23

DISK = """\
## Larger than memory

Windows that do not overlap, so that each row is served once an epoch, from a store of {gigabytes:.1f} GB in a
process that has {limit}, page cache included. This is compared with reading the same files from end to end. Both
begin with no part of the files in memory.

    python -m benchmarks disk
"""


@dataclass(frozen=True, kw_only=True)
class FromDisk:
    """Windows that do not overlap, all of a store, from a cold start."""

    window: int
    num_rows: int
    num_channels: int
    num_bytes: int
    """Bytes of the values in the store."""
    limit_megabytes: int | None
    """Limit on the process, page cache included; None where the machine allows no limit."""
    read_bytes_per_second: Spread
    """Reading the files one after the other."""
    served_bytes_per_second: Spread
    ratio: Spread
    """Served to read, round by round."""
    peak_megabytes: float
    """The process's own memory."""


@dataclass(frozen=True, kw_only=True)
class Disk(Result):
    """Cold starts of several lengths of window."""

    BENCHMARK = "disk"
    INTRODUCTION = DISK
    batch: int
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    rounds: int
    windows: tuple[FromDisk, ...] = ()

    def words(self) -> dict[str, Any]:
        """The size of the log, and the limit."""
        first = self.windows[0]
        limit = f"{first.limit_megabytes:,} MB" if first.limit_megabytes else "no limit"
        return {"gigabytes": first.num_bytes / 1e9, "limit": limit}

    def table(self) -> Table:
        """A row a length of window."""
        return Table.of(
            self.windows,
            {
                "K": lambda row: f"{row.window}",
                "read MB/s": lambda row: f"{row.read_bytes_per_second.median / 1e6:,.0f}",
                "served MB/s": lambda row: f"{row.served_bytes_per_second.median / 1e6:,.0f}",
                "served to read": lambda row: spread(row.ratio),
                "own memory": lambda row: f"{row.peak_megabytes:.0f} MB",
            },
        )


@click.command(epilog=example("python -m benchmarks disk --rows 32000000 --limit 1000"))
@count("--rows", 32_000_000, "Rows of the store.")
@count("--channels", 32, "Channels of the store.")
@listed("--windows", "64,512", "Window lengths K; the stride is K.")
@count("--batch", 256, "Windows of a batch.")
@count("--limit", 1000, "MB of memory, page cache included.")
@count("--rounds", 3, "Measurements of each way.")
@folder("build/windows")
@JSON
def disk(
    rows: int,
    channels: int,
    windows: Sequence[int],
    limit: int,
    folder: Path,
    json_path: Path | None,
    **options: Any,
) -> None:
    """A log larger than memory: each row served once, compared with reading the files from end to end.

    Both begin with no part of the files in memory, in turn. The process has --limit MB, page cache included,
    where the machine lets us set that (a memory cgroup). The store is made in --folder once, and kept.
    """
    from benchmarks.data.stores import prepare_store

    asked = Disk(**options)
    store = prepare_store(folder, rows, channels)
    found = (_measure(store, Sizes(window, window, asked.batch), limit, asked.rounds) for window in windows)
    replace(asked, windows=tuple(found)).show(json_path)


def _measure(store: Path, sizes: Sizes, limit_megabytes: int, rounds: int) -> FromDisk:
    """Read and serve in turn, each from files that are not in memory."""
    from benchmarks.harness.isolated import run_isolated
    from longstride.storage.open import open_mapped

    values = open_mapped(store).values
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "rates.json")
        arguments = (store, sizes, limit_megabytes, rounds, out)
        imports = ("benchmarks.peers.longstride",)
        done = run_isolated(_measure_limited, *arguments, imports=imports, own_memory=True)
        limited, read, served = json.loads(out.read_text())
    return FromDisk(
        window=sizes.window,
        num_rows=values.shape[0],
        num_channels=values.shape[1],
        num_bytes=values.nbytes,
        limit_megabytes=limit_megabytes if limited else None,
        read_bytes_per_second=Spread.of(read),
        served_bytes_per_second=Spread.of(served),
        ratio=Spread.ratio(served, read),
        peak_megabytes=done.peak_megabytes,
    )


def _measure_limited(store: Path, sizes: Sizes, limit_megabytes: int, rounds: int, out: Path) -> None:
    from benchmarks.harness.memory_limit import limited_memory
    from benchmarks.harness.page_cache import evict
    from longstride.storage.open import open_mapped

    files = open_mapped(store).chunk_files("values")
    read, served = [], []
    with limited_memory(limit_megabytes) as limited:
        for epoch in range(rounds):
            evict(files)
            read.append(_read(files))
            evict(files)
            served.append(_serve(store, sizes, epoch))
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


def _serve(store: Path, sizes: Sizes, epoch: int) -> float:
    """Bytes per second of windows that do not overlap, over one epoch; each row is served once."""
    from benchmarks.peers.longstride import loader_of

    loader = loader_of(store, sizes)
    loader.set_epoch(epoch)
    num_bytes = 0
    begin = time.perf_counter()
    for served in loader:
        num_bytes += served.values.nbytes
    return num_bytes / (time.perf_counter() - begin)
