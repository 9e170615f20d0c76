"""Training in processes of its own, as a user starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.trainer.calibration.calibration import Calibration, read_calibration
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.saved.checkpoint import complete_checkpoints, load_checkpoint
from longstride.trainer.settings import Settings, TrainOptions

SIZES = {"window": 16, "stride": 4, "batch_size": 32, "hidden": 16, "latent": 8, "lr": 0.01, "log_every": 7}


def waves(num_rows: int, num_channels: int, missing: float = 0.05) -> NDArray[np.float32]:
    """Sine waves of several periods plus noise (rows, N), a share of the values missing."""
    random = np.random.default_rng(0)
    time = np.arange(num_rows)[:, None]
    period = np.linspace(12, 40, num_channels)
    values = 100 + 5 * np.sin(2 * np.pi * time / period) + 0.3 * random.standard_normal((num_rows, num_channels))
    values[random.random(values.shape) < missing] = np.nan
    return values.astype(np.float32)


def settings_for(store: Path, out: Path, **changes: Any) -> Settings:
    """Settings of a model that trains in a moment, with some changed."""
    wanted: dict[str, Any] = {"device": "cpu", "epochs": 1, **SIZES, **changes}
    return TrainOptions(store, out, **wanted).grouped()


TORCHRUN = ("-m", "torch.distributed.run")


FORKING = (str(Path(__file__).with_name("forked_ranks.py")),)


def start_training(
    store: Path,
    out: Path,
    *more: str,
    num_ranks: int = 1,
    max_restarts: int = 0,
    torchrun: tuple[str, ...] = FORKING,
) -> "subprocess.Popen[str]":
    """Start the command line with the sizes above, alone or under torchrun."""
    options = ["--standalone", f"--nproc-per-node={num_ranks}", f"--max-restarts={max_restarts}"]
    launcher = [] if num_ranks == 1 else [*torchrun, *options]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in {**SIZES, "device": "cpu"}.items()]
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "longstride", "train", str(store), "--out", str(out), *flags, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process: "subprocess.Popen[str]", timeout: float = 55, *, code: int = 0) -> tuple[str, str]:
    output, errors = process.communicate(timeout=timeout)
    assert process.returncode == code, errors
    return output, errors


def newest_checkpoint(directory: Path) -> Path | None:
    return next(iter(complete_checkpoints(directory)), None)


def weights_of(out: Path) -> dict[str, Tensor]:
    """Those of the newest checkpoint of a run."""
    newest = newest_checkpoint(out / "checkpoints")
    assert newest is not None
    weights: dict[str, Tensor] = load_checkpoint(newest)["model"]
    return weights


def calibration_of(run: Path) -> Calibration:
    alone = Ranks(0, 1, torch.device("cpu"))
    return read_calibration(run, TrainedModel(run, alone).digest)


def lines_of(out: Path, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]
