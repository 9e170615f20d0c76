"""`python -m benchmarks demo`: raw logs to a store to a trained model, told in one screen."""

import json
import shutil
from pathlib import Path
from typing import Any

from benchmarks.commands import python

__all__ = ["Demo", "default_processes", "render", "run_demo"]

WINDOW = 64
STRIDE = 16
BATCH = 256


class Demo:
    """What the steps of the demo left behind, as data."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.store = folder / "plant.zarr"
        self.run = folder / "run"
        self.ingest: dict[str, Any] = {}
        self.inspection = ""
        self.training: dict[str, Any] = {}


def default_processes() -> int:
    """One process a GPU, or two on the CPU."""
    import torch

    return torch.cuda.device_count() or 2


def run_demo(folder: Path, *, rows: int, minutes: float, processes: int) -> Demo:
    """Generate a log, ingest it, inspect the store and train on it; `folder` is emptied first.

    Each step is the command that a user would type, and is shown as such. Raises LongstrideError when one fails.
    """
    demo = Demo(folder)
    shutil.rmtree(folder, ignore_errors=True)
    python("benchmarks", "synth", "--out", demo.logs, "--rows", rows)
    logs = sorted(demo.logs.glob("*.csv"))
    keys = ("--time", "time", "--series", "machine", "--labels", "fault")
    demo.ingest = json.loads(python("longstride", "ingest", *logs, "--out", demo.store, *keys, "--json"))
    demo.inspection = python("longstride", "inspect", demo.store, "--window", WINDOW, "--stride", STRIDE)
    launch = ("--standalone", f"--nproc-per-node={processes}", "-m", "longstride", "train")
    sizes = ("--window", WINDOW, "--stride", STRIDE, "--batch-size", BATCH, "--minutes", minutes)
    python("torch.distributed.run", *launch, demo.store, "--out", demo.run, *sizes)
    demo.training = json.loads((demo.run / "metrics.jsonl").read_text().splitlines()[-1])
    return demo


def render(demo: Demo) -> str:
    """The whole result in one screen."""
    ingest, training = demo.ingest, demo.training
    return "\n".join(
        [
            demo.inspection.rstrip(),
            "",
            f"ingest      {ingest['rows_per_second']:,.0f} rows/s, {ingest['megabytes_per_second']:,.0f} MB/s",
            f"training    {training['windows_per_second']:,.0f} windows/s, {training['steps']:,} steps,"
            f" {training['data_wait_share']:.1%} of the time spent waiting for data",
            f"loss        {training['first_loss']:.4f} at first, {training['last_loss']:.4f} at last,"
            f" {training['validation_loss']:.4f} on validation rows",
            f"picture     {training['picture']}",
            f"report      {training['report']}",
        ]
    )
