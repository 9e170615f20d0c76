"""`python -m benchmarks detect`: how well the scores of each model find what is labelled."""

import json
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.commands import python
from benchmarks.timing import Spread
from longstride.storage.errors import LongstrideError

__all__ = ["FIGURES", "Detection", "as_json", "detect", "flags", "read_settings", "render"]

FIGURES = ("vus_pr", "auc_pr", "auc_roc", "f1", "best_f1")
"""What is kept of the figures of `trainer evaluate`."""
SEED = 0
"""Of the first run of a model; each further one has the next."""
OF_PCA = ("window", "stride", "latent", "train-share", "validation-share", "normal-only")
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
    """As `trainer evaluate` names them."""
    validation_loss: Spread
    seconds: Spread
    """From the start of training to the last score."""


def detect(
    train: Path, test: Path, folder: Path, models: Sequence[str], seeds: int, settings: dict[str, Any]
) -> Iterator[Detection]:
    """Train each model on one store with each seed, and judge its scores of another.

    Every step is a command that a user would type, in `folder`. Raises LongstrideError where one fails, and before
    the first where a run is there already.
    """
    runs = {model: {seed: folder / f"{model}-{seed}" for seed in range(SEED, SEED + seeds)} for model in models}
    for run in (run for of_model in runs.values() for run in of_model.values()):
        if run.exists():
            raise LongstrideError(f"{run} is there already: remove it, or give another --folder")
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
        if model == "pca" and name not in OF_PCA:
            continue
        flags += [f"--{name}"] if value is True else [f"--{name}={value}"]
    return flags


def read_settings(path: Path) -> dict[str, Any]:
    """Settings of training, from a TOML file without groups."""
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise LongstrideError(f"{path} is no TOML file: {error}") from None


def render(found: Sequence[Detection]) -> str:
    """Table for a terminal."""
    lines = [f"{'model':<8}" + "".join(f"{name:>26}" for name in FIGURES) + f"{'seconds':>10}"]
    for one in found:
        cells = [f"{s.median:.3f} ({s.minimum:.3f} to {s.maximum:.3f})" for s in one.figures.values()]
        lines.append(f"{one.model:<8}" + "".join(f"{cell:>26}" for cell in cells) + f"{one.seconds.median:>10.0f}")
    return "\n".join(lines)


def as_json(name: str, found: Sequence[Detection], settings: dict[str, Any]) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    import torch

    return {
        "benchmark": "detection",
        "log": name,
        "seed": SEED,
        "threads": {"torch": torch.get_num_threads()},
        "settings": settings,
        "models": [asdict(one) for one in found],
    }
