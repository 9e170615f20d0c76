"""The model card: what was deployed and what it was measured on, as programs read it."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from longstride.trainer.deploy.deployment import Deployment
from longstride.trainer.deploy.graph import OUTPUTS

__all__ = ["as_json", "card_of"]


def card_of(made: Deployment, file: Path, difference: float) -> dict[str, Any]:
    """The card as JSON has it; no path of this machine is in it."""
    trained, calibration, scorer, options = made.trained, made.calibration, made.scorer, made.options
    model, facts, normalisation = trained.settings.model, trained.facts, trained.runner.normalisation
    shape = ["batch", trained.settings.data.window, len(trained.channels)]
    inputs = {"windows": (made.dtype.name, 3), "series": ("int64", 1)}
    outputs = dict(zip(OUTPUTS, (("float32", 1), ("bool", 1), ("float32", 2), ("float32", 3)), strict=True))
    columns = (trained.channels, facts.units, normalisation.mean.tolist(), normalisation.scale.tolist())
    return {
        "made_by": "longstride deploy",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": made.kind.versions(),
        "file": {
            "name": file.name,
            "runtime": made.kind.runtime,
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        },
        "inputs": _tensors({name: inputs[name] for name in made.graph.inputs}, shape),
        "outputs": _tensors(outputs, shape),
        "model": {
            "name": model.model,
            "settings": {name: value for name, value in vars(model).items() if name != "model"},
            "parameters": sum(one.numel() for one in trained.model.parameters()),
            "run": made.run.resolve().name,
            "checkpoint": trained.name,
            "state_sha256": trained.digest,
        },
        "window": trained.settings.data.window,
        "step_seconds": None if facts.cadence_ns is None else facts.cadence_ns / 1e9,
        "channels": [
            {"name": name, "unit": unit, "mean": mean, "scale": scale}
            for name, unit, mean, scale in zip(*columns, strict=True)
        ],
        "series": made.graph.series_numbers,
        "calibration": {
            "rows": len(calibration.rows),
            "split": calibration.split,
            "of": Path(calibration.of).name,
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


def _tensors(named: dict[str, tuple[str, int]], shape: list[Any]) -> list[dict[str, Any]]:
    return [{"name": name, "type": kind, "shape": shape[:axes]} for name, (kind, axes) in named.items()]


def as_json(card: dict[str, Any]) -> bytes:
    """The file."""
    return json.dumps(card, indent=1).encode()
