"""Figures of an epoch of training: by `longstride.train`, and by what people write today."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.harness.registry import Way
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread

__all__ = ["BEFORE", "CALM", "MOST_TURNS", "OURS", "RESIDENT", "WAYS", "Case", "Cell", "Epochs", "Fit"]

EPOCH = """\
## Epochs of training

Seconds for an epoch of {num_windows:,} windows of K = {window} at stride {stride}, {num_channels} float32
channels, B = {batch}, on {threads[torch]} threads: the same model, by Adam at the same learning rate, with
gradients clipped alike. It is trained by `longstride.train` as its user calls it, and by what people write today
([how](../benchmarks/peers/training/plain_loop.py), a file each). {ways}

Seconds are those of {num_windows:,} windows at the rate of the steps that were taken; where a whole epoch was run,
it stands beside them. All ways take turns, each in processes of its own. The LSTM of the others is a module as
people write it, with the same weights and arithmetic as Longstride's; other models are Longstride's own for all.
`one batch` is the bound of any training: Longstride's module in a bare loop, on a batch that stays in memory, with
the memory of a step kept as `longstride.train` keeps it. Memory is the largest resident memory of the process,
with that of its workers; pages of mapped files count. Other work is the share of the machine's processor time that
other programs took meanwhile: a turn with more than {calm:.0%} is taken again, up to {most_turns} times.

    python -m benchmarks epoch
"""
ROOM = "benchmarks.peers.training"
RESIDENT = Way("one batch", f"{ROOM}.resident_loop")
OURS = Way("longstride", f"{ROOM}.longstride_train")
BEFORE = "longstride before"
"""That of another checkout."""
WAYS = {
    way.name: way
    for way in (
        RESIDENT,
        OURS,
        Way("torch", f"{ROOM}.plain_loop"),
        Way("torch, 2 workers", f"{ROOM}.plain_loop", settings={"workers": 2}),
        Way("torch, memmap", f"{ROOM}.plain_loop", settings={"source": "memmap"}),
        Way("torch, memmap, 2 workers", f"{ROOM}.plain_loop", settings={"source": "memmap", "workers": 2}),
        Way("torch, our module", f"{ROOM}.plain_loop", settings={"our_model": True}),
        Way("lightning", f"{ROOM}.lightning_trainer"),
        Way("lightning, 2 workers", f"{ROOM}.lightning_trainer", settings={"workers": 2}),
        Way("lightning, bare", f"{ROOM}.lightning_trainer", settings={"bare": True}),
        Way("pytorch-forecasting", f"{ROOM}.pytorch_forecasting_trainer", "pytorch-forecasting"),
        Way("darts", f"{ROOM}.darts_trainer", "darts"),
    )
}
"""By the name that tables show; those behind the first two are peers."""
SAID = {
    "torch": "`torch` is a `Dataset` that slices an array in memory, a `DataLoader`, and the loop of a tutorial.",
    "torch, memmap": "With `memmap` the array is a memory-mapped file.",
    "torch, our module": "With `our module` the model is Longstride's, so that loop and loader alone differ.",
    "lightning": "`lightning` is its `Trainer` as it comes, with logger, checkpoints and progress.",
    "lightning, bare": "Where it is `bare`, it has none of these.",
    "pytorch-forecasting": "`pytorch-forecasting` is its `TimeSeriesDataSet` and Lightning's `Trainer`.",
    "darts": "`darts` is its `BlockRNNModel` with the module inside, which predicts the K rows after a window.",
    BEFORE: "`longstride before` is an earlier commit, in turn with the rest.",
}
CALM = 0.05
"""Of the machine's processor time, which other work may take in a turn that counts at once."""
MOST_TURNS = 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is trained."""

    model: str
    hidden: int
    window: int
    stride: int
    batch: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One way of training one case."""

    way: str
    version: str | None = None
    cannot: str | None = None
    """Why there are no figures."""
    num_steps: int = 0
    """That were counted."""
    seconds: Spread | None = None
    """Of an epoch, by the rate of the counted steps."""
    whole_epoch_seconds: float | None = None
    """Of an epoch that was run from end to end."""
    to_resident: Spread | None = None
    """Its time over that of steps on one batch in memory, round by round."""
    to_ours: Spread | None = None
    """Its time over Longstride's, round by round."""
    cpu_seconds: float | None = None
    """Processor time of an epoch, of all its processes."""
    peak_megabytes: float | None = None
    others_share: float | None = None
    """Median share of the machine's processor time that other work took meanwhile, 0 to 1."""

    @property
    def is_peer(self) -> bool:
        """Whether it is neither Longstride nor the bound, nor has a module of Longstride."""
        return self.way not in (RESIDENT.name, OURS.name, BEFORE) and "our module" not in self.way


@dataclass(frozen=True, kw_only=True)
class Cell:
    """All ways of one case."""

    case: Case
    ways: tuple[Fit, ...]

    def of(self, name: str) -> Fit | None:
        """The figures of a way, where there are some."""
        return next((fit for fit in self.ways if fit.way == name and fit.seconds), None)

    @property
    def best_peer(self) -> Fit | None:
        """The fastest of them."""
        peers = [(fit.seconds.median, fit.way, fit) for fit in self.ways if fit.is_peer and fit.seconds]
        return min(peers)[2] if peers else None


@dataclass(frozen=True, kw_only=True)
class Epochs(Result):
    """All cases of one log."""

    BENCHMARK = "epoch"
    INTRODUCTION = EPOCH
    num_rows: int
    num_channels: int
    num_windows: int
    """Of an epoch."""
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    processes: int
    rounds: int
    seconds: float
    cells: tuple[Cell, ...] = ()

    def words(self) -> dict[str, Any]:
        """With what the ways are."""
        named = {fit.way for cell in self.cells for fit in cell.ways}
        said = " ".join(text for name, text in SAID.items() if name in named)
        own = {"ways": said, "calm": CALM, "most_turns": MOST_TURNS}
        return {**vars(self.cells[0].case), **own, **vars(self)}

    def table(self) -> Table:
        """A row a case and way."""
        rows = [(cell.case, fit) for cell in self.cells for fit in cell.ways]
        return Table.of(
            rows,
            {
                "model": lambda row: f"{row[0].model} ({row[0].hidden})",
                "trained by": lambda row: row[1].way,
                "seconds an epoch": lambda row: _or(row[1].seconds, spread, row[1].cannot or ""),
                "whole": lambda row: _or(row[1].whole_epoch_seconds, "{:,.0f}".format),
                "times one batch": lambda row: _or(row[1].to_resident, spread),
                "times Longstride": lambda row: _or(row[1].to_ours, spread),
                "CPU seconds": lambda row: _or(row[1].cpu_seconds, "{:,.0f}".format),
                "other work": lambda row: _or(row[1].others_share, "{:.0%}".format),
                "peak MB": lambda row: _or(row[1].peak_megabytes, "{:,.0f}".format),
            },
        )

    def with_cells(self, before: Sequence[Cell]) -> "Epochs":
        """With these cells too, but for those of the same cases."""
        own = {cell.case: cell for cell in self.cells}
        kept = [own.pop(cell.case, cell) for cell in before]
        return replace(self, cells=(*kept, *own.values()))


def _or(value: Any, said: Callable[[Any], str], otherwise: str = "") -> str:
    return otherwise if value is None else said(value)
