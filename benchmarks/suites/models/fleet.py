"""`python -m benchmarks fleet`: many short files, a model for each, from raw files to an evaluation."""

import json
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.commands import python
from benchmarks.harness.options import JSON, count, folder
from benchmarks.harness.results import SEED, Result, torch_threads
from benchmarks.harness.tables import Table
from longstride.storage.cli.group import example

__all__ = ["Fleet", "Step", "fleet"]

FLEET = """\
## A model for each of many short files

{num_files:,} made-up files of {num_rows:,} rows, from raw files to an evaluation: four commands as a user types
them, imports included. The model is {model} with its defaults, trained on the first {train_share:.0%} of each.
VUS-PR of all files together: {vus_pr:.3f}; F1 at the own threshold {f1:.3f}, best F1 {best_f1:.3f}.

    python -m benchmarks fleet
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command."""

    command: str
    seconds: float
    """By the clock, which counts what else the machine does."""
    cpu_seconds: float
    """Of the command and its processes."""


@dataclass(frozen=True, kw_only=True)
class Fleet(Result):
    """All commands."""

    BENCHMARK = "fleet"
    INTRODUCTION = FLEET
    num_files: int
    num_rows: int
    num_channels: int
    model: str
    train_share: float
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    steps: tuple[Step, ...] = ()
    vus_pr: float = 0.0
    f1: float = 0.0
    best_f1: float = 0.0

    def table(self) -> Table:
        """A row a command, and one for all."""
        total = Step(
            command="all",
            seconds=sum(step.seconds for step in self.steps),
            cpu_seconds=sum(step.cpu_seconds for step in self.steps),
        )
        return Table.of(
            [*self.steps, total],
            {
                "command": lambda step: step.command,
                "seconds": lambda step: f"{step.seconds:.1f}",
                "CPU seconds": lambda step: f"{step.cpu_seconds:.1f}",
            },
        )


@click.command(epilog=example("python -m benchmarks fleet --files 34 --rows 1000 --json fleet.json"))
@count("--files", 34, "Files, a machine each.", "num_files")
@count("--rows", 1000, "Rows of a file.", "num_rows")
@click.option("--model", default="lstm", show_default=True, help="As `longstride train` names it.")
@click.option("--train-share", type=float, default=0.4, show_default=True, help="Of each file; faults come later.")
@folder("build/fleet")
@JSON
def fleet(folder: Path, json_path: Path | None, **options: Any) -> None:
    """Many short files: ingest them, train a model for each, score by these, and evaluate.

    --folder is emptied first.
    """
    from benchmarks.data.fleet import NUM_CHANNELS, write_fleet

    asked = Fleet(num_channels=NUM_CHANNELS, **options)
    shutil.rmtree(folder, ignore_errors=True)
    write_fleet(folder / "logs", files=asked.num_files, rows=asked.num_rows, seed=asked.seed)
    store, run, scores = folder / "fleet.zarr", folder / "run", folder / "scores.parquet"
    keys = ("--time", "time", "--series-from", "(?P<series>machine-[0-9]+)", "--labels", "fault")
    shares = ("--train-share", asked.train_share, "--validation-share", asked.train_share / 4)
    steps = [
        _timed("ingest", lambda: python("longstride", "ingest", folder / "logs", "--out", store, *keys)),
        _timed(
            "train --per-series",
            lambda: python(
                *("longstride", "train", store, "--out", run, "--per-series", "--model", asked.model), *shares
            ),
        ),
        _timed("score", lambda: python("longstride", "score", run, store, "--out", scores)),
    ]
    judged = []
    evaluation = ("longstride", "evaluate", scores, store, "--json")
    steps.append(_timed("evaluate", lambda: judged.append(json.loads(python(*evaluation)))))
    figures = next(one for one in judged[0] if one["series"] == "all")
    found = {name: figures[name] for name in ("vus_pr", "f1", "best_f1")}
    replace(asked, steps=tuple(steps), **found).show(json_path)


def _timed(command: str, work: Callable[[], object]) -> Step:
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Step(command=command, seconds=seconds, cpu_seconds=cpu)
