"""What a user waits for, on the first screen of docs/benchmarks.md: before, now, and beside the best peer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table, figure
from benchmarks.suites.ingest import OURS as INGEST
from benchmarks.suites.ingest import Ingest
from benchmarks.suites.models import epochs
from benchmarks.suites.packed import Packed

__all__ = ["waits"]

INTRODUCTION = """\
## What you wait for

Seconds on {machines}, beside the fastest of other programs that do the same. Before: an earlier version of
Longstride, in turn with this one.
"""
FORMATS = {"csv": "", "gz": ", gzipped", "parquet": ", as Parquet"}
PACKED = (64, 8)
"""K and stride."""
WINDOWS = 1_000_000
VALUE_BYTES = 4


class _Wait(NamedTuple):
    what: str
    seconds: float
    before: float | None = None
    peer: tuple[str, float] | None = None


def waits(results: Sequence[Result]) -> str:
    """A row for each thing that the results tell of; empty where they tell of none."""
    found = [(result.machine, wait) for result in results for wait in _waits(result)]
    if not found:
        return ""
    head = ["", "before", "now", "best peer", "times as fast as it"]
    machines = dict.fromkeys(f"{machine.processor}, {machine.cores} cores" for machine, _ in found)
    introduction = INTRODUCTION.format(machines="; ".join(machines))
    return "\n".join([introduction, Table(head, [_cells(wait) for _, wait in found]).markdown(), ""])


def _waits(result: Result) -> Iterable[_Wait]:
    match result:
        case epochs.Epochs():
            return _trained(result)
        case Ingest():
            return _ingested(result)
        case Packed():
            return _packed(result)
    return ()


def _cells(wait: _Wait) -> list[str]:
    before = "" if wait.before is None else f"{_digits(wait.before)} s"
    peer, times = "", ""
    if wait.peer:
        name, seconds = wait.peer
        peer, times = f"{name}: {_digits(seconds)} s", figure(seconds / wait.seconds)
    return [wait.what, before, f"{_digits(wait.seconds)} s", peer, times]


def _digits(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else figure(seconds, 1)


def _trained(result: epochs.Epochs) -> Iterator[_Wait]:
    for cell in result.cells:
        case, best = cell.case, cell.best_peer
        ours, earlier = cell.of(epochs.OURS.name), cell.of(epochs.BEFORE)
        if ours and ours.seconds:
            yield _Wait(
                f"training, an epoch of {result.num_windows:,} windows, K = {case.window} "
                f"({case.model}, {case.hidden} wide)",
                ours.seconds.median,
                earlier.seconds.median if earlier and earlier.seconds else None,
                (best.way, best.seconds.median) if best and best.seconds else None,
            )


def _ingested(result: Ingest) -> Iterator[_Wait]:
    """Sorted logs that another checkout has read in turn."""
    for name, ratio in (result.against or {}).items():
        rows = [row for row in result.cases if row.case.file_name == name and not row.case.shuffled]
        seconds = {row.way: row.num_rows / row.rows_per_second.median for row in rows}
        if (ours := seconds.pop(INGEST, None)) is not None:
            best = min(seconds, key=seconds.__getitem__)
            size = rows[0].case.gigabytes
            amount = f"{size:g} GB" if size >= 1 else f"{1000 * size:g} MB"
            what = f"ingest of {amount} of CSV{FORMATS[rows[0].case.format]}"
            yield _Wait(what, ours, ours * ratio.median, (best, seconds[best]))


def _packed(result: Packed) -> Iterator[_Wait]:
    for cell in result.cells:
        if (cell.case.window, cell.case.stride) == PACKED:
            num_bytes = WINDOWS * cell.case.window * result.num_channels * VALUE_BYTES
            what = f"reading {WINDOWS:,} windows of a packed store, K = {PACKED[0]}, stride {PACKED[1]}"
            if result.ratio_before:
                sizes = f"{figure(result.ratio_before)} times smaller than mapped, now {figure(result.ratio)}"
                what = f"{what} ({sizes})"
            now, before = (cell.bytes_per_second.get(way) for way in ("packed", "before"))
            if now and before:
                yield _Wait(what, num_bytes / now.median, num_bytes / before.median)
