"""Measuring ways of serving windows: each checked, tuned, and then all of a case in turn."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.data.stores import case_of
from benchmarks.harness.case import Case
from benchmarks.harness.page_cache import evict
from benchmarks.harness.registry import COPY, OURS, Way
from benchmarks.harness.timing import Spread, rounds_of
from benchmarks.harness.way_process import CannotServe, Served, WayProcess
from benchmarks.suites.cells import Cell, Epoch

__all__ = ["Turns", "measure"]

OPENINGS = 3
OPENING_SECONDS = 1.0
"""A case is opened up to three times within a second, for the time to the first batch."""
LEAD_IN_SECONDS = 0.1
"""Start of each turn that is not counted: a way may have prepared something since its last one."""
WARM_UP_SECONDS = 1.0
"""Before a number of workers is tried: pages are mapped, and workers have begun."""
MOST_SECONDS = 60.0
MOST_MEGABYTES = 4000.0
MEMORY_SECONDS = 1.0
TOGETHER = 5
"""Peers that are measured in turn with ours and the fair copy."""

WRITTEN = "written-{}-{}-{}"
"""Folder of the windows that a way has written out, by its name, K and stride."""
CHECKED_WINDOWS = 200
CHECKED_BATCH = 16
CHECKED_CHANNELS = 3


@dataclass(frozen=True, kw_only=True)
class Turns:
    """How a case is measured."""

    rounds: int
    seconds: float
    """Length of each turn."""
    processes: int = 1
    """Processes of each way, one after the other, among which the rounds are dealt out: the pages of memory that a
    process happens to get make it a few percent faster or slower than the next."""
    cold: bool = False
    """Whether nothing of the log is in memory when a turn begins; it then begins with opening the log."""


def measure(cases: Sequence[Case], ways: Sequence[Way], folder: Path, turns: Turns) -> Iterator[Cell]:
    """Measure each case with ours, the fair copy and a few others in turn, then with the next few others.

    First the windows that each way serves are checked. Each way is a process, with the environment of its library;
    all at once, they would take the memory from each other. Windows written out beforehand, and what the processes
    print, lie in `folder`. The logs are to be warm.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(WRITTEN.format("*", "*", "*")):  # by a measurement that was killed, and not whole
        shutil.rmtree(left)
    always = [way for way in ways if way in (OURS, COPY)]
    others = [way for way in ways if way not in always]
    groups = [others[first : first + TOGETHER] for first in range(0, len(others), TOGETHER)] or [[]]
    bar = tqdm(total=len(cases) * len(groups), desc="measure", unit="case", disable=None)
    for group in groups:
        with ExitStack() as stack:
            running = [stack.enter_context(_process(way, folder)) for way in [*always, *group]]
            tuned: dict[tuple[str, int], int] = {}
            for case in cases:
                trials = [_Trial(process, case, folder) for process in running]
                for cell in _measure(case, trials, tuned, turns):
                    if group is groups[0] or cell.way not in (OURS.name, COPY.name):
                        yield cell
                bar.update()


def _process(way: Way, folder: Path) -> WayProcess:
    log = folder / f"{way.name.replace(' ', '-')}.log"
    return WayProcess(way, most_seconds=MOST_SECONDS, most_megabytes=MOST_MEGABYTES, log=log)


@dataclass
class _Trial:
    """One way in one case, and what is known of it so far."""

    process: WayProcess
    case: Case
    folder: Path
    cannot: str | None = None
    epoch: Epoch | None = None
    firsts: list[float] = field(default_factory=list)
    turns: list[Served] = field(default_factory=list)
    peak_megabytes: float | None = None
    written_gigabytes: float | None = None

    @property
    def name(self) -> str:
        return self.process.way.name


def _measure(
    case: Case, trials: Sequence[_Trial], tuned: dict[tuple[str, int], int], turns: Turns
) -> Iterator[Cell]:
    def each(step: Callable[[_Trial], object], order: Sequence[_Trial] = trials) -> None:
        for trial in order:
            if trial.cannot is None:
                try:
                    step(trial)
                except CannotServe as reason:
                    trial.cannot = str(reason)

    turn = _cold_turn if turns.cold else _turn
    each(lambda trial: _prepare(trial, tuned, turns))
    processes = min(turns.processes, turns.rounds)
    orders = rounds_of(trials, processes + turns.rounds)
    for number in range(processes):
        if number:
            each(lambda trial: _begin_again(trial, turns))
        # Not counted: they touch their memory for the first time.
        each(lambda trial: turn(trial, turns), next(orders))
        for order in islice(orders, len(range(number, turns.rounds, processes))):
            each(lambda trial: trial.turns.append(turn(trial, turns)), order)
    each(lambda trial: _weigh(trial, turns))
    each(lambda trial: trial.process.close())
    for trial in trials:
        if trial.case.folder:  # a way that was ended has left it
            shutil.rmtree(trial.case.folder, ignore_errors=True)
    rates = {
        trial.name: [turn.windows_per_second for turn in trial.turns] for trial in trials if trial.cannot is None
    }
    for trial in trials:
        yield _cell(case, trial, rates, turns)


def _prepare(trial: _Trial, tuned: dict[tuple[str, int], int], turns: Turns) -> None:
    """Check what is served, find the number of workers, and leave the case open."""
    process, case = trial.process, trial.case
    if not process.way.is_installed:
        raise CannotServe("not installed (`make peers`)")
    process.begin()
    if process.way.module != COPY.module:  # which serves no windows
        trial.epoch = _check(process, case, trial.folder)
    if process.writes:
        case = replace(case, folder=str(trial.folder / WRITTEN.format(trial.name, case.window, case.stride)))
    key = trial.name, case.window
    trial.case = case
    if key not in tuned:
        tuned[key] = _best_workers(process, case, turns.seconds)
    trial.case = replace(case, **{"workers": tuned[key], **process.way.settings})
    while len(trial.firsts) < OPENINGS and sum(trial.firsts) < OPENING_SECONDS:
        opened = process.open(trial.case)
        trial.firsts.append(opened["first_batch_seconds"])
    if process.writes:
        share = len(case.written) / len(case.starts) if process.writes == "windows" else 1
        trial.written_gigabytes = opened["written_bytes"] / share / 1e9
    if turns.cold:
        process.close()


def _begin_again(trial: _Trial, turns: Turns) -> None:
    trial.process.end()
    trial.process.open(trial.case)
    if turns.cold:
        trial.process.close()


def _check(process: WayProcess, case: Case, folder: Path) -> Epoch:
    """Serve an epoch of a small log. Raises CannotServe where a window is none of the log."""
    num_rows = case.window + (CHECKED_WINDOWS - 1) * case.stride
    small = case_of(folder / "checked", num_rows, CHECKED_CHANNELS, case.window, case.stride, CHECKED_BATCH)
    with tempfile.TemporaryDirectory(dir=folder) as written:
        process.open(replace(small, folder=f"{written}/windows" if process.writes else ""))
        starts, _ = process.starts()
        process.close()
    return Epoch(CHECKED_WINDOWS, len(starts), len(set(starts)))


def _best_workers(process: WayProcess, case: Case, seconds: float) -> int:
    if len(process.workers) == 1:
        return process.workers[0]
    rates = {}
    for workers in process.workers:
        try:
            process.open(replace(case, workers=workers))
            rates[workers] = process.serve(seconds, WARM_UP_SECONDS).windows_per_second
        except CannotServe as reason:
            cannot = reason
    if not rates:
        raise cannot
    return max(rates, key=lambda workers: rates[workers])


def _turn(trial: _Trial, turns: Turns) -> Served:
    return trial.process.serve(turns.seconds, LEAD_IN_SECONDS)


def _cold_turn(trial: _Trial, turns: Turns) -> Served:
    """From opening the log on. No other process maps it then: a mapped page would stay in memory."""
    case = trial.case
    evict(_files(case))
    first = trial.process.open(case)["first_batch_seconds"]
    served = trial.process.serve(turns.seconds, 0)
    trial.process.close()
    return replace(served, windows=served.windows + case.batch, seconds=served.seconds + first)


def _files(case: Case) -> Iterable[Path]:
    return [Path(case.raw), *(path for path in Path(case.store).rglob("*") if path.is_file())]


def _weigh(trial: _Trial, turns: Turns) -> None:
    if turns.cold:
        trial.process.open(trial.case)
    trial.peak_megabytes = trial.process.peak_megabytes(MEMORY_SECONDS)


def _cell(case: Case, trial: _Trial, rates: dict[str, list[float]], turns: Turns) -> Cell:
    sizes = {name: getattr(case, name) for name in ("window", "stride", "batch", "num_rows", "num_channels")}
    head: dict[str, Any] = {"way": trial.name, "version": trial.process.version, **sizes}
    if trial.cannot is not None:
        return Cell(**head, cannot=trial.cannot)
    mine = rates[trial.name]
    return Cell(
        **head,
        workers=trial.case.workers,
        windows_per_second=Spread.of(mine),
        ratio_to_copy=Spread.ratio(mine, rates[COPY.name]) if COPY.name in rates else None,
        ours_to_it=Spread.ratio(rates[OURS.name], mine) if OURS.name in rates else None,
        first_batch_seconds=Spread.of(trial.firsts),
        cpu_seconds_per_gigabyte=_cpu_seconds_per_gigabyte(trial, turns),
        disk_megabytes=sum(turn.disk_megabytes for turn in trial.turns) / turns.rounds,
        peak_megabytes=trial.peak_megabytes,
        written_gigabytes=trial.written_gigabytes,
        epoch=trial.epoch,
    )


def _cpu_seconds_per_gigabyte(trial: _Trial, turns: Turns) -> float:
    # The lead-in costs as well, and its windows are not counted: its share of a turn is taken off.
    counted = turns.seconds / (turns.seconds + (0 if turns.cold else LEAD_IN_SECONDS))
    window_bytes = trial.case.window * trial.case.num_channels * 4
    gigabytes = sum(turn.windows for turn in trial.turns) * window_bytes / 1e9
    return sum(turn.cpu_seconds for turn in trial.turns) * counted / gigabytes
