"""Every setting of a run: checked once here, written to the run directory as `settings.json`."""

from dataclasses import asdict, dataclass
from typing import Any

from longstride.trainer.errors import SettingsError

__all__ = ["DataSettings", "ModelSettings", "OptimiserSettings", "RunSettings", "Settings"]


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which windows are served, and in which batches."""

    store: str
    """Path of the store, or the URL of a packed one."""
    window: int = 64
    """Rows of a window, K."""
    stride: int = 16
    """Rows between the starts of windows."""
    batch_size: int = 256
    """Windows of a global batch: all ranks together."""
    train_share: float = 0.8
    """Share of the time of each series, from its start, that is trained on."""
    validation_share: float = 0.1
    """Share of the time after that which is validated on; the rest is left for a test."""
    normal_only: bool = False
    """Leave out windows in which a row has a label, of training and validation."""
    cache_dir: str | None = None
    """Folder that keeps decoded rows of a packed store, for later epochs and all processes of the machine."""

    def __post_init__(self) -> None:
        _at_least(1, window=self.window, stride=self.stride, batch_size=self.batch_size)
        _check(0 < self.train_share <= 1, "--train-share", self.train_share, "above 0 and at most 1")
        _check(0 <= self.validation_share < 1, "--validation-share", self.validation_share, "0 or more, below 1")
        if self.train_share + self.validation_share > 1 + 1e-9:
            raise SettingsError(
                f"--train-share {self.train_share} and --validation-share {self.validation_share} are more than "
                "the whole: lower one of them"
            )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and its sizes."""

    model: str = "lstm"
    """lstm, tcn, patch, pca, or the import path of a function that makes one, such as mypackage.models:build."""
    hidden: int = 128
    """Width H of each layer."""
    latent: int = 32
    """Numbers that a whole window is squeezed into, about."""
    layers: int = 1
    """Layers of the encoder, and of the decoder; of tcn, times that all dilations come."""

    centre: bool = False
    """Whether the model sees a window less the mean of each of its channels, which is put back after."""

    def __post_init__(self) -> None:
        _at_least(1, hidden=self.hidden, latent=self.latent, layers=self.layers)
        if self.centre and self.model == "pca":
            raise SettingsError(
                "--centre is not for --model pca, whose components follow the level of a window anyway"
            )


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings:
    """What is minimised, and how."""

    loss: str = "mse"
    """mse, mae, huber, or the import path of a function of predictions and targets (b, K, N) that gives the error
    of each value."""
    optimiser: str = "adam"
    """adam, adamw, sgd, or the import path of a function of the weights and `lr` that makes one."""
    lr: float = 3e-3
    """Learning rate, at its highest."""
    schedule: str = "constant"
    """How the learning rate goes on after the warm-up: constant, cosine or one-cycle."""
    warmup_steps: int = 0
    """Steps in which the learning rate rises to `lr`."""
    clip_norm: float = 1.0
    """Gradients longer than this (2-norm over all parameters) are scaled down to it."""
    accumulate: int = 1
    """Parts in which each process takes its share of a batch, one after the other: it then holds one at a time."""
    ema: float = 0.0
    """Share that the moving average of the weights keeps at each step, such as 0.999; 0 for no average."""

    def __post_init__(self) -> None:
        _check(0 < self.lr < float("inf"), "--lr", self.lr, "above 0")
        _check(self.clip_norm > 0, "--clip-norm", self.clip_norm, "above 0")
        _check(0 <= self.ema < 1, "--ema", self.ema, "0 or more, below 1")
        _one_of(("constant", "cosine", "one-cycle"), schedule=self.schedule)
        _at_least(0, warmup_steps=self.warmup_steps)
        _at_least(1, accumulate=self.accumulate)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where, how long and on what."""

    out: str
    """Path of the run directory."""
    epochs: int = 10
    """Times that every training window is seen."""
    max_steps: int | None = None
    """Stop after this many steps (global batches), counted from the start of the run."""
    minutes: float | None = None
    """Stop training after this many minutes, counted from the start of this command."""
    precision: str = "fp32"
    """fp32, bf16 or fp16: the type of the model's arithmetic; weights and loss stay fp32."""
    device: str = "auto"
    """auto, cpu or cuda."""
    seed: int = 0
    """Of the weights and of the order of windows."""
    log_every: int = 50
    """Steps between lines of `metrics.jsonl`."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; there is one at the end of each epoch as well."""
    checkpoint_minutes: float | None = None
    """Minutes between checkpoints, beside those."""
    keep: int = 2
    """Checkpoints that are kept: the newest, and the best beside them."""
    patience: int | None = None
    """Stop after so many epochs whose validation loss is no better than the best before."""
    compile: bool = False
    """Compile the model before training."""

    def __post_init__(self) -> None:
        _at_least(1, epochs=self.epochs, log_every=self.log_every, checkpoint_every=self.checkpoint_every)
        _at_least(0, seed=self.seed)
        if self.max_steps is not None:
            _at_least(1, max_steps=self.max_steps)
        if self.minutes is not None:
            _check(self.minutes > 0, "--minutes", self.minutes, "above 0")
        if self.checkpoint_minutes is not None:
            _check(self.checkpoint_minutes > 0, "--checkpoint-minutes", self.checkpoint_minutes, "above 0")
        if self.patience is not None:
            _at_least(1, patience=self.patience)
        _at_least(1, keep=self.keep)
        _one_of(("fp32", "bf16", "fp16"), precision=self.precision)
        _one_of(("auto", "cpu", "cuda"), device=self.device)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them."""

    data: DataSettings
    model: ModelSettings
    optimiser: OptimiserSettings
    run: RunSettings

    def __post_init__(self) -> None:
        if self.run.compile and self.model.model == "lstm":
            raise SettingsError("--compile does nothing for an LSTM, which is one call: leave it out")

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Plain values for `json.dumps`, by group."""
        return asdict(self)

    @staticmethod
    def from_json(groups: dict[str, dict[str, Any]]) -> "Settings":
        """Inverse of `as_json`."""
        return Settings(
            data=DataSettings(**groups["data"]),
            model=ModelSettings(**groups["model"]),
            optimiser=OptimiserSettings(**groups["optimiser"]),
            run=RunSettings(**groups["run"]),
        )

    def that_shape_the_curve(self) -> dict[str, Any]:
        """Those that must stay as they are when a run goes on, by flag: not how long, where and how often.

        The path of the store may change as well; what it holds is checked by the loader's fingerprint.
        """
        groups = self.as_json()
        names = {**groups["data"], **groups["model"], **groups["optimiser"]}
        names |= {name: groups["run"][name] for name in ("seed", "precision")}
        if self.optimiser.schedule != "constant":
            names |= {name: groups["run"][name] for name in ("epochs", "max_steps")}
        return {_flag(name): value for name, value in names.items() if name not in ("store", "cache_dir")}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check(condition: bool, flag: str, value: object, expected: str) -> None:
    if not condition:
        raise SettingsError(f"{flag} is {value}: it must be {expected}")


def _at_least(smallest: int, **values: int) -> None:
    for name, value in values.items():
        _check(value >= smallest, _flag(name), value, f"a whole number of at least {smallest}")


def _one_of(choices: tuple[str, ...], **values: str) -> None:
    for name, value in values.items():
        _check(value in choices, _flag(name), value, f"one of {', '.join(choices)}")
