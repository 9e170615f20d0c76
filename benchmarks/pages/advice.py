"""The first screen of docs/benchmarks.md: what to use when, in figures of the committed results."""

from collections.abc import Iterable, Sequence

from benchmarks.harness.registry import PEERS
from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table, range_of
from benchmarks.suites.cells import Cell
from benchmarks.suites.packed import Packed
from benchmarks.suites.scale import Scale
from benchmarks.suites.windows import Windows

__all__ = ["advice"]

UNFOLD = "../benchmarks/peers/in_memory/unfold.py"

INTRODUCTION = """\
## What to use when
"""


def advice(results: Iterable[Result]) -> str:
    """A table of cases, from the result of `python -m benchmarks windows` with the most peers, and of others."""
    found = list(results)
    windows = [result for result in found if isinstance(result, Windows)]
    warm = [result.cells for result in windows if not result.cold]
    cells = max(warm, key=lambda cells: len({cell.way for cell in cells}), default=())
    if len({cell.way for cell in cells}) < 4:
        return ""
    cold = [cell for result in windows if result.cold for cell in result.cells]
    from_disk, apart = _times(cells, "in_place", overlaps=True), _times(cells, "in_place", overlaps=False)
    written = _times(cells, "written", overlaps=False)
    cold_overlapping, cold_apart = (
        _times(cold, "in_place", overlaps=True),
        _times(cold, "in_place", overlaps=False),
    )
    unfold = _times([cell for cell in cells if cell.way == "unfold"], "in_memory")
    libraries = _times([cell for cell in cells if cell.way != "unfold"], "in_memory")
    rows = [
        [
            "longer than memory, windows overlap",
            "Longstride, mapped (the default)",
            f"{from_disk} times the best that reads the log where it is"
            f"{f', {cold_overlapping} from a cold disk' if cold else ''}",
        ],
        [
            "longer than memory, windows do not overlap",
            f"Longstride, mapped{'; then windows written out beforehand' if written else ''}",
            f"{apart} times that best{f', {cold_apart} from a cold disk' if cold else ''}"
            f"{f'; {written} times the best that reads written windows' if written else ''}",
        ],
        [
            "in memory, one process",
            f"Longstride, or `unfold` and `index_select` ([how]({UNFOLD})): the same copy",
            f"{unfold} times that{f', {libraries} times the best library in memory' if libraries else ''}",
        ],
        *_by_length(found),
        *_packed(found),
    ]
    head = ["your log", "use", "Longstride's windows/s, compared"]
    return "\n".join([INTRODUCTION, Table(head, rows).markdown(), ""])


def _by_length(found: Sequence[Result]) -> list[list[str]]:
    sizes = next((result.sizes for result in found if isinstance(result, Scale)), None)
    if not sizes:
        return []
    # A shorter one lies in the processor's cache.
    first, last = next(size for size in sizes if size.num_rows >= 10**6), sizes[-1]
    ratio = last.windows_per_second.median / first.windows_per_second.median
    opened, memory = last.first_batch_seconds.median, last.peak_megabytes
    said = f"{ratio:.2f} times that at {first.num_rows:,} rows; first batch in {opened:.1f} s, {memory:.0f} MB"
    return [[f"{last.num_rows:,} rows", "the same call", said]]


def _packed(found: Sequence[Result]) -> list[list[str]]:
    cells = [cell for result in found if isinstance(result, Packed) for cell in result.cells]
    if not cells:
        return []
    rates = [cell.bytes_per_second for cell in cells]
    direct = range_of([rate["packed"].median / rate["mapped"].median for rate in rates])
    cached = range_of([cell.cached_to_mapped.median for cell in cells])
    said = f"{direct} times the mapped layout while decoding, {cached} times from a full cache"
    return [["in an object store, or short of disk", "Longstride, [packed](packed.md), with a cache", said]]


def _times(cells: Iterable[Cell], room: str, *, overlaps: bool | None = None) -> str:
    """Ours to the best peer of a room in each case, as the range over the cases; empty where none was measured.

    The cases are all, those whose windows overlap much, or those whose windows do not overlap at all.
    """
    best: dict[tuple[int, int], float] = {}
    for cell in cells:
        asked = overlaps is None or (cell.overlaps if overlaps else cell.stride == cell.window)
        if asked and cell.is_peer and cell.ours_to_it and PEERS[cell.way].room == room:
            times = cell.ours_to_it.median
            best[cell.case] = min(best.get(cell.case, times), times)
    return range_of(list(best.values()))
