"""`longstride train`: train a model on the windows of a store."""

from typing import Any

import click

from longstride.storage.cli.flags import flags, given
from longstride.storage.cli.group import LocalPath, example
from longstride.storage.cli.lists import COLUMNS, NUMBERS
from longstride.storage.cli.signals import SIGNALLED
from longstride.trainer.cli import echo_once, report_once, report_progress
from longstride.trainer.config_file import Stores, check_named_by_file, read_config
from longstride.trainer.settings import TrainOptions

__all__ = ["train"]


@click.command(
    epilog=example(
        "longstride train plant.zarr --out runs/plant",
        "longstride train may.zarr june.zarr --out runs/both",
        "torchrun --standalone --nproc-per-node=2 -m longstride train plant.zarr --out runs/plant",
    )
)
@click.argument("store", metavar="STORE...", nargs=-1, required=True, cls=Stores)
@click.option(
    "--config",
    type=LocalPath(exists=True, dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=read_config,
    help="TOML file with settings of the same names, in groups or not; flags override it.",
)
@flags(
    TrainOptions,
    store=None,
    weights=NUMBERS,
    out={"type": LocalPath(), "metavar": "FOLDER", "required": True},
    channels=COLUMNS,
    targets=COLUMNS,
    quantiles=NUMBERS,
    cache_dir={"type": LocalPath(), "metavar": "FOLDER"},
    from_={"type": LocalPath(), "metavar": "RUN"},
    callback={"type": str, "metavar": "MODULE:FUNCTION"},
    resume={"type": click.Choice(["auto"]), "is_flag": False, "flag_value": "auto"},
)
@click.option(
    "--trust",
    is_flag=True,
    help="Import what --config names by an import path, which runs its code, and read a store at a URL in it.",
)
@click.pass_context
def train(
    context: click.Context, /, store: tuple[str, ...], resume: str | None, trust: bool, **options: Any
) -> None:
    """Train a model on the windows of STORE, or one model on several.

    By default the model is an autoencoder: it compresses each window of the training split to a few numbers and
    reconstructs it from them. With `--task forecast` it predicts the rows after the window, with `--task classify`
    whether the window has a label. The loss is, by default, the mean squared error over the values that are
    present, each channel divided by its own standard deviation. Missing values do not count. The last rows of
    STORE, after both shares, are left for a test. Several stores need the same channels, in any order.

    The model is an LSTM, a convolutional network, a transformer over patches, or yours: a function of the model's
    settings and of a shape (task, window K, channels N, output), which returns a torch module that takes windows
    (B, K, N) and returns (B, *output). `pca` is the baseline: principal components of windows, from one pass.
    `kmeans`, the nearest of some windows, and `nearest`, patches that are put together, take one pass as well.

    Started by torchrun, the processes share each batch, over gloo on the CPU and nccl on CUDA. A signal (Ctrl-C,
    SIGTERM) saves the run and stops it, with exit code 130 or 143. The same command with --resume resumes the run,
    also after a crash. The run directory holds settings.json, metrics.jsonl, tensorboard/, checkpoints/ and, at
    the end, reconstruction.png and report.html.
    """
    with report_once(), report_progress():
        check_named_by_file(context, trust=trust)
        from longstride.trainer.train import train as train_model

        result = train_model(store if len(store) > 1 else store[0], resume=resume is not None, **given(options))
    if result.stopped_by is not None:
        raise click.exceptions.Exit(SIGNALLED + result.stopped_by)
    echo_once(str(result))
