"""`python -m benchmarks sweep`: one of channels, batch size, workers and layout varied at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import JSON, count, folder, listed, seconds
from benchmarks.harness.registry import COPY, OURS, PEERS, Way
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.tables import Table, machine_line
from benchmarks.suites.cells import Cell, table_of
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    from benchmarks.suites.serving import Turns

__all__ = ["Sweep", "measure", "sweep"]

CHANNELS = (1, 8, 32, 128)
BATCHES = (32, 256, 1024)
WORKERS = (1, 2, 4)
BATCH, NUM_CHANNELS = 256, 32

SWEEPS = {
    "channels": "### By channels\n\nAll logs have as many values: with more channels there are fewer rows.\n",
    "batch": "### By batch size\n",
    "workers": "### With workers\n\nWorkers draw the order and read ahead; they do not gather batches.\n",
    "layout": "### By layout\n\nRandom values, which no codec can compress: decoding alone is measured.\n",
}


@dataclass(frozen=True, kw_only=True)
class Sweep(Result):
    """All cases of one axis."""

    BENCHMARK = "sweep"
    axis: str
    seed: int = SEED
    rounds: int
    seconds: float
    processes: int = 1
    cold: bool = False
    threads: dict[str, int] = field(default_factory=torch_threads)
    cells: tuple[Cell, ...] = ()

    def section(self) -> str:
        """All that is served, without the copy."""
        shown = table_of(cell for cell in self.cells if cell.cannot is None and cell.way != COPY.name)
        command = f"    python -m benchmarks sweep --axis {self.axis}\n"
        return "\n".join([SWEEPS[self.axis], command, machine_line(self), "", shown.markdown(), ""])

    def table(self) -> Table:
        """All that was measured."""
        return table_of(self.cells)


@click.command(epilog=example("python -m benchmarks sweep --axis channels --json sweep-channels.json"))
@click.option("--axis", type=click.Choice(["channels", "batch", "workers", "layout"]), required=True)
@count("--values", 128_000_000, "Values of the log.")
@listed("--windows", "64,512", "Window lengths K; stride 1 and K.")
@count("--rounds", 7, "Measurements of a case.")
@seconds(0.5)
@folder("build/windows")
@JSON
def sweep(values: int, windows: Sequence[int], folder: Path, json_path: Path | None, **options: Any) -> None:
    """Windows per second with one of channels, batch size, workers and layout varied.

    N = 1, 8, 32, 128 from logs of as many values; B = 32, 256, 1024; 0, 1, 2, 4 workers; a mapped and a packed
    store. All ways of a case are measured in turn. The stores are made in --folder once, and kept.
    """
    from benchmarks.suites.serving import Turns

    asked = Sweep(**options)
    turns = Turns(rounds=asked.rounds, seconds=asked.seconds)
    replace(asked, cells=tuple(measure(asked.axis, folder, values, windows, turns))).show(json_path)


def measure(axis: str, folder: Path, num_values: int, windows: Sequence[int], turns: "Turns") -> Iterator[Cell]:
    """Windows at stride 1 and K, from logs of so many values however many channels they have.

    With the fair copy and the peers that need no other library; for workers and the packed layout, with ours that
    has none of them.
    """
    from benchmarks.data.stores import case_of, warm
    from benchmarks.suites import serving

    channels = CHANNELS if axis == "channels" else (NUM_CHANNELS,)
    batches = BATCHES if axis == "batch" else (BATCH,)
    cases = [
        case_of(folder, num_values // number, number, window, stride, batch)
        for number in channels
        for batch in batches
        for window in windows
        for stride in (1, window)
    ]
    for case in cases:
        warm(Path(case.store), Path(case.raw))
    ways = [OURS, COPY, *_ways(axis, Path(cases[0].store))]
    return serving.measure(cases, ways, folder, turns)


def _ways(axis: str, store: Path) -> list[Way]:
    if axis == "workers":
        return [_ours(f"{number} workers", workers=number) for number in WORKERS]
    if axis == "layout":
        from longstride.pipeline.packing.pack import pack
        from longstride.storage.open import open_store

        packed = store.with_name(f"{store.stem}-packed.zarr")
        if not packed.exists():
            pack(open_store(store), str(packed))
        return [_ours("packed", store=str(packed))]
    return [PEERS["memmap"], PEERS["unfold"]]


def _ours(how: str, **settings: object) -> Way:
    return Way(f"{OURS.name}, {how}", OURS.module, settings=settings)
