"""What a user waits for, on the first screen of docs/benchmarks.md: before, now, and beside the best peer."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from benchmarks.harness.registry import OURS
from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table, figure
from benchmarks.suites.ingest import Ingest
from benchmarks.suites.ingest import Way as IngestWay
from benchmarks.suites.models import epoch
from benchmarks.suites.packed import Packed
from benchmarks.suites.scale import Scale

__all__ = ["waits"]

INTRODUCTION = """\
## What you wait for

Seconds on one machine of two cores. Before: {before}.
"""
BEFORE = "results in `benchmarks/results/before/`, of an earlier version"
EPOCH_BEFORE = "of a training, an earlier version in turn with this one"
INGESTED = 1.0
"""Gigabytes of sorted CSV."""
PACKED = (64, 8)
"""K and stride."""
WINDOWS = 1_000_000
VALUE_BYTES = 4

Kind = TypeVar("Kind", bound=Result)


class _Wait(NamedTuple):
    what: str
    seconds: float
    before: float | None = None
    peer: tuple[str, float] | None = None


def waits(now: Sequence[Result], before: Sequence[Result]) -> str:
    """A row for each thing that the results tell of; empty where they tell of none."""
    rows = [_cells(wait) for wait in _waits(now, before)]
    if not rows:
        return ""
    said = [BEFORE] if before else []
    said += [EPOCH_BEFORE] if any(cell.of(epoch.BEFORE) for _, cell in _epochs(now)) else []
    introduction = INTRODUCTION.format(before="; ".join(said) or "nothing is kept")
    head = ["", "before", "now", "best peer", "times as fast as it"]
    return "\n".join([introduction, Table(head, rows).markdown(), ""])


def _cells(wait: _Wait) -> list[str]:
    before = "" if wait.before is None else f"{_digits(wait.before)} s"
    peer, times = "", ""
    if wait.peer:
        name, seconds = wait.peer
        peer, times = f"{name}: {_digits(seconds)} s", figure(seconds / wait.seconds)
    return [wait.what, before, f"{_digits(wait.seconds)} s", peer, times]


def _digits(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else figure(seconds, 1)


def _of(results: Sequence[Result], kind: type[Kind]) -> list[Kind]:
    return [result for result in results if isinstance(result, kind)]


def _waits(now: Sequence[Result], before: Sequence[Result]) -> Iterator[_Wait]:
    for num_windows, cell in _epochs(now):
        yield from _trained(num_windows, cell, before)
    for kind in (_ingested, _packed, _opened):
        if (wait := kind(now)) is not None:
            earlier = kind(before)
            yield wait._replace(before=earlier.seconds if earlier else None)


def _epochs(results: Sequence[Result]) -> list[tuple[int, epoch.Cell]]:
    """Windows of an epoch, and how long it takes."""
    return [(result.num_windows, cell) for result in _of(results, epoch.Wait) for cell in result.cells]


def _trained(num_windows: int, cell: epoch.Cell, before: Sequence[Result]) -> Iterator[_Wait]:
    """The earlier version in turn with this one, where it was; else what an earlier result says."""
    ours, best = cell.of(epoch.OURS.name), cell.best_peer
    if ours is None or ours.seconds is None:
        return
    earlier = cell.of(epoch.BEFORE) or next(
        (found for _, one in _epochs(before) if one.case == cell.case and (found := one.of(ours.way))), None
    )
    case = cell.case
    yield _Wait(
        f"training, an epoch of {num_windows:,} windows, K = {case.window} ({case.model}, {case.hidden} wide)",
        ours.seconds.median,
        earlier.seconds.median if earlier and earlier.seconds else None,
        (best.way, best.seconds.median) if best and best.seconds else None,
    )


def _ingested(results: Sequence[Result]) -> _Wait | None:
    ways: dict[str, IngestWay] = {
        row.way: row
        for result in _of(results, Ingest)
        for row in result.cases
        if (row.case.gigabytes, row.case.format, row.case.shuffled) == (INGESTED, "csv", False)
    }
    seconds = {name: row.num_rows / row.rows_per_second.median for name, row in ways.items()}
    ours = seconds.pop(OURS.name, None)
    if ours is None:
        return None
    best = min(seconds, key=seconds.__getitem__, default=None)
    return _Wait(f"ingest, {INGESTED:g} GB of CSV", ours, peer=(best, seconds[best]) if best else None)


def _packed(results: Sequence[Result]) -> _Wait | None:
    for result in _of(results, Packed):
        for cell in result.cells:
            if (cell.case.window, cell.case.stride) == PACKED:
                num_bytes = WINDOWS * cell.case.window * result.num_channels * VALUE_BYTES
                seconds = num_bytes / cell.bytes_per_second["packed"].median
                what = f"reading {WINDOWS:,} windows of a packed store, K = {PACKED[0]}, stride {PACKED[1]}"
                return _Wait(what, seconds)
    return None


def _opened(results: Sequence[Result]) -> _Wait | None:
    sizes = [size for result in _of(results, Scale) for size in result.sizes]
    if not sizes:
        return None
    shortest = min(sizes, key=lambda size: size.num_rows)
    what = f"opening a store of {shortest.num_rows:,} rows, to the first batch"
    return _Wait(what, shortest.first_batch_seconds.median)
