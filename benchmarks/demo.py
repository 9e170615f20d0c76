"""`python -m benchmarks demo`: raw logs to a store to a trained model, shown in one screen."""

import json
import shutil
from pathlib import Path
from typing import Any

import click

from benchmarks.harness.commands import python
from benchmarks.harness.options import folder
from longstride.storage.cli.group import example

__all__ = ["demo"]

WINDOW = 64
STRIDE = 16
BATCH = 256


@click.command(epilog=example("python -m benchmarks demo", "python -m benchmarks demo --rows 20000 --minutes 0.1"))
@folder("build/demo")
@click.option(
    "--rows", type=click.IntRange(min=1000), default=1_200_000, show_default=True, help="Rows of the log."
)
@click.option("--minutes", type=float, default=2.0, show_default=True, help="Minutes of training.")
@click.option("--processes", type=click.IntRange(min=1), help="Processes of training.  [default: one a GPU, or 2]")
def demo(folder: Path, rows: int, minutes: float, processes: int | None) -> None:
    """Raw logs to a store to a trained model, shown in one screen.

    Generates a log, ingests it, inspects the store and trains on it under torchrun; each step is the command that
    you would type, and is shown. --folder is emptied first.
    """
    logs, store, run = folder / "logs", folder / "plant.zarr", folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    python("benchmarks", "synth", "--out", logs, "--rows", rows)
    keys = ("--time", "time", "--series", "machine", "--labels", "fault")
    found = json.loads(
        python("longstride", "ingest", *sorted(logs.glob("*.csv")), "--out", store, *keys, "--json")
    )
    inspection = python("longstride", "inspect", store, "--window", WINDOW, "--stride", STRIDE)
    launch = ("--standalone", f"--nproc-per-node={processes or _default_processes()}", "-m", "longstride", "train")
    sizes = ("--window", WINDOW, "--stride", STRIDE, "--batch-size", BATCH, "--minutes", minutes)
    python("torch.distributed.run", *launch, store, "--out", run, *sizes)
    training = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    click.echo(_screen(inspection, found, training))


def _default_processes() -> int:
    """One process a GPU, or two on the CPU."""
    import torch

    return torch.cuda.device_count() or 2


def _screen(inspection: str, ingest: dict[str, Any], training: dict[str, Any]) -> str:
    """The whole result in one screen."""
    return "\n".join(
        [
            inspection.rstrip(),
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
