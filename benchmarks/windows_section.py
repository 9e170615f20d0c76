"""What docs/benchmarks.md says of how fast windows are served, beside every peer."""

from collections.abc import Sequence
from typing import Any

from benchmarks.advice import WRITTEN as WRITTEN_OUT
from benchmarks.tables import machine_line, spread, table
from benchmarks.ways import COPY, OURS
from benchmarks.ways import PEERS as PEERS_BY_NAME

__all__ = ["best_peer", "order_section", "sweep_section", "windows_section"]

WINDOWS = """\
## Windows{title}

Windows of K rows served shuffled, B = {batch}, from a {state} log of {num_rows:,} rows of {num_channels} float32
channels ({megabytes:,.0f} MB), by {threads} threads. The copy is the ceiling: random contiguous slices of the same
size, from the same array, into the same kind of buffers. The best peer is the fastest of those measured. Own
memory is that of all processes without the pages of mapped files, which are the system's; CPU is of all processes.

    python -m benchmarks windows{flag} --rows {num_rows}
"""

COLD = """\
A turn begins with opening the log, and with nothing of it in memory. Longstride asks for the rows of a pool before
it needs them. Who only touches them waits for {kib:,} KB around each (`read_ahead_kb` of this disk): much is
read that is not served, unless the log is so small that soon all of it is in memory. So it is with the copy: it is
no ceiling here.
"""

SHORT = """\
### Where we are less ahead than we mean to be

We mean to be {target} times the best peer where windows overlap (stride <= K / 8), and not slower elsewhere. No
loader can be much further ahead of a peer than the copy is, the last column; only where batches are small can
it copy several in a call, as ours does. The copy is below {target} beside a peer that copies whole windows from
memory with all threads, as `unfold` does, for which the log has to fit there, and `spdl` and `grain`, whose
threads copy from our own mapped view. Ours and `unfold` make the same copy: its memory is fresh, and our order,
which keeps overlap out of a batch, takes longer to draw than a random one. Where the range holds 1, neither is
surely faster.
"""

PEERS = """\
### Every way, windows/s

Each in a process and an environment of its own (`make peers`), as its documentation has it, with the number of
workers that serves it best; before it is timed, every window of an epoch is held against the log. `unfold` holds
the whole log in memory: where that is possible, it is the same copy as ours without an order to keep, but into
fresh memory, which costs several times the copy where batches are large.
"""

WRITTEN = """\
{names} read windows that were written out beforehand, and are timed on half a gigabyte of them.
"""

MISSING = """\
Peers that this result leaves out (`--peers`): {names}. Nothing is said of them here.
"""

WHAT_IT_COSTS = """\
### What a way costs

At K = {window}, stride {stride}: seconds to the first batch; processor seconds of all its processes by gigabyte of
windows; memory of its own; on disk, what all windows of this log take where they are written out beforehand.
"""

READING = """\
### What is read and sent

Counted over an epoch: rows that Longstride reads, each once a pool, over the rows that there are; and bytes that
go to a device for a window where windows are made there, beside the bytes of the window.
"""

ORDER = """\
## What the order promises

Windows of {window} rows, {stride} apart, of a log of {num_rows:,} rows: what was found, and a digest of the order
over all ranks and workers ([the promises](order.md)).

    python -m benchmarks order
"""

SWEEPS = {
    "channels": "### By channels\n\nLogs of as many values, however many channels they have.\n",
    "batch": "### By batch size\n",
    "workers": "### With workers\n\nThey draw the order and read ahead; a batch is gathered where it is used.\n",
    "layout": "### By layout\n\nRandom values, which no codec makes smaller: decoding alone is seen.\n",
}

SPEEDS = ["windows/s", "rows/s", "GB/s"]
COSTS = ["first batch", "CPU s/GB", "own MB"]
TARGET = 4
"""Times the best peer, where windows overlap."""

Cells = Sequence[dict[str, Any]]


def windows_section(figures: dict[str, Any]) -> str:
    """Tables of one result of `python -m benchmarks windows`."""
    cells = sorted(figures["cells"], key=_case)
    first = cells[0]
    introduction = WINDOWS.format(
        title=", cold" if figures["cold"] else "",
        state="cold" if figures["cold"] else "warm",
        flag=" --cold" if figures["cold"] else "",
        megabytes=first["num_rows"] * first["num_channels"] * 4 / 1e6,
        threads=figures["threads"]["torch"],
        **{name: first[name] for name in ("batch", "num_rows", "num_channels")},
    )
    missing = [name for name in PEERS_BY_NAME if name not in {cell["way"] for cell in cells}]
    left_out = [MISSING.format(names=", ".join(missing))] if missing else []
    parts = [introduction, machine_line(figures), "", _summary(cells), "", *left_out]
    if figures.get("read_around_kib"):
        parts.append(COLD.format(kib=figures["read_around_kib"]))
    if not figures["cold"]:
        parts += _short(cells)
    if len({cell["way"] for cell in cells}) > 3:
        names = [f"`{name}`" for name in WRITTEN_OUT if name in {cell["way"] for cell in cells}]
        written = [WRITTEN.format(names=", ".join(names))] if names else []
        parts += [PEERS, *written, *_by_window(cells), *_by_way(cells)]
    if figures["reading"]:
        parts += [READING, _reading(sorted(figures["reading"], key=_case)), ""]
    return "\n".join(parts)


def order_section(figures: dict[str, Any]) -> str:
    """Table of one result of `python -m benchmarks order`."""
    rows = [
        [row["promise"], "holds" if row["holds"] else "**broken**", row["found"]] for row in figures["invariants"]
    ]
    found = table(["promise", "", "found"], rows)
    return "\n".join([ORDER.format(**figures), machine_line(figures), "", found, ""])


def sweep_section(figures: dict[str, Any]) -> str:
    """Table of one result of `python -m benchmarks sweep`."""
    head = ["K", "stride", "B", "N", "", *SPEEDS, "of the copy", *COSTS]
    rows = [
        [
            *(f"{cell[name]:,}" for name in ("window", "stride", "batch", "num_channels")),
            cell["way"],
            *_speeds(cell),
            spread(cell["ratio_to_copy"]),
            *_costs(cell),
        ]
        for cell in figures["cells"]
        if cell["cannot"] is None and cell["way"] != COPY.name
    ]
    command = f"    python -m benchmarks sweep --axis {figures['axis']}\n"
    return "\n".join([SWEEPS[figures["axis"]], command, machine_line(figures), "", table(head, rows), ""])


def best_peer(cells: Cells, window: int, stride: int, *, but: Sequence[str] = ()) -> dict[str, Any] | None:
    """The fastest peer of a case, of those that are not left out."""
    found = [cell for cell in _of(cells, window, stride) if cell["way"] not in (OURS.name, COPY.name, *but)]
    served = [cell for cell in found if cell["windows_per_second"]]
    return max(served, key=lambda cell: cell["windows_per_second"]["median"], default=None)


def _case(cell: dict[str, Any]) -> tuple[int, int]:
    return cell["window"], cell["stride"]


def _of(cells: Cells, window: int, stride: int) -> list[dict[str, Any]]:
    return [cell for cell in cells if _case(cell) == (window, stride)]


def _speeds(cell: dict[str, Any]) -> list[str]:
    """SPEEDS of a cell."""
    rate = cell["windows_per_second"]["median"]
    rows = rate * cell["window"]
    return [f"{rate:,.0f}", f"{rows / 1e6:,.1f} M", f"{rows * cell['num_channels'] * 4 / 1e9:.1f}"]


def _costs(cell: dict[str, Any]) -> list[str]:
    """COSTS of a cell; older results have not all of them."""
    cpu, memory = cell["cpu_seconds_per_gigabyte"], cell["peak_megabytes"]
    return [
        f"{cell['first_batch_seconds']['median']:.2f} s",
        "" if cpu is None else f"{cpu:.2f}",
        "" if memory is None else f"{memory:,.0f}",
    ]


def _summary(cells: Cells) -> str:
    head = ["K", "stride", *SPEEDS, "of the copy", *COSTS, "best peer", "times that"]
    rows = []
    for cell in cells:
        if cell["way"] != OURS.name:
            continue
        peer = best_peer(cells, *_case(cell))
        rows.append(
            [
                f"{cell['window']:,}",
                f"{cell['stride']:,}",
                *_speeds(cell),
                spread(cell["ratio_to_copy"]) if cell["ratio_to_copy"] else "",
                *_costs(cell),
                peer["way"] if peer else "",
                spread(peer["ours_to_it"]) if peer else "",
            ]
        )
    return table(head, rows)


def _short(cells: Cells) -> list[str]:
    """Cases in which ours is less ahead of the best peer than it is to be, and how far the copy itself is."""
    rows = []
    for cell in cells:
        peer = best_peer(cells, *_case(cell))
        if cell["way"] != COPY.name or peer is None:
            continue
        wanted = TARGET if cell["stride"] <= cell["window"] // 8 else 1
        if peer["ours_to_it"]["median"] < wanted:
            copy = 1 / peer["ratio_to_copy"]["median"]  # of its own rounds: others are of another hour
            sizes = [f"{cell['window']:,}", f"{cell['stride']:,}"]
            rows.append([*sizes, peer["way"], f"{wanted}", spread(peer["ours_to_it"]), f"{copy:.2f}"])
    head = ["K", "stride", "best peer", "we mean to be", "we are", "the copy is"]
    return [SHORT.format(target=TARGET), table(head, rows), ""] if rows else []


def _by_window(cells: Cells) -> list[str]:
    parts = []
    for window in sorted({cell["window"] for cell in cells}):
        mine = [cell for cell in cells if cell["window"] == window]
        strides = sorted({cell["stride"] for cell in mine})
        names = list(dict.fromkeys(cell["way"] for cell in mine))
        found = {(cell["way"], cell["stride"]): _rate(cell) for cell in mine}
        rows = [[name, *(found.get((name, stride), "") for stride in strides)] for name in names]
        parts += [table([f"K = {window:,}", *(f"stride {stride:,}" for stride in strides)], rows), ""]
    return parts


def _rate(cell: dict[str, Any]) -> str:
    return cell["cannot"] or f"{cell['windows_per_second']['median']:,.0f}"


def _by_way(cells: Cells) -> list[str]:
    """Costs in the case that most ways serve, the first of these."""
    counts: dict[tuple[int, int], int] = {}
    for cell in cells:
        if cell["cannot"] is None:
            counts[_case(cell)] = counts.get(_case(cell), 0) + 1
    window, stride = max(counts, key=lambda case: counts[case])
    head = ["", "version", "workers", *COSTS, "GB on disk", "an epoch"]
    rows = [
        [
            cell["way"],
            cell["version"] or "",
            f"{cell['workers']}",
            *_costs(cell),
            f"{cell['written_gigabytes']:,.1f}" if cell["written_gigabytes"] else "",
            _epoch(cell["epoch"]) if cell["epoch"] else "",
        ]
        for cell in _of(cells, window, stride)
        if cell["cannot"] is None
    ]
    return [WHAT_IT_COSTS.format(window=window, stride=stride), table(head, rows), ""]


def _epoch(epoch: dict[str, int]) -> str:
    """What an epoch of a small log of so many windows held."""
    if epoch["served"] == epoch["distinct"]:
        return f"{epoch['served']} of {epoch['windows']}"
    return f"{epoch['served']}, {epoch['distinct']} of {epoch['windows']} different"


def _reading(found: Sequence[dict[str, Any]]) -> str:
    head = ["K", "stride", "rows read to rows", "bytes a window to a device", "bytes of a window"]
    rows = [
        [
            f"{row['window']:,}",
            f"{row['stride']:,}",
            f"{row['rows_read_to_unique']:.3f}",
            f"{row['bytes_to_device_a_window']:,.0f}",
            f"{row['bytes_of_a_window']:,}",
        ]
        for row in found
    ]
    return table(head, rows)
