"""`python -m benchmarks detect`: how well the scores of each model find what is labelled."""

import json
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.commands import python
from benchmarks.harness.options import JSON, count, folder, listed
from benchmarks.harness.results import Result, torch_threads
from benchmarks.harness.tables import Table, machine_line, spread
from benchmarks.harness.timing import Spread
from longstride.storage.cli.group import example
from longstride.storage.errors import LongstrideError
from longstride.trainer.settings import FITTED

__all__ = ["FIGURES", "Detection", "Detections", "detect", "flags"]

FIGURES = ("vus_pr", "auc_pr", "auc_roc", "f1", "best_f1")
"""What is kept of the figures of `trainer evaluate`."""
SEED = 0
"""Seed of the first run of a model; each further run has the next."""
WITHOUT_STEPS = (
    *("window", "stride", "train-share", "validation-share", "normal-only"),
    *("latent", "centres", "centre"),
)
"""Settings that a model without steps knows."""

LOGS = {
    "gecco": """\
## Drinking water (GECCO 2018)

Two consecutive logs of a waterworks: a row a minute, nine channels. The models are trained on those windows of the
first log that contain no event. Rows of the first log that were held out set the threshold. The models are then
judged on the second log: {rows:,} rows, {labelled:,} of them in {spans} events. Random scores would have an AUC-PR
of {chance:.3f}. The water of the second log is colder than any in the first, so each window has its own mean
subtracted, except for PCA. Three values of K were tried on the first log, and the best for the LSTM was taken
([why](decisions/0009-scores.md)).

    CHOICES="--time Time --labels EVENT --split-on-missing 1h"
    longstride ingest gecco2018_train.csv.gz --out first.zarr $CHOICES
    longstride ingest gecco2018_test.csv.gz --out second.zarr $CHOICES
    python -m benchmarks detect first.zarr second.zarr --name gecco \\
        --settings benchmarks/settings/gecco.toml --models {names} --seeds {seeds}
""",
    "synthetic": """\
## A synthetic log

Two machines, 1.2 million rows, eight channels. There are {spans} faults of 240 rows. In each, three channels
drift, spike, stick at a value, or no longer follow the others. So {labelled:,} rows are labelled, a share of
{chance:.3f}. The models are trained on the first 80% of the rows, with the faults and without their labels, and
judged on all rows. K was chosen on this log, and so was the choice to keep the mean of each window
([how](decisions/0009-scores.md)). Seconds are those of training and scoring.

    python -m benchmarks synth --out logs --rows 1200000
    longstride ingest logs/*.csv --out plant.zarr --time time --series machine --labels fault
    python -m benchmarks detect plant.zarr plant.zarr --name synthetic \\
        --settings benchmarks/settings/synthetic.toml --models {names} --seeds {seeds}
""",
}


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Figures of one model over its seeds, on all series and any label."""

    model: str
    seeds: int
    rows: int
    labelled: int
    spans: int
    figures: dict[str, Spread]
    """As `trainer evaluate` names them."""
    validation_loss: Spread
    seconds: Spread
    """From the start of training to the last score."""


@dataclass(frozen=True, kw_only=True)
class Detections(Result):
    """All models on one log."""

    BENCHMARK = "detection"
    log: str
    seed: int = SEED
    threads: dict[str, int] = field(default_factory=torch_threads)
    settings: dict[str, Any]
    """Settings of training, by the name of the option."""
    models: tuple[Detection, ...]

    def table(self) -> Table:
        """A row a model."""
        names = ("VUS-PR", "AUC-PR", "AUC-ROC", "F1", "best F1")
        rows = [
            [
                model.model,
                *(spread(model.figures[name], 3) for name in FIGURES),
                spread(model.validation_loss, 3),
                f"{model.seconds.median:.0f}",
            ]
            for model in self.models
        ]
        return Table(["model", *names, "validation loss", "seconds"], rows)

    def section(self) -> str:
        """Section of docs/results.md, which says plainly whether the LSTM is as good as the baseline."""
        first = self.models[0]
        names = ",".join(model.model for model in self.models)
        introduction = LOGS[self.log].format(**vars(first), names=names, chance=first.labelled / first.rows)
        settings = ", ".join(f"{name} {value}" for name, value in self.settings.items())
        medians = {model.model: model.figures["vus_pr"].median for model in self.models}
        lstm, pca = medians["lstm"], medians["pca"]
        said = "at least as good as" if lstm >= pca else "not as good as"
        verdict = f"By VUS-PR the LSTM autoencoder ({lstm:.3f}) is {said} PCA ({pca:.3f})."
        parts = [introduction, f"Settings: {settings}.", machine_line(self), "", self.table().markdown(), ""]
        return "\n".join([*parts, verdict, ""])


@click.command(
    epilog=example("python -m benchmarks detect first.zarr second.zarr --settings benchmarks/settings/gecco.toml")
)
@click.argument("train", type=click.Path(exists=True, path_type=Path))
@click.argument("test", type=click.Path(exists=True, path_type=Path))
@listed("--models", "lstm,tcn,patch,pca,kmeans,nearest", "As `trainer train` names them.", str)
@count("--seeds", 3, "Runs of each model.")
@click.option(
    "--settings",
    type=click.Path(exists=True, path_type=Path),
    help="TOML file with settings of `trainer train`, without groups.",
)
@click.option("--name", default="", help="Name of the log, for the page of results.")
@folder("build/detect")
@JSON
def detect(
    train: Path,
    test: Path,
    models: Sequence[str],
    seeds: int,
    settings: Path | None,
    name: str,
    folder: Path,
    json_path: Path | None,
) -> None:
    """How well models that were trained on the store TRAIN find what is labelled in TEST.

    Each model is trained with each seed, scores TEST, and its scores are judged by the labels: VUS-PR, AUC-PR,
    AUC-ROC, F1 at a threshold set without labels, and the best F1. All by commands of the trainer, in a folder of
    --folder that has the log's name.
    """
    chosen = _read_settings(settings) if settings else {}
    found = tuple(_detect(train, test, folder / name, models, seeds, chosen))
    Detections(log=name, settings=chosen, models=found).show(json_path)


def _detect(
    train: Path, test: Path, folder: Path, models: Sequence[str], seeds: int, settings: dict[str, Any]
) -> Iterator[Detection]:
    """Train each model on one store with each seed, and judge its scores of another.

    Every step is a command that a user would type, in `folder`. Raises LongstrideError where one fails, and before
    the first where a run is there already.
    """
    runs = {model: {seed: folder / f"{model}-{seed}" for seed in range(SEED, SEED + seeds)} for model in models}
    for run in (run for of_model in runs.values() for run in of_model.values()):
        if run.exists():
            raise LongstrideError(
                f"{run} is there already: remove it, or give another --folder", code="path-taken"
            )
    for model, of_model in runs.items():
        found = [_one(train, test, run, model, seed, settings) for seed, run in of_model.items()]
        judged = [figures for figures, _, _ in found]
        yield Detection(
            model=model,
            seeds=seeds,
            rows=judged[0]["rows"],
            labelled=judged[0]["labelled"],
            spans=judged[0]["spans"],
            figures={name: Spread.of([figures[name] for figures in judged]) for name in FIGURES},
            validation_loss=Spread.of([loss for _, loss, _ in found]),
            seconds=Spread.of([seconds for _, _, seconds in found]),
        )


def _one(
    train: Path, test: Path, run: Path, model: str, seed: int, settings: dict[str, Any]
) -> tuple[dict[str, Any], float, float]:
    """Figures, validation loss, and seconds of one run."""
    scores = run.with_suffix(".parquet")
    began = time.perf_counter()
    python("longstride", "train", train, "--out", run, "--model", model, "--seed", seed, *flags(model, settings))
    python("longstride", "score", run, test, "--out", scores)
    seconds = time.perf_counter() - began
    *_, figures = json.loads(python("longstride", "evaluate", scores, test, "--json"))
    summary = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    return figures, summary["best_validation_loss"], seconds


def flags(model: str, settings: dict[str, Any]) -> list[str]:
    """As the command line takes settings; a model without steps takes those alone that it knows."""
    flags = []
    for name, value in settings.items():
        if (model in FITTED and name not in WITHOUT_STEPS) or (model, name) == ("pca", "centre"):
            continue
        flags += [f"--{name}"] if value is True else [f"--{name}={value}"]
    return flags


def _read_settings(path: Path) -> dict[str, Any]:
    """Settings of training, from a TOML file without groups."""
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise LongstrideError(f"{path} is not a TOML file: {error}", code="config-format") from None
