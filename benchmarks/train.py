"""`python -m benchmarks train`: what loading costs a training, beside the same steps on one batch."""

import itertools
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from tqdm import tqdm

from benchmarks.stores import SEED
from benchmarks.timing import Spread
from longstride import WindowBatch, WindowLoader
from longstride.storage.errors import LongstrideError
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.loop import Training
from longstride.trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings, Settings

__all__ = ["Case", "Cell", "as_json", "cases", "measure", "render"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is trained: a model, on windows of `window` rows, `stride` apart, `batch` a step."""

    model: str
    hidden: int
    """Width of the model; its latent is half as wide."""
    window: int
    stride: int
    batch: int


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Figures of one case."""

    case: Case
    loader_milliseconds: Spread
    """Of a step on the next batch of the loader, the wait for it included."""
    resident_milliseconds: Spread
    """Of a step on one batch that stays where it is, the same at every step."""
    time_ratio: Spread
    """Of the first to the second, round by round."""
    wait_share: float
    """Share of the time of all counted steps with the loader that was waited for batches, 0 to 1."""


def cases(models: Sequence[str], widths: Sequence[int], windows: Sequence[int], batch: int) -> list[Case]:
    """Stride 1 and K for each model of each width and each K."""
    if "pca" in models:
        raise LongstrideError("--models pca: it is fitted from one pass and takes no steps")
    return [
        Case(model=model, hidden=hidden, window=window, stride=stride, batch=batch)
        for model in models
        for hidden in widths
        for window in windows
        for stride in sorted({1, window})
    ]


def measure(store: Path, chosen: Sequence[Case], ranks: Ranks, *, rounds: int, seconds: float) -> Iterator[Cell]:
    """Measure each case: turns of about `seconds` with the loader and without, one after the other."""
    for case in tqdm(chosen, desc="train", unit="case", disable=None):
        with _training(store, case, ranks) as training:
            yield _measure(training, case, rounds, seconds)


class _Turn(NamedTuple):
    num_steps: int
    seconds: float
    waited: float
    """Part of `seconds`."""

    @property
    def milliseconds(self) -> float:
        """Of a step."""
        return 1000 * self.seconds / self.num_steps


def _measure(training: Training, case: Case, rounds: int, seconds: float) -> Cell:
    served = _endless(training.state.batches)
    resident = itertools.repeat(next(served))
    with_loader: list[_Turn] = []
    without: list[_Turn] = []
    for _ in range(1 + rounds):
        for batches, turns in ((served, with_loader), (resident, without)):
            if training.state.batches.pools:  # the next is made ahead, and may have been in the turn of the other
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
def _training(store: Path, case: Case, ranks: Ranks) -> Iterator[Training]:
    """A run as `longstride train` begins it, in a directory that is removed afterwards."""
    with TemporaryDirectory() as out:
        settings = Settings(
            data=DataSettings(store=str(store), window=case.window, stride=case.stride, batch_size=case.batch),
            model=ModelSettings(model=case.model, hidden=case.hidden, latent=max(1, case.hidden // 2)),
            optimiser=OptimiserSettings(),
            run=RunSettings(out=out, seed=SEED),
        )
        training = Training(settings, ranks, resume=False)
        training.deadline = training.save_at = math.inf  # `run` would set them
        try:
            yield training
        finally:
            training.directory.release()


def _endless(batches: WindowLoader) -> Iterator[WindowBatch]:
    for epoch in itertools.count():
        batches.set_epoch(epoch)
        yield from batches


def _take_turn(training: Training, batches: Iterator[WindowBatch], seconds: float) -> _Turn:
    """Take steps as the loop of the training does, one at least."""
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


def render(cells: Sequence[Cell]) -> str:
    """Table for a terminal."""
    lines = [
        f"{'model':>12} {'wide':>5} {'K':>6} {'stride':>6} {'batch':>6} {'ms a step':>10} {'on one batch':>12}"
        f" {'times that':>22} {'waited':>7}"
    ]
    for cell in cells:
        case, ratio = cell.case, cell.time_ratio
        lines.append(
            f"{case.model:>12} {case.hidden:>5} {case.window:>6} {case.stride:>6} {case.batch:>6}"
            f" {cell.loader_milliseconds.median:>10.2f} {cell.resident_milliseconds.median:>12.2f}"
            f" {ratio.median:>6.3f} ({ratio.minimum:.3f} to {ratio.maximum:.3f}) {cell.wait_share:>7.2%}"
        )
    return "\n".join(lines)


def as_json(
    cells: Sequence[Cell], device: torch.device, num_rows: int, num_channels: int, rounds: int, seconds: float
) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    return {
        "benchmark": "train",
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "num_rows": num_rows,
        "num_channels": num_channels,
        "seed": SEED,
        "rounds": rounds,
        "seconds": seconds,
        "threads": {"torch": torch.get_num_threads()},
        "cells": [asdict(cell) for cell in cells],
    }
