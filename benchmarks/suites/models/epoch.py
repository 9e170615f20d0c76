"""`python -m benchmarks epoch`: how long a user waits for an epoch of training, beside what people write today."""

import json
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from benchmarks.harness.options import AGAINST, JSON, count, folder, listed, seconds
from benchmarks.harness.registry import Way
from benchmarks.harness.results import SEED, Result, parse, torch_threads
from benchmarks.harness.tables import Table, spread
from benchmarks.harness.timing import Spread, rounds_of
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError

if TYPE_CHECKING:
    from benchmarks.harness.fit_case import FitCase
    from benchmarks.harness.fit_process import FitProcess, Taken

__all__ = ["BEFORE", "OURS", "RESIDENT", "WAYS", "Case", "Cell", "Fit", "Wait", "epoch"]

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
OF_LATENT = 4
"""A model is so many times as wide as its latent vector, as by default."""
BEGUN_AT_ONCE = 2
CALM = 0.05
"""Of the machine's processor time, which other work may take in a turn that counts at once."""
MOST_TURNS = 3
LONGEST_SECONDS = 300
MOST_MEGABYTES = 8000


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
class Wait(Result):
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

    def with_cells(self, before: Sequence[Cell]) -> "Wait":
        """With these cells too, but for those of the same cases."""
        own = {cell.case: cell for cell in self.cells}
        kept = [own.pop(cell.case, cell) for cell in before]
        return replace(self, cells=(*kept, *own.values()))


def _or(value: Any, said: Callable[[Any], str], otherwise: str = "") -> str:
    return otherwise if value is None else said(value)


@click.command(epilog=example("python -m benchmarks epoch --models lstm --hidden 16 --json epoch.json"))
@count("--epoch-windows", 1_000_000, "Windows of an epoch.", "num_windows")
@count("--channels", 32, "Channels of the log.", "num_channels")
@listed("--models", "lstm", "As `longstride train` names them.", str)
@listed("--hidden", "128,16", "Widths of the models.")
@count("--window", 64, "Window length K.")
@count("--stride", 1, "Rows between windows.")
@count("--batch", 256, "Windows of a step.")
@click.option("--ways", default="all", show_default=True, help=f"all, or of {'; '.join(WAYS)}: with ; between.")
@click.option(
    "--whole", default="", help="Ways of which a whole epoch is run too, after the turns: with ; between."
)
@count("--processes", 2, "Processes of each way, one after the other.")
@count("--rounds", 4, "Measurements of a case, by each process.")
@seconds(1.5)
@AGAINST
@folder("build/windows")
@JSON
def epoch(
    models: Sequence[str],
    hidden: Sequence[int],
    window: int,
    stride: int,
    batch: int,
    ways: str,
    whole: str,
    against: Path | None,
    folder: Path,
    json_path: Path | None,
    **options: Any,
) -> None:
    """How long a user waits for an epoch of training: Longstride, and what people write today.

    The same data, model, batches and optimiser, by `longstride.train`, by a loop over a `DataLoader`, by Lightning
    and by libraries that train on windows, all in turn. With --against, `longstride.train` of another checkout
    takes part as "longstride before". Libraries that `make peers` has not installed are left out.

    Where the file of --json is there, cases are added to those that it holds, or replace the same ones.
    """
    from longstride.trainer.settings import FITTED

    if fitted := [model for model in models if model in FITTED]:
        raise LongstrideError(
            f"--models {fitted[0]}: it is fitted from one pass and takes no steps", code="option-value"
        )
    chosen = _chosen(ways, against)
    num_windows = options["num_windows"]
    asked = Wait(num_rows=(num_windows - 1) * stride + window, **options)
    before = _read_before(json_path, asked)
    cases = [
        Case(model=model, hidden=width, window=window, stride=stride, batch=batch)
        for model in models
        for width in hidden
    ]
    in_whole = _named(whole, "--whole")
    cells = tuple(_measure(case, chosen, asked, folder, in_whole) for case in cases)
    replace(asked, cells=cells).with_cells(before).show(json_path)


def _chosen(names: str, against: Path | None) -> list[Way]:
    """Ways by name, those that are installed; Longstride and the bound always."""
    named = [*WAYS] if names == "all" else _named(names, "--ways")
    found = [way for way in WAYS.values() if way in (RESIDENT, OURS) or (way.name in named and way.is_installed)]
    if against:
        found.insert(2, replace(OURS, name=BEFORE, settings={"checkout": str(against)}))
    return found


def _named(names: str, option: str) -> list[str]:
    found = [name.strip() for name in names.split(";") if name.strip()]
    if unknown := [name for name in found if name not in WAYS]:
        raise click.BadParameter(f"{unknown[0]!r}: expected all, or of {'; '.join(WAYS)}", param_hint=option)
    return found


def _read_before(path: Path | None, asked: Wait) -> tuple[Cell, ...]:
    """The cells that a file holds. Raises LongstrideError where it is of another log."""
    if path is None or not path.exists():
        return ()
    held = json.loads(path.read_text())
    if held.pop("benchmark") != Wait.BENCHMARK:
        raise LongstrideError(f"{path} holds another benchmark: give another --json", code="option-value")
    before = parse(Wait, held)
    names = ("num_rows", "num_channels", "num_windows", "threads", "processes", "rounds", "seconds")
    if other := [name for name in names if getattr(before, name) != getattr(asked, name)]:
        raise LongstrideError(
            f"{path} holds cases with other {', '.join(other)}: remove it, or give another --json",
            code="option-value",
        )
    return before.cells


@dataclass
class _Found:
    """What was measured of a way so far."""

    turns: list["Taken"] = field(default_factory=list)
    version: str | None = None
    cannot: str | None = None
    megabytes: float = 0.0
    whole: float | None = None


def _measure(case: Case, ways: Sequence[Way], asked: Wait, folder: Path, whole: Sequence[str]) -> Cell:
    from tqdm import tqdm

    fit_case = _fit_case(case, asked, folder)
    found = {way.name: _Found() for way in ways}
    total = asked.processes * asked.rounds
    with tqdm(total=total, desc=f"{case.model} {case.hidden}", unit="round", disable=None) as bar:
        for number in range(asked.processes):
            _in_turn(fit_case, ways, asked, found, bar.update, whole if number == 0 else ())
    return Cell(case=case, ways=tuple(_figures(way, found, asked, case.batch) for way in ways))


def _fit_case(case: Case, asked: Wait, folder: Path) -> "FitCase":
    from benchmarks.data.stores import case_of, warm
    from benchmarks.harness.fit_case import FitCase

    log = case_of(folder, asked.num_rows, asked.num_channels, case.window, case.stride, case.batch)
    warm(Path(log.store), Path(log.raw))
    return FitCase(
        **vars(log),
        model=case.model,
        hidden=case.hidden,
        latent=max(1, case.hidden // OF_LATENT),
        learning_rate=3e-3,
        clip_norm=1.0,
    )


def _in_turn(
    case: "FitCase",
    ways: Sequence[Way],
    asked: Wait,
    found: Mapping[str, _Found],
    done: Callable[[], object],
    whole: Sequence[str],
) -> None:
    """A process of each way, all rounds of them, and then a whole epoch of some."""
    with ExitStack() as stack:
        work = Path(stack.enter_context(TemporaryDirectory()))
        with ThreadPoolExecutor(BEGUN_AT_ONCE) as pool:  # imports take seconds each
            begin = partial(_begin, case=case, asked=asked, found=found, stack=stack, work=work)
            begun = {
                way.name: process for way, process in zip(ways, pool.map(begin, ways), strict=True) if process
            }
        for order in rounds_of([*begun], asked.rounds):
            for name in order:
                found[name].turns.append(_calm_turn(begun[name], asked.seconds))
            done()
        for name, process in begun.items():
            found[name].megabytes = max(found[name].megabytes, process.most_megabytes())
        for name in filter(begun.get, whole):
            taken = begun[name].take(num_steps=asked.num_windows // case.batch)
            found[name].whole = taken.seconds_for(asked.num_windows)


def _calm_turn(process: "FitProcess", seconds: float) -> "Taken":
    """The calmest of some turns; one, where nothing else works meanwhile.

    Steps of two threads on two cores take many times as long where other work has one of them.
    """
    turns: list[Taken] = []
    while len(turns) < MOST_TURNS and (not turns or turns[-1].others_share > CALM):
        turns.append(process.take(seconds=seconds, lead_in=seconds / 4))
    return min(turns, key=lambda turn: turn.others_share)


def _begin(
    way: Way, case: "FitCase", asked: Wait, found: Mapping[str, _Found], stack: ExitStack, work: Path
) -> "FitProcess | None":
    from benchmarks.harness.fit_process import FitProcess
    from benchmarks.harness.way_process import CannotServe

    if found[way.name].cannot:
        return None
    own = work / way.name.replace(" ", "-").replace(",", "")
    own.mkdir()
    limits = {"most_seconds": LONGEST_SECONDS, "most_megabytes": MOST_MEGABYTES}
    process = stack.enter_context(FitProcess(way, log=own / "log", **limits))
    settings = dict(way.settings)
    if "checkout" in settings:
        settings["checkout"] = str(_only_longstride(Path(settings["checkout"]), own))
    try:
        opened = process.open(replace(case, folder=str(own), **settings))
    except CannotServe as error:
        found[way.name].cannot = str(error)
        return None
    found[way.name].version = process.version
    if opened["threads"] != asked.threads["torch"]:
        raise LongstrideError(
            f"{way.name} trains on {opened['threads']} threads, expected {asked.threads['torch']} for all",
            code="option-value",
        )
    return process


def _only_longstride(checkout: Path, folder: Path) -> Path:
    """A copy of the package of another checkout, without its benchmarks: those of this one ask it."""
    shutil.copytree(checkout / "longstride", folder / "longstride")
    return folder


def _figures(way: Way, found: Mapping[str, _Found], asked: Wait, batch: int) -> Fit:
    own = found[way.name]
    if own.cannot:
        return Fit(way=way.name, version=own.version, cannot=own.cannot)
    seconds = {name: [turn.seconds_for(asked.num_windows) for turn in each.turns] for name, each in found.items()}
    return Fit(
        way=way.name,
        version=own.version,
        num_steps=sum(turn.windows for turn in own.turns) // batch,
        seconds=Spread.of(seconds[way.name]),
        whole_epoch_seconds=own.whole,
        to_resident=Spread.ratio(seconds[way.name], seconds[RESIDENT.name]),
        to_ours=Spread.ratio(seconds[way.name], seconds[OURS.name]),
        cpu_seconds=asked.num_windows * statistics.median(turn.cpu_seconds_of_window for turn in own.turns),
        peak_megabytes=own.megabytes,
        others_share=statistics.median(turn.others_share for turn in own.turns),
    )
