"""`python -m benchmarks sweep`: one of channels, batch size, workers, layout and source varied at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import JSON, count, folder, listed, seconds
from benchmarks.harness.registry import COPY, OURS, PEERS, Way
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.tables import Table, machine_line, spread
from benchmarks.harness.timing import Spread
from benchmarks.suites.cells import Cell, table_of
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    from benchmarks.suites.serving import Turns

__all__ = ["Sweep", "measure", "sweep"]

CHANNELS = (1, 8, 32, 128)
BATCHES = (32, 256, 1024)
WORKERS = (1, 2, 4)
NUM_VALUES = 128_000_000
BATCH, NUM_CHANNELS = 256, 32
SOURCE_CHANNELS = 16

SWEEPS = {
    "channels": "### By channels\n\nAll logs have as many values: with more channels there are fewer rows.\n",
    "batch": "### By batch size\n",
    "workers": "### With workers\n\nWorkers draw the order and read ahead; they do not gather batches.\n",
    "layout": "### By layout\n\nRandom values, which no codec can compress: decoding alone is measured.\n",
    "source": """\
### By source

The same rows as a store, a `.npy` and a safetensors file, all read from disk again before. How much of each then
lies in large pages (2 MB) depends on the memory that is free: {large_pages}. Windows in small pages are copied up
to a quarter more slowly, whatever the file: where these shares differ, so do the speeds.
""",
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
    large_pages: dict[str, float] | None = None
    """Of each source: the share that this process had mapped in large pages, before the first case."""
    cells: tuple[Cell, ...] = ()

    def section(self) -> str:
        """All that is served, without the copy."""
        shown = self._shown(cell for cell in self.cells if cell.cannot is None and cell.way != COPY.name)
        shares = (f"{share:.0%} of the {name}" for name, share in (self.large_pages or {}).items())
        introduction = SWEEPS[self.axis].format(large_pages=", ".join(shares))
        num_values = self.cells[0].num_rows * self.cells[0].num_channels
        size = "" if num_values == NUM_VALUES else f" --values {num_values}"
        command = f"    python -m benchmarks sweep --axis {self.axis}{size}\n"
        return "\n".join([introduction, command, machine_line(self), "", shown.markdown(), ""])

    def table(self) -> Table:
        """All that was measured."""
        return self._shown(self.cells)

    def _shown(self, cells: Iterable[Cell]) -> Table:
        return _compared(cells) if self.axis == "source" else table_of(cells)


@click.command(epilog=example("python -m benchmarks sweep --axis channels --json sweep-channels.json"))
@click.option("--axis", type=click.Choice([*SWEEPS]), required=True)
@count("--values", NUM_VALUES, "Values of the log.")
@listed("--windows", "64,512", "Window lengths K; stride 1 and K.")
@count("--rounds", 7, "Measurements of a case.")
@seconds(0.5)
@folder("build/windows")
@JSON
def sweep(values: int, windows: Sequence[int], folder: Path, json_path: Path | None, **options: Any) -> None:
    """Windows per second with one of channels, batch size, workers, layout and source varied.

    N = 1, 8, 32, 128 from logs of as many values; B = 32, 256, 1024; 0, 1, 2, 4 workers; a mapped and a packed
    store; a store and files of the same rows, at N = 16. All ways of a case are measured in turn. The stores are
    made in --folder once, and kept.
    """
    from benchmarks.suites.serving import Turns

    asked = Sweep(**options)
    turns = Turns(rounds=asked.rounds, seconds=asked.seconds)
    if asked.axis == "source":
        asked = replace(asked, large_pages=_read_again(folder, values))
    replace(asked, cells=tuple(measure(asked.axis, folder, values, windows, turns))).show(json_path)


def measure(axis: str, folder: Path, num_values: int, windows: Sequence[int], turns: "Turns") -> Iterator[Cell]:
    """Windows at stride 1 and K, from logs of so many values however many channels they have.

    With the fair copy and the peers that need no other library; for workers, the packed layout and other sources,
    with ours that has none of them.
    """
    from benchmarks.data.stores import case_of, warm
    from benchmarks.suites import serving

    channels = {"channels": CHANNELS, "source": (SOURCE_CHANNELS,)}.get(axis, (NUM_CHANNELS,))
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
    from benchmarks.data.stores import prepare_files

    if axis == "workers":
        return [_ours(f"{number} workers", workers=number) for number in WORKERS]
    if axis == "layout":
        from longstride.pipeline.packing.pack import pack
        from longstride.storage.open import open_store

        packed = store.with_name(f"{store.stem}-packed.zarr")
        if not packed.exists():
            pack(open_store(store), str(packed))
        return [_ours("packed", store=str(packed))]
    if axis == "source":
        return [_ours(file.suffix, store=str(file)) for file in prepare_files(store)]
    return [PEERS["memmap"], PEERS["unfold"]]


def _ours(how: str, **settings: object) -> Way:
    return Way(f"{OURS.name}, {how}", OURS.module, settings=settings)


def _read_again(folder: Path, num_values: int) -> dict[str, float]:
    """Have a store and the files of its rows read from disk as the loader maps them."""
    from benchmarks.data.stores import prepare_files, prepare_store
    from benchmarks.harness.page_cache import evict, large_page_share
    from longstride.storage.open_data import opened_data

    store = prepare_store(folder, num_values // SOURCE_CHANNELS, SOURCE_CHANNELS)
    files = prepare_files(store)
    evict(path for path in [*store.rglob("*"), *files] if path.is_file())
    found = {}
    for path in (store, *files):
        values = opened_data(path).values
        values[:].sum()
        found[path.suffix] = large_page_share(values[:])
    return found


def _compared(cells: Iterable[Cell]) -> Table:
    """A row a case and source: its speed, and compared with that of the store."""
    columns = {
        "K": lambda cell: f"{cell.window:,}",
        "stride": lambda cell: f"{cell.stride:,}",
        "": lambda cell: cell.way,
        "windows/s": lambda cell: f"{cell.rate:,.0f}",
        "of the store": lambda cell: spread(_inverse(cell.ours_to_it)),
        "of the copy": lambda cell: cell.of_the_copy,
        "first batch": lambda cell: f"{cell.first_batch_seconds.median:.2f} s",
    }
    return Table.of(cells, columns)


def _inverse(ratio: Spread) -> Spread:
    return Spread(1 / ratio.median, 1 / ratio.maximum, 1 / ratio.minimum)
