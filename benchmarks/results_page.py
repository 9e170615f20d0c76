"""docs/results.md: what models have found in logs with labels, from the committed results."""

import json
from pathlib import Path
from typing import Any

from benchmarks.tables import machine_line, spread, table

__all__ = ["results_page"]

INTRODUCTION = """\
# Results

What the built-in models find in logs with labelled events, beside the PCA that any of them has to beat. Every
figure on this page comes from a file in `benchmarks/results/` by `python -m benchmarks report`; a cell is the
median over the seeds, with the smallest and the largest. What they mean: [scores](scoring.md).
"""

LOGS = {
    "gecco": """\
## Drinking water (GECCO 2018)

Two consecutive logs of a water works, a row a minute, nine channels. The models are trained on windows of the
first log without an event, the threshold is set by the rows of it that were held out, and they are judged on the
second: {rows:,} rows, {labelled:,} of them in {spans} events; random scores have an AUC-PR of {chance:.3f}.
All but PCA see windows less their own level, since the water of the second log is colder than they have ever seen;
K is the one of three at which the LSTM finds the events of the first log best ([both](decisions/0009-scores.md)).

    CHOICES="--time Time --labels EVENT --split-on-missing 1h"
    longstride ingest gecco2018_train.csv.gz --out first.zarr $CHOICES
    longstride ingest gecco2018_test.csv.gz --out second.zarr $CHOICES
    python -m benchmarks detect first.zarr second.zarr --name gecco \\
        --settings benchmarks/settings/gecco.toml --models {names} --seeds {seeds}
""",
    "synthetic": """\
## A synthetic log

Two machines, 1.2 million rows, eight channels. Faults of 240 rows let three of them drift, spike, stick, or lose
touch with the others: {labelled:,} rows, {spans} faults, {chance:.3f} of all. The models are trained on the first
80% of the rows, faults among them and without a label, and judged on all. K, and to leave levels as they are, was
chosen on this log ([how](decisions/0009-scores.md)). Seconds are those of training and scoring.

    python -m benchmarks synth --out logs --rows 1200000
    longstride ingest logs/*.csv --out plant.zarr --time time --series machine --labels fault
    python -m benchmarks detect plant.zarr plant.zarr --name synthetic \\
        --settings benchmarks/settings/synthetic.toml --models {names} --seeds {seeds}
""",
}


def results_page(results: Path) -> str:
    """Page of all results of detection (JSON files) in a folder, by log."""
    files = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    found = [figures for figures in files if figures["benchmark"] == "detection"]
    return "\n".join([INTRODUCTION, *map(_log, found)])


def _log(figures: dict[str, Any]) -> str:
    models = figures["models"]
    head = ["model", "VUS-PR", "AUC-PR", "AUC-ROC", "F1", "best F1", "validation loss", "seconds"]
    rows = [
        [
            model["model"],
            *(spread(model["figures"][name], 3) for name in ("vus_pr", "auc_pr", "auc_roc", "f1", "best_f1")),
            spread(model["validation_loss"], 3),
            f"{model['seconds']['median']:.0f}",
        ]
        for model in models
    ]
    first = models[0]
    names = ",".join(model["model"] for model in models)
    introduction = LOGS[figures["log"]].format(**first, names=names, chance=first["labelled"] / first["rows"])
    settings = ", ".join(f"{name} {value}" for name, value in figures["settings"].items())
    parts = [introduction, f"Settings: {settings}.", machine_line(figures), "", table(head, rows), ""]
    return "\n".join([*parts, _verdict(models), ""])


def _verdict(models: list[dict[str, Any]]) -> str:
    """Whether the first model is as good as the baseline, said plainly."""
    medians = {model["model"]: model["figures"]["vus_pr"]["median"] for model in models}
    lstm, pca = medians["lstm"], medians["pca"]
    said = "at least as good as" if lstm >= pca else "not as good as"
    return f"By VUS-PR the LSTM autoencoder ({lstm:.3f}) is {said} PCA ({pca:.3f})."
