"""`python -m benchmarks windows`: windows per second by K and stride, compared with every peer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.harness.options import AGAINST, JSON, count, folder, listed, seconds
from benchmarks.harness.registry import COPY, OURS, PEERS, ours_in, peers_named
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import strides_of
from benchmarks.harness.tables import Table, machine_line, spread
from benchmarks.suites.cells import (
    Cell,
    best_peer,
    costs_of,
    most_served,
    rates_by_window,
    summary,
    table_of,
)
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    from benchmarks.harness.case import Case

__all__ = ["Reading", "Windows", "merged", "reading_of", "windows"]

TARGET = 4
"""Times the best peer, where windows overlap."""

WINDOWS = """\
## Windows{title}

Windows of K rows served shuffled, B = {batch}, from a {state} log of {num_rows:,} rows of {num_channels} float32
channels ({megabytes:,.0f} MB), by {threads} threads. The copy is the ceiling: it copies random contiguous slices
of the same size, from the same array, into the same kind of buffers. The best peer is the fastest of those
measured. Own memory is that of all processes of a way, without the pages of mapped files: the system can take
those back. CPU is the processor time of all its processes.

    python -m benchmarks windows{flag} --rows {num_rows}
"""

COLD = """\
A turn begins with opening the log, and no part of the log is in memory then. Longstride asks for the rows of a
pool before it needs them. A loader that only touches a row waits for {kib:,} KB around it (`read_ahead_kb` of this
disk). So much is read that is not served, unless the log is so small that soon all of it is in memory. The same is
true of the copy: it is not a ceiling here.
"""

SHORT = """\
## Where Longstride misses its target

The target is {target} times the speed of the best peer where windows overlap (stride <= K / 8), and the same speed
elsewhere. The last column is the speed of the copy compared with the same peer. No loader can be much faster than
the copy; only where batches are small can a loader copy several batches in one call, as Longstride does. The copy
itself is less than {target} times as fast as three peers: `unfold` copies whole windows from memory with all
threads, and its log has to fit in memory; the threads of `spdl` and `grain` copy from Longstride's own mapped
view. Longstride and `unfold` make the same copy: `unfold` copies to fresh memory, and Longstride's order, which
keeps overlapping windows out of a batch, takes longer to draw than a random one. Where the range includes 1,
neither is clearly faster.
"""

EVERY_WAY = """\
### Every way, windows/s

Each way runs in a process and an environment of its own (`make peers`), as its documentation recommends, with the
number of workers that makes it fastest. Before it is timed, every window of an epoch is compared with the log.
`unfold` holds the whole log in memory. Where that is possible, it makes the same copy as Longstride and has no
order to keep; but it copies to fresh memory, which costs several times the copy where batches are large.
"""

WRITTEN = """\
{names} read windows that were written to files beforehand. They are timed on half a gigabyte of such windows.
"""

MISSING = """\
This result does not include these peers (`--peers`): {names}.
"""

WHAT_IT_COSTS = """\
### What a way costs

At K = {window}, stride {stride}: seconds to the first batch; processor seconds of all processes of the way for
each gigabyte of windows; its own memory; and the disk space that all windows of this log take, for a way that
writes them to files beforehand.
"""

READING = """\
### What is read and sent

Counted over an epoch: the rows that Longstride reads (each once in a pool) divided by the rows of the log; and,
where windows are made on a device, the bytes that are sent there for each window, compared with the bytes of a
window.
"""


@dataclass(frozen=True)
class Reading:
    """What Longstride reads, and sends to a device, for a case, counted over an epoch."""

    window: int
    stride: int
    rows_read_to_unique: float
    bytes_to_device_a_window: float
    bytes_of_a_window: int


@dataclass(frozen=True, kw_only=True)
class Windows(Result):
    """All ways in some cases."""

    BENCHMARK = "windows"
    seed: int = SEED
    rounds: int
    seconds: float
    processes: int | None = None
    """None: of a result that is older than they are."""
    cold: bool
    read_around_kib: int | None = None
    threads: dict[str, int] = field(default_factory=torch_threads)
    cells: tuple[Cell, ...] = ()
    reading: tuple[Reading, ...] = ()

    def section(self) -> str:
        """Section of docs/benchmark-tables.md."""
        cells = sorted(self.cells, key=lambda cell: cell.case)
        ways = list(dict.fromkeys(cell.way for cell in cells))
        first = cells[0]
        introduction = WINDOWS.format(
            title=", cold" if self.cold else "",
            state="cold" if self.cold else "warm",
            flag=" --cold" if self.cold else "",
            megabytes=first.num_rows * first.num_channels * 4 / 1e6,
            threads=self.threads["torch"],
            **{name: getattr(first, name) for name in ("batch", "num_rows", "num_channels")},
        )
        parts = [introduction, machine_line(self), "", summary(cells).markdown(), ""]
        if missing := [name for name in PEERS if name not in ways]:
            parts.append(MISSING.format(names=", ".join(missing)))
        if self.read_around_kib:
            parts.append(COLD.format(kib=self.read_around_kib))
        if len(ways) > 3:
            written = [f"`{name}`" for name in ways if name in PEERS and PEERS[name].room == "written"]
            parts += [EVERY_WAY, *([WRITTEN.format(names=", ".join(written))] if written else [])]
            parts += [f"{rates.markdown()}\n" for rates in rates_by_window(cells)]
            window, stride = case = most_served(cells)
            parts += [WHAT_IT_COSTS.format(window=window, stride=stride), costs_of(cells, case).markdown(), ""]
        if self.reading:
            parts += [READING, _read(self.reading).markdown(), ""]
        return "\n".join(parts)

    def shortfall(self) -> str:
        """Cases in which Longstride is slower than its target, with the speed of the copy."""
        rows = []
        for cell in sorted(self.cells, key=lambda cell: cell.case):
            peer = best_peer(self.cells, cell.case) if cell.way == COPY.name else None
            if peer is None or peer.ours_to_it is None or peer.ratio_to_copy is None:
                continue
            wanted = TARGET if cell.overlaps else 1
            if peer.ours_to_it.median < wanted:
                copy = 1 / peer.ratio_to_copy.median  # of its own rounds: others are of another hour
                sizes = [f"{cell.window:,}", f"{cell.stride:,}"]
                rows.append([*sizes, peer.way, f"{wanted}", spread(peer.ours_to_it), f"{copy:.2f}"])
        head = ["K", "stride", "best peer", "target", "Longstride", "the copy"]
        return "\n".join([SHORT.format(target=TARGET), Table(head, rows).markdown(), ""]) if rows else ""

    def table(self) -> Table:
        """All that was measured."""
        return table_of(self.cells)


def merged(results: Mapping[str, Result]) -> dict[str, Result]:
    """Results by file name; those of this benchmark that differ in their cells alone are one, by the first's name.

    Ours and the fair copy are in each of them: those of the first that has the case are kept.
    """
    found: dict[str, Result] = {}
    firsts: dict[str, str] = {}
    for name, result in results.items():
        first = name
        if isinstance(result, Windows):
            same = replace(result, rounds=0, seconds=0, processes=None, cells=(), reading=())
            first = firsts.setdefault(repr(same), name)
            if first != name:
                result = _joined(found[first], result)
        found[first] = result
    return found


def _joined(first: Result, other: Windows) -> Windows:
    assert isinstance(first, Windows)
    cells = {(cell.way, cell.case): cell for cell in first.cells}
    cells |= {key: cell for cell in other.cells if (key := (cell.way, cell.case)) not in cells}
    reading = {(row.window, row.stride): row for row in (*other.reading, *first.reading)}
    return replace(first, cells=tuple(cells.values()), reading=tuple(reading.values()))


def _read(found: Sequence[Reading]) -> Table:
    head = ["K", "stride", "rows read to rows", "bytes a window to a device", "bytes of a window"]
    rows = [
        [
            f"{row.window:,}",
            f"{row.stride:,}",
            f"{row.rows_read_to_unique:.3f}",
            f"{row.bytes_to_device_a_window:,.0f}",
            f"{row.bytes_of_a_window:,}",
        ]
        for row in sorted(found, key=lambda row: (row.window, row.stride))
    ]
    return Table(head, rows)


@click.command(
    epilog=example(
        "python -m benchmarks windows --windows 16,64,512,4096 --strides 1,K/8,K/2,K --json windows.json",
        "python -m benchmarks windows --windows 64 --peers none",
    )
)
@count("--rows", 4_000_000, "Rows of the store.")
@count("--channels", 32, "Channels of the store.")
@listed("--windows", "16,64,512,4096", "Window lengths K.")
@click.option("--strides", default="1,K/8,K/2,K", show_default=True, help="Rows between starts.")
@count("--batch", 256, "Windows of a batch.")
@listed("--peers", "all", "Names with commas between them, or `none`.", str)
@AGAINST
@click.option("--cold", is_flag=True, help="Begin each measurement with nothing of the log in memory.")
@count("--rounds", 7, "Measurements of a case.")
@seconds(0.5)
@count("--processes", 3, "Processes of each way, one after the other.")
@click.option("--layout", type=click.Choice(["mapped", "packed", "s3"]), default="mapped", show_default=True)
@click.option("--codec", default="blosc-lz4", show_default=True, help="Codec of the packed layout.")
@click.option("--s3", "url", metavar="URL", help="Where in an object store to put a packed copy.")
@click.option("--link", default="", help="Speed of the link to it, for the page: 1 Gbit/s.")
@folder("build/windows")
@JSON
def windows(
    rows: int,
    channels: int,
    windows: Sequence[int],
    strides: str,
    batch: int,
    peers: Sequence[str],
    against: Path | None,
    cold: bool,
    rounds: int,
    seconds: float,
    processes: int,
    layout: str,
    codec: str,
    url: str | None,
    link: str,
    folder: Path,
    json_path: Path | None,
) -> None:
    """Windows per second by K and stride, compared with every peer whose environment `make peers` has made.

    The ceiling is the fair copy: random contiguous slices of the same size, from the same array, into the same
    kind of buffers, by the same threads. Each way is a process of its own; all ways of a case are measured in
    turn. Before that, the windows of each way are compared with the log, and its number of workers is tuned. The
    store is made in --folder once, and kept. With --against, the loader of another checkout of this project is one
    of the ways.

    With `--layout packed`, from a packed store of random walks of three decimals: compared with the slower of the
    fair copy and the decoding, and through a full cache, compared with the mapped layout. With `--layout s3`,
    epochs at stride K of its copy in an object store, compared with fetching the objects.
    """
    if layout == "s3" and not url:
        raise click.UsageError("--layout s3 needs --s3: where to put the store, such as s3://bucket/walk.zarr")
    if layout != "mapped":
        if against and layout == "s3":
            raise click.UsageError("--against measures what lies on disk, not --layout s3")
        from benchmarks.data.packed_stores import prepare_copies
        from benchmarks.suites import objects, packed

        copies = prepare_copies(folder, rows, channels, codec, url)
        if layout == "s3":
            objects.measure(copies, windows, batch, rounds=rounds, link=link).show(json_path)
        else:
            found = packed.measure(copies, windows, batch, rounds=rounds, seconds=seconds, against=against)
            found.show(json_path)
        return
    from benchmarks.data.stores import case_of, warm
    from benchmarks.harness.page_cache import read_around_kib
    from benchmarks.suites.serving import Turns, measure

    chosen: dict[Sequence[str], Sequence[str]] = {("all",): list(PEERS), ("none",): []}
    try:
        others = peers_named(chosen.get(peers, peers))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--peers") from None
    ways = [OURS, COPY, *([ours_in(against)] if against else []), *others]
    try:
        sizes = [(window, stride) for window in windows for stride in strides_of(window, strides)]
    except ValueError:
        raise click.BadParameter(f"{strides!r}: expected such as 1,K/8,K", param_hint="--strides") from None
    cases = [case_of(folder, rows, channels, window, stride, batch) for window, stride in sizes]
    store = Path(cases[0].store)
    warm(store, Path(cases[0].raw))
    turns = Turns(rounds=rounds, seconds=seconds, processes=processes, cold=cold)
    around = read_around_kib(store) if cold else None
    result = Windows(**vars(turns), read_around_kib=around, reading=tuple(map(reading_of, cases)))
    for cell in measure(cases, ways, folder, turns):
        result = replace(result, cells=(*result.cells, cell))
        if json_path:
            result.write(json_path)  # an hour's figures are not lost
    result.show(json_path)


def reading_of(case: "Case") -> Reading:
    """Count what is read and sent over an epoch."""
    from benchmarks.harness.reading import rows_covered, rows_read
    from benchmarks.peers.longstride import loader

    batches = loader(case)
    rows = rows_read(batches)
    row_bytes = case.num_channels * 4
    served = len(batches) * case.batch
    return Reading(
        window=case.window,
        stride=case.stride,
        rows_read_to_unique=rows / rows_covered(case.starts, case.window),
        bytes_to_device_a_window=rows * row_bytes / served,
        bytes_of_a_window=case.window * row_bytes,
    )
