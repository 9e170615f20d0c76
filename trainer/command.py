"""`longstride train`: train a model on the windows of a store."""

import tomllib
from typing import TYPE_CHECKING, Any

import click

from longstride.storage.cli import example
from longstride.trainer.cli import setting, told_once
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import DataSettings, ModelSettings, OptimiserSettings, RunSettings, Settings

if TYPE_CHECKING:
    from longstride.trainer.engine.metrics import Summary


SCHEDULES = click.Choice(["constant", "cosine", "one-cycle"])


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


@click.command(
    epilog=example(
        "longstride train plant.zarr --out runs/plant",
        "torchrun --standalone --nproc-per-node=2 -m longstride train plant.zarr --out runs/plant",
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
@setting(DataSettings, "normal_only", "Leave out windows in which a row has a label.", is_flag=True)
@setting(DataSettings, "cache_dir", "Folder that keeps decoded rows of a packed STORE.", type=click.Path())
@setting(RunSettings, "epochs", "Times that every training window is seen.")
@setting(RunSettings, "max_steps", "Stop after this many steps of the run.", type=int)
@setting(RunSettings, "minutes", "Stop after training for this long.", type=float)
@setting(ModelSettings, "model", "lstm, tcn, patch, pca, or yours as package.module:function.")
@setting(ModelSettings, "hidden", "Width of each layer.")
@setting(ModelSettings, "latent", "Numbers that a window is squeezed into.")
@setting(ModelSettings, "layers", "Layers of encoder and decoder each.")
@setting(ModelSettings, "centre", "Show it windows less their own mean, for levels that drift.", is_flag=True)
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
    holds settings.json, metrics.jsonl, tensorboard/, checkpoints/ and, at the end, reconstruction.png and
    report.html.
    """
    with told_once():
        settings = _settings(store=store, **options)

        from longstride.trainer.engine.distributed import start_ranks
        from longstride.trainer.loop import Training
        from longstride.trainer.pca_run import Fitting

        kind = Fitting if settings.model.model == "pca" else Training
        with start_ranks(settings.run.device) as ranks:
            summary = kind(settings, ranks, resume=resume is not None).run()
    if summary:
        click.echo(_render(summary))


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
            f"  picture           {summary.picture or '-'}",
            f"  report            {summary.report or '-'}",
        ]
    )
