"""A command line for each command, and a folder with everything that they read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

import longstride
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.scoring.score_file import ScoreFile
from tests.helpers.runs.training import waves

__all__ = ["COMMAND_LINES", "line", "make_plant"]

ALONE = Ranks(0, 1, torch.device("cpu"))
COMMAND_LINES = {
    "profile": {"sources": "plant.csv", "--html": "page.html"},
    "ingest": {"sources": "plant.csv", "--out": "new.zarr", "--recipe": "plant.toml",
               "--label-file": "labels.csv"},
    "inspect": {"store": "plant.zarr"},
    "verify": {"store": "plant.zarr"},
    "pack": {"store": "plant.zarr", "dest": "new.zarr"},
    "unpack": {"store": "packed.zarr", "dest": "new.zarr"},
    "export": {"store": "plant.zarr", "--out": "new.parquet", "--to": "parquet"},
    "train": {"store": "packed.zarr", "--out": "new", "--config": "train.toml", "--cache-dir": "cache",
              "--from": "run"},
    "calibrate": {"run": "run", "store": "plant.zarr", "--device": "cpu"},
    "deploy": {"run": "run", "--out": "new", "--alarms": "1e-1"},
    "score": {"runs": "run", "store": "plant.zarr", "--out": "new.parquet", "--events": "new.json",
              "--alarms": "1e-1", "--device": "cpu"},
    "watch": {"run": "run", "--state": "new.state", "--device": "cpu"},
    "evaluate": {"pairs": "s.parquet", "store": "plant.zarr", "--html": "figures.html"},
    "plot": {"scores": "s.parquet", "store": "plant.zarr", "--out": "new.png"},
}  # fmt: skip
"""For each command, all of its paths and what else it needs."""


def line(command: str, folder: Path | None = None, **changed: str) -> list[str]:
    """The words of a command, with its paths in a folder, and some values changed."""
    found = [command]
    for name, value in COMMAND_LINES[command].items():
        if folder is not None and ("." in value or name in ("run", "runs", "--out", "--cache-dir", "--from")):
            value = str(folder / value)
        value = changed.get(name, value)
        found += [name, value] if name.startswith("-") else [value]
    return found


def make_plant(make_store: Any, folder: Path) -> Path:
    """Fill a folder with a log, stores, a recipe, a run and scores."""
    (folder / "plant.csv").write_text(
        "time,a\n" + "".join(f"2024-01-01T00:{row // 60:02}:{row % 60:02},{row}\n" for row in range(3000))
    )
    (folder / "labels.csv").write_text("start,end\n2024-01-01T00:10:00,2024-01-01T00:11:00\n")
    (folder / "plant.toml").write_text('time = "time"\n')
    (folder / "train.toml").write_text(
        'window = 16\nbatch-size = 32\nhidden = 4\nlatent = 4\nmax-steps = 1\ndevice = "cpu"\n'
    )
    values, labels = waves(3000, 2), np.zeros((3000, 1), np.int8)
    labels[100:120] = 1
    store = make_store(folder / "plant.zarr", values, labels=labels)
    longstride.pack(store, folder / "packed.zarr", codec="zstd")
    longstride.train(
        store, folder / "run", window=16, batch_size=32, hidden=4, latent=4, max_steps=1, device="cpu"
    )
    with ScoreFile(folder / "s.parquet", ALONE, store, ("c0",)) as file:
        file.about = {"run": "run", "model": "lstm", "threshold": 1.5}
        file.write(0, np.zeros(3000), np.zeros(3000, bool), np.zeros((3000, 1)))
    return folder
