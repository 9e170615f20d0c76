"""The first screen of docs/benchmarks.md: what to use when, in figures of the committed results."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.tables import figure, table
from benchmarks.ways import COPY, OURS

__all__ = ["advice"]

IN_MEMORY = ("unfold", "keras", "darts", "gluonts", "pytorch-forecasting", "neuralforecast")
"""Peers that hold the whole log in memory."""
WRITTEN = ("litdata", "mosaicml-streaming", "webdataset", "lance", "datasets")
"""Peers that read windows written out beforehand."""

INTRODUCTION = """\
## What to use when
"""

Cells = Iterable[Mapping[str, Any]]


def advice(results: Iterable[Mapping[str, Any]]) -> str:
    """A table of cases, from the result of `python -m benchmarks windows` with the most peers, and of others."""
    found = list(results)
    compared = max(
        (figures for figures in found if figures["benchmark"] == "windows" and not figures["cold"]),
        key=lambda figures: len({cell["way"] for cell in figures["cells"]}),
        default=None,
    )
    if compared is None or len({cell["way"] for cell in compared["cells"]}) < 4:
        return ""
    cells = compared["cells"]
    from_disk = _times(cells, _from_disk, _overlaps)
    apart, written = _times(cells, _from_disk, _apart), _times(cells, _is_written, _apart)
    cold = [
        cell
        for figures in found
        if figures["benchmark"] == "windows" and figures["cold"]
        for cell in figures["cells"]
    ]
    cold_overlapping, cold_apart = _times(cold, _from_disk, _overlaps), _times(cold, _from_disk, _apart)
    unfold, libraries = _times(cells, _is_unfold), _times(cells, _is_library)
    rows = [
        [
            "longer than memory, windows overlap",
            "Longstride, mapped (the default)",
            f"{from_disk} the best that reads the log where it is"
            f"{f', {cold_overlapping} from a cold disk' if cold else ''}",
        ],
        [
            "longer than memory, windows do not overlap",
            f"Longstride, mapped{'; then windows written out beforehand' if written else ''}",
            f"{apart} that best{f', {cold_apart} from a cold disk' if cold else ''}"
            f"{f'; {written} the best that reads written windows' if written else ''}",
        ],
        [
            "in memory, one process",
            "Longstride, or `unfold` and `index_select` ([how](../benchmarks/peers/unfold.py)): the same copy",
            f"{unfold} that{f', {libraries} the best library that holds the log in memory' if libraries else ''}",
        ],
        *_by_length(found),
        *_packed(found),
    ]
    return "\n".join([INTRODUCTION, table(["your log", "use", "Longstride's windows/s, times theirs"], rows), ""])


def _by_length(found: list[Mapping[str, Any]]) -> list[list[str]]:
    scales = [figures["sizes"] for figures in found if figures["benchmark"] == "scale"]
    if not scales:
        return []
    # A shorter one lies in the processor's cache.
    first, last = next(size for size in scales[0] if size["num_rows"] >= 10**6), scales[0][-1]
    ratio = last["windows_per_second"]["median"] / first["windows_per_second"]["median"]
    opened, memory = last["first_batch_seconds"]["median"], last["peak_megabytes"]
    said = f"{ratio:.2f} of those at {first['num_rows']:,} rows; first batch in {opened:.1f} s, {memory:.0f} MB"
    return [[f"{last['num_rows']:,} rows", "the same call", said]]


def _packed(found: list[Mapping[str, Any]]) -> list[list[str]]:
    cells = [cell for figures in found if figures["benchmark"] == "packed" for cell in figures["cells"]]
    if not cells:
        return []
    rates = [cell["bytes_per_second"] for cell in cells]
    direct = _range([rate["packed"]["median"] / rate["mapped"]["median"] for rate in rates])
    cached = _range([cell["cached_to_mapped"]["median"] for cell in cells])
    said = f"{direct} of the mapped layout while decoding, {cached} from a full cache"
    return [["in an object store, or short of disk", "Longstride, [packed](packed.md), with a cache", said]]


def _from_disk(cell: Mapping[str, Any]) -> bool:
    return cell["way"] not in (*IN_MEMORY, *WRITTEN)


def _is_written(cell: Mapping[str, Any]) -> bool:
    return cell["way"] in WRITTEN


def _is_unfold(cell: Mapping[str, Any]) -> bool:
    return bool(cell["way"] == "unfold")


def _is_library(cell: Mapping[str, Any]) -> bool:
    return cell["way"] in IN_MEMORY and cell["way"] != "unfold"


def _overlaps(cell: Mapping[str, Any]) -> bool:
    return bool(cell["stride"] <= cell["window"] // 8)


def _apart(cell: Mapping[str, Any]) -> bool:
    return bool(cell["stride"] == cell["window"])


def _times(
    cells: Cells,
    of: Callable[[Mapping[str, Any]], bool],
    case: Callable[[Mapping[str, Any]], bool] = lambda cell: True,
) -> str:
    """Ours to the best of some peers in each case, as the range over the cases; empty where none was measured."""
    best: dict[tuple[int, int], float] = {}
    for cell in cells:
        peer = cell["way"] not in (OURS.name, COPY.name)
        if peer and cell["ours_to_it"] and of(cell) and case(cell):
            key = cell["window"], cell["stride"]
            times = cell["ours_to_it"]["median"]
            best[key] = min(best.get(key, times), times)
    return _range(list(best.values()))


def _range(figures: list[float]) -> str:
    return f"{figure(min(figures))} to {figure(max(figures))}" if figures else ""
