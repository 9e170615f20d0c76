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

from benchmarks.evict import evict
from benchmarks.peers.case import Case
from benchmarks.stores import SEED, prepare_raw, prepare_store
from benchmarks.timing import Spread, rounds_of
from benchmarks.way_process import CannotServe, Served, WayProcess
from benchmarks.ways import COPY, OURS, Way

__all__ = ["Cell", "Epoch", "Turns", "case_of", "measure", "render"]

OPENINGS = 3
OPENING_SECONDS = 1.0
"""A case is opened up to three times within a second, for the time to the first batch."""
LEAD_IN_SECONDS = 0.1
"""Of each turn, not counted: a way may have prepared something since its last one."""
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


@dataclass(frozen=True)
class Epoch:
    """What an epoch of a small log held: each window's values are those of the log, or there would be no cell."""

    windows: int
    """That the log has."""
    served: int
    distinct: int


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
    """Of all its processes, by gigabyte of windows."""
    disk_megabytes: float | None = None
    """Read from the disk itself, a turn."""
    peak_megabytes: float | None = None
    """Of memory that is its own, of all its processes, while it serves; pages of mapped files are the system's."""
    written_gigabytes: float | None = None
    """On disk for all windows of the log, where they are written out beforehand, or for the log itself."""
    epoch: Epoch | None = None


@dataclass(frozen=True, kw_only=True)
class Turns:
    """How a case is measured."""

    rounds: int
    seconds: float
    """Of each turn."""
    processes: int = 1
    """Of each way, one after the other, among which the rounds are dealt out: the pages of memory that a process
    happens to get make it a few percent faster or slower than the next."""
    cold: bool = False
    """Whether nothing of the log is in memory when a turn begins; it then begins with opening the log."""


def case_of(folder: Path, num_rows: int, num_channels: int, window: int, stride: int, batch: int) -> Case:
    """A case over a log that is made in a folder, unless it is there."""
    store = prepare_store(folder, num_rows, num_channels).resolve()
    return Case(
        store=str(store),
        raw=str(prepare_raw(store)),
        num_rows=num_rows,
        num_channels=num_channels,
        window=window,
        stride=stride,
        batch=batch,
        seed=SEED,
    )


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
            each(lambda trial: _begin_anew(trial, turns))
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


def _begin_anew(trial: _Trial, turns: Turns) -> None:
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
    """From opening the log on. Nobody else maps it then: a page that is mapped would stay in memory."""
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


def render(cells: Sequence[Cell]) -> str:
    """Table for a terminal."""
    lines = [
        f"{'K':>6} {'stride':>6} {'B':>6} {'N':>4} {'way':<21} {'windows/s':>12} {'GB/s':>6} {'of the copy':>20}"
        f" {'ours to it':>10} {'first batch':>11} {'CPU s/GB':>9} {'own MB':>7} {'workers':>7}"
    ]
    for cell in cells:
        head = f"{cell.window:>6} {cell.stride:>6} {cell.batch:>6} {cell.num_channels:>4} {cell.way:<21}"
        if cell.windows_per_second is None or cell.first_batch_seconds is None:
            lines.append(f"{head} {cell.cannot}")
            continue
        rate, ratio, ours = cell.windows_per_second.median, cell.ratio_to_copy, cell.ours_to_it
        gigabytes = rate * cell.window * cell.num_channels * 4 / 1e9
        copy = f"{ratio.median:.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})" if ratio else ""
        times = f"{ours.median:.1f}" if ours else ""
        lines.append(
            f"{head} {rate:>12,.0f} {gigabytes:>6.2f} {copy:>20} {times:>10}"
            f" {cell.first_batch_seconds.median:>9.3f} s {cell.cpu_seconds_per_gigabyte:>9.2f}"
            f" {cell.peak_megabytes:>7,.0f} {cell.workers:>7}"
        )
    return "\n".join(lines)
