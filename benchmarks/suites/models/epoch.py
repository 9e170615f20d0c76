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
from benchmarks.harness.results import parse
from benchmarks.harness.timing import Spread, rounds_of
from benchmarks.suites.models.epochs import (
    BEFORE,
    CALM,
    MOST_TURNS,
    OURS,
    RESIDENT,
    WAYS,
    Case,
    Cell,
    Epochs,
    Fit,
)
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError

if TYPE_CHECKING:
    from benchmarks.harness.training.fit_case import FitCase
    from benchmarks.harness.training.fit_process import FitProcess, Taken

__all__ = ["epoch"]

OF_LATENT = 4
"""A model is so many times as wide as its latent vector, as by default."""
BEGUN_AT_ONCE = 2
LONGEST_SECONDS = 300
MOST_MEGABYTES = 8000


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
    asked = Epochs(num_rows=(num_windows - 1) * stride + window, **options)
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


def _read_before(path: Path | None, asked: Epochs) -> tuple[Cell, ...]:
    """The cells that a file holds. Raises LongstrideError where it is of another log."""
    if path is None or not path.exists():
        return ()
    held = json.loads(path.read_text())
    if held.pop("benchmark") != Epochs.BENCHMARK:
        raise LongstrideError(f"{path} holds another benchmark: give another --json", code="option-value")
    before = parse(Epochs, held)
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


def _measure(case: Case, ways: Sequence[Way], asked: Epochs, folder: Path, whole: Sequence[str]) -> Cell:
    from tqdm import tqdm

    fit_case = _fit_case(case, asked, folder)
    found = {way.name: _Found() for way in ways}
    total = asked.processes * asked.rounds
    with tqdm(total=total, desc=f"{case.model} {case.hidden}", unit="round", disable=None) as bar:
        for number in range(asked.processes):
            _in_turn(fit_case, ways, asked, found, bar.update, whole if number == 0 else ())
    return Cell(case=case, ways=tuple(_figures(way, found, asked, case.batch) for way in ways))


def _fit_case(case: Case, asked: Epochs, folder: Path) -> "FitCase":
    from benchmarks.data.stores import case_of, warm
    from benchmarks.harness.training.fit_case import FitCase

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
    asked: Epochs,
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
    way: Way, case: "FitCase", asked: Epochs, found: Mapping[str, _Found], stack: ExitStack, work: Path
) -> "FitProcess | None":
    from benchmarks.harness.training.fit_process import FitProcess
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


def _figures(way: Way, found: Mapping[str, _Found], asked: Epochs, batch: int) -> Fit:
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
