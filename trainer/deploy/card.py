"""The model card: what was deployed and what it was measured on, as programs read it."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from longstride.storage.places.files import read_file
from longstride.storage.places.object_answers import PlaceError
from longstride.storage.series.joined_names import JOINED_BY
from longstride.trainer.deploy.deployment import Deployment
from longstride.trainer.deploy.graph import OUTPUTS

__all__ = ["CARD", "as_json", "card_of", "deployed_already"]

CARD = "card.json"
"""Also the mark of a folder that was written here."""


def card_of(made: Deployment, file: Path, difference: float) -> dict[str, Any]:
    """The card as JSON has it; no path of this machine is in it."""
    trained, calibration, scorer, options = made.trained, made.calibration, made.scorer, made.options
    model, facts, normalisation = trained.settings.model, trained.facts, trained.runner.normalisation
    task, data = trained.task, trained.settings.data
    shape, judged = ["batch", task.span, len(task.channels)], ["batch", task.judged, len(task.outputs)]
    inputs = {"windows": (made.dtype.name, 3), "series": ("int64", 1)}
    outputs = dict(zip(OUTPUTS, (("float32", 1), ("bool", 1), ("float32", 2), ("float32", 3)), strict=True))
    columns = (trained.channels, facts.units, normalisation.mean.tolist(), normalisation.scale.tolist())
    return {
        "made_by": "longstride deploy",
        "job": made.job,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": made.kind.versions(),
        "file": {
            "name": file.name,
            "runtime": made.kind.runtime,
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        },
        "inputs": _tensors({name: inputs[name] for name in made.graph.inputs}, shape),
        "outputs": _tensors(outputs, judged),
        "model": {
            "name": model.model,
            "settings": {name: value for name, value in vars(model).items() if name != "model"},
            "parameters": sum(one.numel() for one in trained.model.parameters()),
            "run": made.run.resolve().name,
            "checkpoint": trained.name,
            "state_sha256": trained.digest,
        },
        "task": {"name": task.shape.task, "window": data.window, "horizon": data.horizon},
        "window": task.span,
        "step_seconds": None if facts.cadence_ns is None else facts.cadence_ns / 1e9,
        "channels": [
            {"name": name, "unit": unit, "mean": mean, "scale": scale}
            for name, unit, mean, scale in zip(*columns, strict=True)
        ],
        "of": list(task.outputs),
        "series": made.graph.series_numbers,
        "calibration": {
            "rows": len(calibration.rows),
            "split": calibration.split,
            "of": JOINED_BY.join(Path(one).name for one in calibration.of.split(JOINED_BY)),
            "fingerprint": calibration.fingerprint,
            "sha256": calibration.digest,
        },
        "score": {
            "threshold": scorer.threshold,
            "alarms": options.alarms,
            "rule": options.threshold,
            "aggregate": options.aggregate,
            "largest": options.largest if options.aggregate == "largest" else None,
            "normal_rows": scorer.normal_rows,
            "independent_rows": scorer.independent_rows,
        },
        "largest_difference": difference,
    }


def deployed_already(folder: Path, made: Deployment) -> float | None:
    """The difference that a folder tells of which this very job has written, and whose file is whole."""
    try:
        card = json.loads(read_file(folder / CARD))
        data = read_file(folder / made.kind.file, max_bytes=card["file"]["bytes"])
        is_same = card["job"] == made.job and card["file"]["sha256"] == hashlib.sha256(data).hexdigest()
        return float(card["largest_difference"]) if is_same else None
    except (OSError, PlaceError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _tensors(named: dict[str, tuple[str, int]], shape: list[Any]) -> list[dict[str, Any]]:
    return [{"name": name, "type": kind, "shape": shape[:axes]} for name, (kind, axes) in named.items()]


def as_json(card: dict[str, Any]) -> bytes:
    """The file."""
    return json.dumps(card, indent=1).encode()
