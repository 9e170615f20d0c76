"""What was measured of one way of serving windows in one case, and the tables that show it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.harness.registry import COPY, OURS
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread

__all__ = [
    "Cell",
    "Epoch",
    "best_peer",
    "costs_of",
    "most_served",
    "rates_by_window",
    "summary",
    "table_of",
]

SPEEDS = ("windows/s", "rows/s", "GB/s")
COSTS = ("first batch", "CPU s/GB", "own MB")


@dataclass(frozen=True)
class Epoch:
    """What an epoch of a small log held: each window's values are those of the log, or there would be no cell."""

    windows: int
    """That the log has."""
    served: int
    distinct: int

    def __str__(self) -> str:
        if self.served == self.distinct:
            return f"{self.served} of {self.windows}"
        return f"{self.served}, {self.distinct} of {self.windows} different"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One way of serving one case."""

    way: str
    version: str | None
    window: int
    stride: int
    batch: int
    num_rows: int
    num_channels: int
    cannot: str | None = None
    """Why there are no figures."""
    workers: int | None = None
    """That serve it best, of those that it was tried with."""
    windows_per_second: Spread | None = None
    ratio_to_copy: Spread | None = None
    ours_to_it: Spread | None = None
    """Longstride's windows per second over these, round by round."""
    first_batch_seconds: Spread | None = None
    """From opening the data to the first batch in hand; imports are not counted."""
    cpu_seconds_per_gigabyte: float | None = None
    """Processor time of all its processes, for each gigabyte of windows."""
    disk_megabytes: float | None = None
    """Read from the disk itself, a turn."""
    peak_megabytes: float | None = None
    """Own memory of all its processes while it serves; pages of mapped files belong to the system."""
    written_gigabytes: float | None = None
    """On disk for all windows of the log, where they are written out beforehand, or for the log itself."""
    epoch: Epoch | None = None

    @property
    def case(self) -> tuple[int, int]:
        """K and stride."""
        return self.window, self.stride

    @property
    def overlaps(self) -> bool:
        """Whether a row is in eight windows or more."""
        return self.stride <= self.window // 8

    @property
    def is_peer(self) -> bool:
        """Whether it is neither ours nor the copy."""
        return self.way not in (OURS.name, COPY.name)

    @property
    def rate(self) -> float:
        """Median windows per second of a case that is served."""
        assert self.windows_per_second
        return self.windows_per_second.median

    def speeds(self) -> list[str]:
        """SPEEDS."""
        rows = self.rate * self.window
        return [f"{self.rate:,.0f}", f"{rows / 1e6:,.1f} M", f"{rows * self.num_channels * 4 / 1e9:.1f}"]

    @property
    def of_the_copy(self) -> str:
        """Its windows per second to those of the copy."""
        return spread(self.ratio_to_copy) if self.ratio_to_copy else ""

    def costs(self) -> list[str]:
        """COSTS; older results have not all of them."""
        assert self.first_batch_seconds
        cpu, memory = self.cpu_seconds_per_gigabyte, self.peak_megabytes
        return [
            f"{self.first_batch_seconds.median:.2f} s",
            "" if cpu is None else f"{cpu:.2f}",
            "" if memory is None else f"{memory:,.0f}",
        ]


def table_of(cells: Iterable[Cell]) -> Table:
    """A row a case and way."""
    head = ["K", "stride", "B", "N", "", *SPEEDS, "of the copy", *COSTS]
    rows = []
    for cell in cells:
        sizes = [f"{size:,}" for size in (cell.window, cell.stride, cell.batch, cell.num_channels)]
        figures = (
            [*cell.speeds(), cell.of_the_copy, *cell.costs()] if cell.cannot is None else [cell.cannot, *[""] * 6]
        )
        rows.append([*sizes, cell.way, *figures])
    return Table(head, rows)


def best_peer(cells: Iterable[Cell], case: tuple[int, int]) -> Cell | None:
    """The fastest peer of a case."""
    served = [cell for cell in cells if cell.case == case and cell.is_peer and cell.windows_per_second]
    return max(served, key=lambda cell: cell.rate, default=None)


def most_served(cells: Iterable[Cell]) -> tuple[int, int]:
    """The case that most ways serve, the first of these."""
    return Counter(cell.case for cell in cells if cell.cannot is None).most_common(1)[0][0]


def summary(cells: Sequence[Cell]) -> Table:
    """A row a case: ours, and how far ahead of the best peer it is."""
    head = ["K", "stride", *SPEEDS, "of the copy", *COSTS, "best peer", "times that"]
    rows = []
    for cell in cells:
        if cell.way == OURS.name:
            peer = best_peer(cells, cell.case)
            theirs = [peer.way, spread(peer.ours_to_it)] if peer and peer.ours_to_it else ["", ""]
            figures = [*cell.speeds(), cell.of_the_copy, *cell.costs()]
            rows.append([f"{cell.window:,}", f"{cell.stride:,}", *figures, *theirs])
    return Table(head, rows)


def rates_by_window(cells: Sequence[Cell]) -> list[Table]:
    """For each K, a row a way and a column a stride: windows per second."""
    tables = []
    for window in sorted({cell.window for cell in cells}):
        mine = [cell for cell in cells if cell.window == window]
        strides = sorted({cell.stride for cell in mine})
        found = {(cell.way, cell.stride): cell.cannot or f"{cell.rate:,.0f}" for cell in mine}
        ways = dict.fromkeys(cell.way for cell in mine)
        rows = [[way, *(found.get((way, stride), "") for stride in strides)] for way in ways]
        tables.append(Table([f"K = {window:,}", *(f"stride {stride:,}" for stride in strides)], rows))
    return tables


def costs_of(cells: Iterable[Cell], case: tuple[int, int]) -> Table:
    """A row a way: what it costs in one case."""
    head = ["", "version", "workers", *COSTS, "GB on disk", "an epoch"]
    rows = [
        [
            cell.way,
            cell.version or "",
            f"{cell.workers}",
            *cell.costs(),
            f"{cell.written_gigabytes:,.1f}" if cell.written_gigabytes else "",
            str(cell.epoch or ""),
        ]
        for cell in cells
        if cell.case == case and cell.cannot is None
    ]
    return Table(head, rows)
