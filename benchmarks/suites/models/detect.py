"""`python -m benchmarks detect`: how well the scores of each model find what is labelled."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.commands import python
from benchmarks.harness.options import JSON, count, folder, listed
from benchmarks.harness.results import SEED, Result, parse, torch_threads
from benchmarks.harness.tables import Table, machine_line, spread
from benchmarks.harness.timing import Spread
from benchmarks.suites.models.labelled_logs import LOGS
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError
from longstride.trainer.settings import known_model

__all__ = ["FIGURES", "RATIO", "Detection", "Detections", "detect", "flags"]

RATIO = "f1_of_best"
FIGURES = (
    *("vus_pr", "auc_pr", "auc_roc", "f1", "best_f1", RATIO),
    *("event_recall", "false_events_per_hour", "false_alarm_rate"),
)
"""What is kept of the figures of `longstride evaluate`, and F1 at the own threshold in parts of the best F1."""
WITHOUT_STEPS = (
    *("window", "stride", "latent", "centres", "centre", "normal-only", "per-series"),
    *("split", "train-share", "train-rows", "validation-share", "validation-rows"),
)
"""Settings that a model without steps knows."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Figures of one model over its seeds, on all series and any label."""

    model: str
    seeds: int
    rows: int
    labelled: int
    spans: int
    figures: dict[str, Spread]
    """As `longstride evaluate` names them, and the ratio of F1 at the own threshold to the best F1."""
    validation_loss: Spread | None
    """None of a model for each series."""


@dataclass(frozen=True, kw_only=True)
class Detections(Result):
    """All models on one log."""

    BENCHMARK = "detection"
    log: str
    since: str = ""
    """From when on rows were judged; empty where all were."""
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    settings: dict[str, Any]
    """Settings of training, by the name of the option."""
    models: tuple[Detection, ...]

    def table(self) -> Table:
        """A row a model."""
        return Table.of(
            self.models,
            {
                "model": lambda one: one.model,
                "seeds": lambda one: f"{one.seeds}",
                "VUS-PR": lambda one: _spread(one, "vus_pr"),
                "AUC-PR": lambda one: _spread(one, "auc_pr"),
                "F1": lambda one: _spread(one, "f1"),
                "best F1": lambda one: _spread(one, "best_f1"),
                "F1 / best": lambda one: _spread(one, RATIO, 2),
                "spans found": lambda one: f"{one.figures['event_recall'].median:.0%}",
                "false alarms an hour": lambda one: _spread(one, "false_events_per_hour"),
                "normal rows in alarm, of 1,000": lambda one: _spread(one, "false_alarm_rate", 1, 1000),
            },
        )

    def section(self) -> str:
        """Section of docs/results.md, which says plainly which models are as good as the baseline."""
        first = self.models[0]
        names = ",".join(model.model for model in self.models)
        seeds = max(one.seeds for one in self.models)
        words = {**vars(first), "names": names, "since": self.since, "seeds": seeds}
        introduction = LOGS[self.log].format(**words, chance=first.labelled / first.rows)
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        parts = [introduction, f"Settings: {settings}.", machine_line(self), "", self.table().markdown(), ""]
        return "\n".join([*parts, *self._verdict()])

    def _verdict(self) -> Iterator[str]:
        medians = {model.model: model.figures["vus_pr"].median for model in self.models}
        baseline = medians.pop("pca", None)
        if baseline is None or not medians:
            return
        groups = {
            "at least as good as": [name for name, found in medians.items() if found >= baseline],
            "not as good as": [name for name, found in medians.items() if found < baseline],
        }
        said = [
            f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} {how} PCA"
            for how, names in groups.items()
            if names
        ]
        yield f"By VUS-PR, {'; '.join(said)} ({baseline:.3f}).\n"

    def with_models(self, others: Sequence[Detection]) -> "Detections":
        """These and others of the same log; of two of one name, this one."""
        own = {model.model: model for model in self.models}
        kept = [own.pop(model.model, model) for model in others]
        return replace(self, models=(*kept, *own.values()))


def _spread(one: Detection, name: str, digits: int = 3, times: float = 1) -> str:
    found = one.figures[name]
    if one.seeds == 1:
        return f"{times * found.median:.{digits}f}"
    return spread(Spread(*(times * value for value in (found.median, found.minimum, found.maximum))), digits)


@click.command(
    epilog=example("python -m benchmarks detect first.zarr second.zarr --settings benchmarks/settings/gecco.toml")
)
@click.argument("train", type=click.Path(exists=True, path_type=Path))
@click.argument("test", type=click.Path(exists=True, path_type=Path))
@listed(
    "--models",
    "lstm,tcn,patch,pca,kmeans,nearest,forecast-lstm,forecast-cnn",
    "As `longstride train` names them, behind a task that is not the usual one.",
    str,
)
@count("--seeds", 3, "Runs of each model.")
@click.option(
    "--settings",
    type=click.Path(exists=True, path_type=Path),
    help="TOML file with settings of `longstride train`, without groups.",
)
@click.option("--name", default="", help="Name of the log, for the page of results.")
@click.option("--since", default="", help="Judge rows from this time on.")
@folder("build/detect")
@JSON
def detect(
    train: Path,
    test: Path,
    models: Sequence[str],
    seeds: int,
    settings: Path | None,
    name: str,
    since: str,
    folder: Path,
    json_path: Path | None,
) -> None:
    """How well models that were trained on the store TRAIN find what is labelled in TEST.

    Each model is trained with each seed, scores TEST, and its scores are judged by the labels: VUS-PR, AUC-PR,
    F1 at a threshold set without labels, the best F1, and false alarms. All by commands of Longstride, in a
    folder of --folder that has the log's name.

    Where the file of --json is there, models are added to those that it holds, or replace those of the same name.
    """
    chosen = _read_settings(settings) if settings else {}
    before = _read_before(json_path, name, since, chosen)
    found = tuple(_detect(train, test, folder / name, models, seeds, chosen, since))
    Detections(log=name, since=since, settings=chosen, models=found).with_models(before).show(json_path)


def _read_before(path: Path | None, log: str, since: str, settings: dict[str, Any]) -> tuple[Detection, ...]:
    """The models that a file holds. Raises LongstrideError where it is of another log, or of other settings."""
    if path is None or not path.exists():
        return ()
    held = json.loads(path.read_text())
    if held.pop("benchmark") != Detections.BENCHMARK:
        raise LongstrideError(f"{path} holds another benchmark: give another --json", code="option-value")
    before = parse(Detections, held)
    if (before.log, before.since, before.settings) != (log, since, settings):
        raise LongstrideError(
            f"{path} holds models of {before.log!r} with other settings: remove it, or give another --json",
            code="option-value",
        )
    return before.models


def _detect(
    train: Path,
    test: Path,
    folder: Path,
    models: Sequence[str],
    seeds: int,
    settings: dict[str, Any],
    since: str,
) -> Iterator[Detection]:
    """Train each model on one store with each seed, and judge its scores of another.

    The first run of a model has SEED, each further one the next. Every step is a command that a user would type,
    in `folder`. Raises LongstrideError where one fails, and before the first where a run is there already.
    """
    runs = {model: {seed: folder / f"{model}-{seed}" for seed in range(SEED, SEED + seeds)} for model in models}
    for run in (run for of_model in runs.values() for run in of_model.values()):
        if run.exists():
            raise LongstrideError(
                f"{run} is there already: remove it, or give another --folder", code="path-taken"
            )
    for model, of_model in runs.items():
        found = [_one(train, test, run, model, seed, settings, since) for seed, run in of_model.items()]
        judged = [figures for figures, _ in found]
        losses = [loss for _, loss in found if loss is not None]
        yield Detection(
            model=model,
            seeds=seeds,
            rows=judged[0]["rows"],
            labelled=judged[0]["labelled"],
            spans=judged[0]["spans"],
            figures={name: Spread.of([figures[name] for figures in judged]) for name in FIGURES},
            validation_loss=Spread.of(losses) if losses else None,
        )


def _one(
    train: Path, test: Path, run: Path, model: str, seed: int, settings: dict[str, Any], since: str
) -> tuple[dict[str, Any], float | None]:
    """Figures and validation loss of one run."""
    scores = run.with_suffix(".parquet")
    python("longstride", "train", train, "--out", run, "--seed", seed, *flags(model, settings))
    python("longstride", "score", run, test, "--out", scores)
    judged_rows = ["--since", since] if since else []
    *_, figures = json.loads(python("longstride", "evaluate", scores, test, "--json", *judged_rows))
    figures[RATIO] = figures["f1"] / figures["best_f1"] if figures["best_f1"] else 0.0
    if settings.get("per-series"):
        return figures, None
    summary = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    return figures, summary["best_validation_loss"]


def flags(model: str, settings: dict[str, Any]) -> list[str]:
    """A model and settings, as the command line takes them; a model without steps takes those that it knows."""
    task, _, name = model.rpartition("-")
    flags = [f"--model={name}", *([f"--task={task}"] if task else [])]
    known = known_model(name)
    for setting, value in settings.items():
        if (known.only_size and setting not in WITHOUT_STEPS) or (known.follows_level and setting == "centre"):
            continue
        flags += [f"--{setting}"] if value is True else [f"--{setting}={value}"]
    return flags


def _read_settings(path: Path) -> dict[str, Any]:
    """Settings of training, from a TOML file without groups."""
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise LongstrideError(f"{path} is not a TOML file: {error}", code="config-format") from None
