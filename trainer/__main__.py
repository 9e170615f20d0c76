"""`python -m trainer`, `torchrun -m trainer`: train on a store, and score its rows."""

import os
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from storage.cli import CommandGroup, example
from storage.errors import LongstrideError
from trainer.errors import SettingsError
from trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings, Settings

if TYPE_CHECKING:
    from trainer.metrics import Summary


@click.group(cls=CommandGroup, name="python -m trainer")
def main() -> None:
    """Train models on the windows of a store."""


SCHEDULES = click.Choice(["constant", "cosine", "one-cycle"])

Command = TypeVar("Command", bound=Callable[..., Any])


def setting(group: Any, name: str, text: str, **options: Any) -> Callable[[Command], Command]:
    """Make the option of one setting, with its default."""
    default = getattr(group, name)
    return click.option(
        "--" + name.replace("_", "-"), default=default, show_default=default is not None, help=text, **options
    )


def _read_config(context: click.Context, parameter: click.Parameter, path: str | None) -> None:
    """Let a TOML file take the place of the defaults, and flags that of what it says."""
    if path is None:
        return
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML file: {error}") from None
    # A group is only there to be read: each setting has a name of its own.
    flat = {name: value for name, value in found.items() if not isinstance(value, dict)}
    for group in (value for value in found.values() if isinstance(value, dict)):
        flat |= group
    flat = {name.replace("-", "_"): value for name, value in flat.items()}
    known = {option.name for option in context.command.params} - {"config", "resume"}
    if unknown := sorted(flat.keys() - known):
        names = ", ".join(sorted(str(name).replace("_", "-") for name in known))
        raise SettingsError(f"{path}: unknown setting {', '.join(map(repr, unknown))}: expected {names}")
    context.default_map = flat


@main.command(
    epilog=example(
        "python -m trainer train plant.zarr --out runs/plant",
        "torchrun --standalone --nproc-per-node=2 -m trainer train plant.zarr --out runs/plant",
    )
)
@click.argument("store")
@click.option("--out", type=click.Path(), required=True, help="Run directory to write, such as runs/plant.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False),
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="TOML file with settings of the same names, in groups or not; flags override it.",
)
@click.option(
    "--resume",
    type=click.Choice(["auto"]),
    is_flag=False,
    flag_value="auto",
    help="Go on from the newest checkpoint in --out that can be read; begin if there is none.",
)
@setting(DataSettings, "window", "Rows of a window, K.")
@setting(DataSettings, "stride", "Rows between the starts of windows.")
@setting(DataSettings, "batch_size", "Windows of a step, over all processes.")
@setting(DataSettings, "train_share", "Share of the rows, from the start, to train on.")
@setting(DataSettings, "validation_share", "Share of the rows after those to validate on.")
@setting(DataSettings, "cache_dir", "Folder that keeps decoded rows of a packed STORE.", type=click.Path())
@setting(RunSettings, "epochs", "Times that every training window is seen.")
@setting(RunSettings, "max_steps", "Stop after this many steps of the run.", type=int)
@setting(RunSettings, "minutes", "Stop after training for this long.", type=float)
@setting(ModelSettings, "model", "lstm, tcn, patch, pca, or yours as package.module:function.")
@setting(ModelSettings, "hidden", "Width of each layer.")
@setting(ModelSettings, "latent", "Numbers that a window is squeezed into.")
@setting(ModelSettings, "layers", "Layers of encoder and decoder each.")
@setting(OptimiserSettings, "loss", "mse, mae, huber, or yours as package.module:function.")
@setting(OptimiserSettings, "optimiser", "adam, adamw, sgd, or yours as package.module:function.")
@setting(OptimiserSettings, "lr", "Learning rate, at its highest.")
@setting(OptimiserSettings, "schedule", "Of the learning rate, after the warm-up.", type=SCHEDULES)
@setting(OptimiserSettings, "warmup_steps", "Steps in which it rises to --lr.")
@setting(OptimiserSettings, "clip_norm", "Longest gradient; longer ones are scaled down.")
@setting(OptimiserSettings, "accumulate", "Parts in which a process takes its share of a batch.")
@setting(OptimiserSettings, "ema", "Kept of the moving average of the weights at each step, such as 0.999.")
@setting(RunSettings, "precision", "Arithmetic of the model.", type=click.Choice(["fp32", "bf16", "fp16"]))
@setting(RunSettings, "compile", "Compile the model (not an LSTM).", is_flag=True)
@setting(RunSettings, "device", "Where to train.", type=click.Choice(["auto", "cpu", "cuda"]))
@setting(RunSettings, "seed", "Of the weights and of the order of windows.")
@setting(RunSettings, "log_every", "Steps between lines of metrics.jsonl.")
@setting(RunSettings, "checkpoint_every", "Steps between checkpoints; each epoch ends with one too.")
@setting(RunSettings, "checkpoint_minutes", "Minutes between checkpoints, beside those.", type=float)
@setting(RunSettings, "keep", "Newest checkpoints that are kept, beside the best.")
@setting(RunSettings, "patience", "Epochs without a better validation loss after which to stop.", type=int)
def train(store: str, resume: str | None, **options: Any) -> None:
    """Train an autoencoder on STORE.

    Each window of the training split is squeezed into a few numbers and written out again; the loss is the mean
    squared error over the values that are there, each channel in its own standard deviations. Missing values are
    neither seen nor judged. The last rows of STORE, after both shares, are left for a test.

    The model is an LSTM, a temporal convolutional network, a transformer over patches, or yours: a function of the
    model's settings, the number of channels N and the rows of a window K, which returns a torch module that takes
    and gives windows (B, K, N). `pca` is the baseline: principal components of windows, from one pass.

    Started by torchrun, the processes share each batch, over gloo on the CPU and nccl on CUDA. A signal (Ctrl-C,
    SIGTERM) saves and stops: the same command with --resume goes on, as it does after a crash. The run directory
    holds settings.json, metrics.jsonl, tensorboard/, checkpoints/ and, at the end, reconstruction.png.
    """
    with _told_once():
        settings = _settings(store=store, **options)

        from trainer.distributed import start_ranks
        from trainer.fitting import Fitting
        from trainer.loop import Training

        kind = Fitting if settings.model.model == "pca" else Training
        with start_ranks(settings.run.device) as ranks:
            summary = kind(settings, ranks, resume=resume is not None).run()
    if summary:
        click.echo(_render(summary))


@main.command(epilog=example("python -m trainer score runs/plant plant.zarr --out scores.parquet"))
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("store")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Parquet file to write.")
@click.option("--normal", help="The store of RUN, if it lies elsewhere now.")
@click.option("--stride", type=click.IntRange(min=1), help="Rows between windows; as in training by default.")
@click.option("--batch-size", type=click.IntRange(min=1), default=1024, show_default=True, help="Of each process.")
@setting(RunSettings, "device", "Where to compute.", type=click.Choice(["auto", "cpu", "cuda"]))
def score(
    run: Path, store: str, out: Path, normal: str | None, stride: int | None, batch_size: int, device: str
) -> None:
    """Score every row of STORE by the model of RUN: how badly it is written again.

    The file has a line for each row: its time and series, `score`, and `error.` of each channel. An error is
    squared, averaged over all windows that cover the row, and told in the standard deviations of the errors of
    normal rows, from their mean: those of RUN's own store that were held out for validation, by windows without a
    label.
    `score` is the mean over the channels. It is NaN where no window reaches.

    Started by torchrun, each process scores rows of its own.
    """
    with _told_once():
        from storage.store import SeriesStore
        from trainer.distributed import start_ranks
        from trainer.scoring import score as score_rows

        with start_ranks(device) as ranks:
            usual = None if normal is None else SeriesStore.open(normal)
            options: dict[str, Any] = {"normal": usual, "stride": stride, "batch_size": batch_size}
            scored = score_rows(run, SeriesStore.open(store), out, ranks, **options)
    if ranks.is_first:
        click.echo(
            f"{out}: {scored.rows:,} rows scored by {scored.checkpoint}, {scored.rows - scored.covered:,} of them "
            f"out of reach; beside {scored.normal_rows:,} normal rows"
        )


@contextmanager
def _told_once() -> Iterator[None]:
    """Every process of a machine meets the same error, and one tells it."""
    try:
        yield
    except LongstrideError:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            sys.exit(1)
        raise


def _settings(**options: Any) -> Settings:
    def pick(group: Any) -> Any:
        return group(**{name: options[name] for name in group.__dataclass_fields__})

    return Settings(
        data=pick(DataSettings),
        model=pick(ModelSettings),
        optimiser=pick(OptimiserSettings),
        run=pick(RunSettings),
    )


def _render(summary: "Summary") -> str:
    def figure(loss: float | None) -> str:
        return "-" if loss is None else f"{loss:.6g}"

    return "\n".join(
        [
            f"{summary.steps:,} steps in {summary.seconds:,.1f} s of training",
            f"  windows/s         {summary.windows_per_second:,.0f}",
            f"  waited for data   {summary.data_wait_share:.1%} of the time",
            f"  training loss     {figure(summary.first_loss)} at first, {figure(summary.last_loss)} at last",
            f"  validation loss   {figure(summary.validation_loss)} (best {figure(summary.best_validation_loss)})",
            f"  picture           {summary.picture}",
        ]
    )


if __name__ == "__main__":
    main()
