"""`python -m benchmarks train`: what loading costs a training, compared with the same steps on one batch."""

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks.harness.machine import name_of
from benchmarks.harness.options import JSON, count, folder, listed, seconds
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.sizes import strides_of
from benchmarks.harness.tables import Table, left_out_line, spread
from benchmarks.harness.timing import Spread
from benchmarks.suites.budget import MINUTES, Budget
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError

if TYPE_CHECKING:
    from longstride import WindowBatch, WindowLoader
    from longstride.trainer.engine.distributed import Ranks
    from longstride.trainer.loop import Training

__all__ = ["Case", "Cell", "Train", "train"]

TRAIN = """\
## What loading costs a training

Steps of `longstride train` on {where}, from a warm store of {num_rows:,} rows of {num_channels} float32
channels, B = {batch}. The narrower a model is, the more loading can matter. They are compared with the same steps
of the same model and optimiser on one batch that stays in memory: nothing is loaded. The last column is the share
of the time in which the steps waited for the loader. The targets are 1.02 times, and 1 % of the time.

    python -m benchmarks train
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is trained: a model, on windows of `window` rows, `stride` apart, `batch` a step."""

    model: str
    hidden: int
    """Width of the model; its latent is half as wide."""
    window: int
    stride: int
    batch: int
    precision: str = "fp32"
    """Arithmetic of the model: fp32, bf16 or fp16."""

    def __str__(self) -> str:
        return f"{self.model} {self.precision}, K = {self.window}, stride {self.stride}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Figures of one case."""

    case: Case
    loader_milliseconds: Spread
    """Time of a step on the next batch of the loader, the wait for it included."""
    resident_milliseconds: Spread
    """Time of a step on one batch that stays in memory, the same at every step."""
    time_ratio: Spread
    """Ratio of the first to the second, round by round."""
    wait_share: float
    """Share of the time of all counted steps with the loader that was waited for batches, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Train(Result):
    """All cases on one device."""

    BENCHMARK = "train"
    INTRODUCTION = TRAIN
    device: str
    num_rows: int
    num_channels: int
    seed: int = SEED
    rounds: int
    seconds: float
    threads: dict[str, int] = field(default_factory=torch_threads)
    cells: tuple[Cell, ...] = ()
    left_out: tuple[str, ...] | None = None
    """What the minutes that were given did not suffice for."""

    def words(self) -> dict[str, Any]:
        """What is trained, and on what."""
        where = f"{self.threads['torch']} threads" if self.device == "cpu" else f"one {self.device}"
        return {"where": where, "batch": self.cells[0].case.batch, **vars(self)}

    @property
    def _precisions(self) -> set[str]:
        return {cell.case.precision for cell in self.cells}

    def section(self) -> str:
        """With what there was no time for."""
        return "\n".join([super().section(), *(f"{line}\n" for line in left_out_line(self.left_out))])

    def render(self) -> str:
        """With what there was no time for."""
        return "\n".join([super().render(), *left_out_line(self.left_out)])

    def table(self) -> Table:
        """A row a case."""
        return Table.of(
            self.cells,
            {
                "model": lambda cell: cell.case.model,
                "width": lambda cell: f"{cell.case.hidden}",
                **({"numbers": lambda cell: cell.case.precision} if len(self._precisions) > 1 else {}),
                "K": lambda cell: f"{cell.case.window:,}",
                "stride": lambda cell: f"{cell.case.stride:,}",
                "ms a step": lambda cell: f"{cell.loader_milliseconds.median:.2f}",
                "ms on one batch": lambda cell: f"{cell.resident_milliseconds.median:.2f}",
                "times that": lambda cell: spread(cell.time_ratio, digits=3),
                "waited for data": lambda cell: f"{cell.wait_share:.2%}",
            },
        )


@click.command(epilog=example("python -m benchmarks train --windows 64,512 --json train.json"))
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@count("--rows", 4_000_000, "Rows of the store.", "num_rows")
@count("--channels", 32, "Channels of the store.", "num_channels")
@listed("--models", "lstm", "As `longstride train` names them.", str)
@listed("--hidden", "16", "Widths of the models.")
@listed("--precisions", "fp32", "Arithmetic of the models: fp32, bf16, fp16.", str)
@listed("--windows", "64,512", "Window lengths K.")
@click.option("--strides", default="1,K", show_default=True, help="Strides, in parts of K.")
@count("--batch", 256, "Windows of a step.")
@count("--rounds", 80, "Measurements of a case.")
@seconds(0.25)
@MINUTES
@folder("build/windows")
@JSON
def train(
    device: str,
    models: Sequence[str],
    hidden: Sequence[int],
    precisions: Sequence[str],
    windows: Sequence[int],
    strides: str,
    batch: int,
    minutes: float | None,
    folder: Path,
    json_path: Path | None,
    **options: Any,
) -> None:
    """What loading costs a training of small models: the time of a step, and the share of it waited for data.

    The steps are those of `longstride train`: on the batches of its loader, compared with those on one
    batch that stays in memory, so that nothing is loaded. Both ways of a case take turns, with the same model and
    optimiser; memory of a step is kept for the next one, as `longstride train` does. The store is made in --folder
    once, and kept. The file of --json is written after each case: what was measured is not lost where the command
    is ended.
    """
    budget = Budget(minutes)
    from benchmarks.data.stores import prepare_store
    from longstride.storage.open import open_mapped
    from longstride.trainer.settings import FITTED

    if fitted := [model for model in models if model in FITTED]:
        raise LongstrideError(
            f"--models {fitted[0]}: it is fitted from one pass and takes no steps", code="option-value"
        )
    from longstride.pipeline.kept_memory import memory_kept
    from longstride.trainer.engine.distributed import start_ranks

    cases = [
        Case(model=model, hidden=width, window=window, stride=stride, batch=batch, precision=precision)
        for model in models
        for width in hidden
        for precision in precisions
        for window in windows
        for stride in strides_of(window, strides)
    ]
    with memory_kept(), start_ranks(device) as ranks:
        asked = Train(device=name_of(ranks.device), **options)
        store = prepare_store(folder, asked.num_rows, asked.num_channels)
        open_mapped(store).values.sum()  # warm
        found = asked
        for case in budget.cases(cases, str, "train"):
            cell = _measure(store, case, ranks, asked.rounds, asked.seconds)
            found = replace(found, cells=(*found.cells, cell))
            if json_path:
                found.write(json_path)
    replace(found, left_out=tuple(budget.left_out) or None).show(json_path)


class _Turn(NamedTuple):
    num_steps: int
    seconds: float
    waited: float
    """Part of `seconds`."""

    @property
    def milliseconds(self) -> float:
        """Milliseconds of one step."""
        return 1000 * self.seconds / self.num_steps


def _measure(store: Path, case: Case, ranks: "Ranks", rounds: int, seconds: float) -> Cell:
    """Turns of about `seconds` with the loader and without, one after the other."""
    with _training(store, case, ranks) as training:
        served = _endless(training.state.batches)
        resident = itertools.repeat(next(served))
        with_loader: list[_Turn] = []
        without: list[_Turn] = []
        for _ in range(1 + rounds):
            for batches, turns in ((served, with_loader), (resident, without)):
                if training.state.batches.pools:  # the next is made ahead, maybe in the turn of the other
                    _take_turn(training, batches, seconds)
                turns.append(_take_turn(training, batches, seconds))
    # In the first round the model touches its memory for the first time.
    del with_loader[0], without[0]
    times = [[turn.milliseconds for turn in turns] for turns in (with_loader, without)]
    return Cell(
        case=case,
        loader_milliseconds=Spread.of(times[0]),
        resident_milliseconds=Spread.of(times[1]),
        time_ratio=Spread.ratio(*times),
        wait_share=sum(turn.waited for turn in with_loader) / sum(turn.seconds for turn in with_loader),
    )


@contextmanager
def _training(store: Path, case: Case, ranks: "Ranks") -> Iterator["Training"]:
    """A run as `longstride train` begins it, in a directory that is removed afterwards."""
    from longstride.trainer.loop import Training
    from longstride.trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings, Settings

    with TemporaryDirectory() as out:
        settings = Settings(
            data=DataSettings(store=str(store), window=case.window, stride=case.stride, batch_size=case.batch),
            model=ModelSettings(model=case.model, hidden=case.hidden, latent=max(1, case.hidden // 2)),
            optimiser=OptimiserSettings(),
            run=RunSettings(out=out, seed=SEED, precision=case.precision),  # type: ignore[arg-type]
        )
        training = Training(settings, ranks, resume=False)
        training.deadline = training.save_at = math.inf  # `run` would set them
        try:
            yield training
        finally:
            training.directory.release()


def _endless(batches: "WindowLoader") -> Iterator["WindowBatch"]:
    for epoch in itertools.count():
        batches.set_epoch(epoch)
        yield from batches


def _take_turn(training: "Training", batches: Iterator["WindowBatch"], seconds: float) -> _Turn:
    """Take steps as the loop of the training does, one at least."""
    import torch

    num_steps, waited = 0, 0.0
    begin = time.perf_counter()
    while (began := time.perf_counter()) - begin < seconds or num_steps == 0:
        batch = next(batches)
        waited += time.perf_counter() - began
        training._step(batch)
        num_steps += 1
    if training.ranks.device.type == "cuda":
        torch.cuda.synchronize(training.ranks.device)
    return _Turn(num_steps, time.perf_counter() - begin, waited)
