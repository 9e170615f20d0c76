"""Every setting of a run: checked once here, written to the run directory as `settings.json`.

The docstring below a setting is also the help of its flag and its line in the help of `longstride.train`.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from longstride.storage.cli.flags import flag_name
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.location import local_path, place_of
from longstride.storage.places.folder import Folder
from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.errors import SettingsError

if TYPE_CHECKING:
    from longstride.storage.open_data import Arraylike
    from longstride.storage.series.data import SeriesData

__all__ = [
    "FITTED",
    "IN_MEMORY",
    "USUAL",
    "DataSettings",
    "Device",
    "ModelSettings",
    "OptimiserSettings",
    "RunSettings",
    "Settings",
    "TrainOptions",
    "at_least",
    "check",
    "one_of",
]

StrPath = str | os.PathLike[str]
Schedule = Literal["constant", "cosine", "one-cycle"]
Precision = Literal["fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]
SplitBy = Literal["time", "within-series", "by-series"]
Centre = Literal["none", "mean", "mean-and-scale"]
FITTED = ("pca", "kmeans", "nearest")
"""Models that are fitted in one pass, not trained by steps."""

IN_MEMORY = "memory://"
"""With what it is called, all that a run keeps of an array that has no path."""


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which windows are served, and in which batches."""

    store: "SeriesData | Arraylike | StrPath" = field(kw_only=False)
    """The store, its path, or the URL of a packed one; kept as an absolute path, or as the URL. Or an array, as
    `from_array` takes and makes it; of one in memory, only what it is called is kept."""
    window: int = 64
    """Rows of a window, K."""
    stride: int = 16
    """Rows between the starts of windows."""
    batch_size: int = 256
    """Windows of a step, over all processes."""
    split: SplitBy = "time"
    """How rows are held out. time: all series are cut at the same two times; within-series: each series by itself,
    for series recorded at different times; by-series: whole series, chosen by their names."""
    train_share: float = 0.8
    """Share of the rows to train on, from the start; of each series, or of all series, as `split` says."""
    validation_share: float = 0.1
    """Share of the rows after them to validate on; the rest is left for a test."""
    train_rows: int | None = None
    """Number of rows of each series to train on, such as its first 400, instead of a share; for `--split
    within-series`."""
    validation_rows: int | None = None
    """Number of rows of each series after them to validate on, instead of a share."""
    series: str | None = None
    """The only series to train on, by its name; by default all."""
    normal_only: bool = False
    """Leave out windows in which a row has a label, in training and validation."""
    cache_dir: StrPath | None = None
    """Folder that keeps decoded rows of a packed store, for later epochs and all processes of the machine."""

    def __post_init__(self) -> None:
        store: Any = self.store
        if not isinstance(store, str | os.PathLike):
            store = _name_of(store)
        if isinstance(place := place_of(store), Folder):
            # A run is scored from other folders than it was trained in.
            store = os.path.abspath(place.path)  # noqa: PTH100 (links are kept)
        object.__setattr__(self, "store", os.fspath(store))
        if self.cache_dir is not None:
            object.__setattr__(self, "cache_dir", str(local_path(self.cache_dir)))
        at_least(1, window=self.window, stride=self.stride, batch_size=self.batch_size)
        one_of(SplitBy, split=self.split)
        at_least(1, train_rows=self.train_rows, validation_rows=self.validation_rows)
        is_whole = self.series is None or self.split != "by-series"
        check(is_whole, "split", self.split, "time or within-series where a model has one series alone")
        if self.split != "within-series" and self.series is None:
            for name in ("train_rows", "validation_rows"):
                given = getattr(self, name)
                check(given is None, name, given, "left out, or given with --split within-series or --per-series")
        check(0 < self.train_share <= 1, "train_share", self.train_share, "above 0 and at most 1")
        check(0 <= self.validation_share < 1, "validation_share", self.validation_share, "0 or more, below 1")
        if self.train_share + self.validation_share > 1 + 1e-9:
            raise SettingsError(
                f"--train-share {self.train_share} and --validation-share {self.validation_share} have a sum of "
                "more than 1: lower one of them",
                code="option-value",
            )


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and its sizes."""

    model: str = "lstm"
    """lstm, tcn, patch, pca, kmeans, nearest, or yours as package.module:function."""
    hidden: int = 128
    """Width of each layer."""
    latent: int = 32
    """Numbers that a window is compressed to; tcn and patch round it to whole steps."""
    layers: int = 1
    """Layers of the encoder, and of the decoder; with tcn, how many times all dilations are repeated."""
    centres: int = 512
    """Most windows that kmeans keeps, or patches that nearest keeps; of a short log fewer are kept."""
    centre: Centre = "none"
    """Subtract from each channel its mean in the window before the model, for levels that drift; mean-and-scale:
    divide it by its deviation in the window as well. Both are undone after the model."""

    def __post_init__(self) -> None:
        at_least(1, hidden=self.hidden, latent=self.latent, layers=self.layers, centres=self.centres)
        one_of(Centre, centre=self.centre)
        follows = self.model == "pca" and self.centre != "none"
        why = "none for --model pca, whose components follow the level of a window anyway"
        check(not follows, "centre", self.centre, why)


@dataclass(frozen=True, kw_only=True)
class OptimiserSettings:
    """What is minimised, and how."""

    loss: str = "mse"
    """mse, mae, huber, or yours as package.module:function."""
    optimiser: str = "adam"
    """adam, adamw, sgd, or yours as package.module:function."""
    lr: float = 3e-3
    """Highest learning rate."""
    schedule: Schedule = "constant"
    """How the learning rate changes after the warm-up."""
    warmup_steps: int = 0
    """Steps in which the learning rate rises to `lr`."""
    clip_norm: float = 1.0
    """Gradients that are longer than this (2-norm over all weights) are scaled down to it."""
    accumulate: int = 1
    """Parts in which a process takes its share of a batch, one after the other, to need less memory."""
    ema: float = 0.0
    """Share that the moving average of the weights keeps at each step, such as 0.999; 0 for no average."""

    def __post_init__(self) -> None:
        check(0 < self.lr < float("inf"), "lr", self.lr, "above 0")
        check(self.clip_norm > 0, "clip_norm", self.clip_norm, "above 0")
        check(0 <= self.ema < 1, "ema", self.ema, "0 or more, below 1")
        one_of(Schedule, schedule=self.schedule)
        at_least(0, warmup_steps=self.warmup_steps)
        at_least(1, accumulate=self.accumulate)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where, how long and on what."""

    out: StrPath = field(kw_only=False)
    """Run directory to write, such as runs/plant."""
    from_: StrPath | None = None
    """Run whose best weights the model begins with; its model, window and channels must be the same. Of a run
    with a model for each series, that of the same series."""
    epochs: int = 10
    """Times that every training window is seen."""
    max_steps: int | None = None
    """Stop after this many steps, counted from the start of the run."""
    minutes: float | None = None
    """Stop after this many minutes of training, counted from this start or restart."""
    patience: int | None = None
    """Stop after this many epochs without a better validation loss."""
    precision: Precision = "fp32"
    """Arithmetic of the model; weights and loss stay fp32."""
    compile: bool = False
    """Compile the model before training (not an LSTM)."""
    device: Device = "auto"
    """Where to compute."""
    seed: int = 0
    """Seed of the weights and of the order of windows."""
    log_every: int = 50
    """Steps between lines of `metrics.jsonl`."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; each epoch also ends with one."""
    checkpoint_minutes: float | None = None
    """Minutes between further checkpoints."""
    keep: int = 2
    """Number of the newest checkpoints to keep; the best one is kept too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "out", str(local_path(self.out)))
        if self.from_ is not None:
            object.__setattr__(self, "from_", str(local_path(self.from_)))
        at_least(1, epochs=self.epochs, log_every=self.log_every, checkpoint_every=self.checkpoint_every)
        at_least(1, keep=self.keep, max_steps=self.max_steps, patience=self.patience)
        at_least(0, seed=self.seed)
        check(self.seed < 2**63, "seed", self.seed, "below 2^63")
        for name in ("minutes", "checkpoint_minutes"):
            value = getattr(self, name)
            check(value is None or value > 0, name, value, "above 0")
        one_of(Precision, precision=self.precision)
        one_of(Device, device=self.device)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a run, in the groups of `settings.json`."""

    data: DataSettings
    model: ModelSettings
    optimiser: OptimiserSettings
    run: RunSettings

    def __post_init__(self) -> None:
        is_trained = self.run.from_ is None or self.model.model not in FITTED
        why = f"left out for --model {self.model.model}, which is fitted in one pass, whatever it begins with"
        check(is_trained, "from_", self.run.from_, why)
        if self.run.compile and self.model.model == "lstm":
            raise SettingsError(
                "--compile does nothing for an LSTM, which is already one call of torch: leave it out",
                code="option-value",
            )

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Plain values for `json.dumps`, by group."""
        return asdict(self)

    @staticmethod
    def from_json(groups: Any) -> "Settings":
        """Inverse of `as_json`. Raises SettingsError for anything that it could not have returned."""
        known = {group: {field.name for field in fields(kind)} for group, kind in GROUPS.items()}
        if not isinstance(groups, dict) or groups.keys() != known.keys():
            raise SettingsError(f"expected the groups {', '.join(known)}", code="setting-unknown")
        flat: dict[str, Any] = {}
        for group, values in groups.items():
            if not isinstance(values, dict) or values.keys() - known[group]:
                raise SettingsError(f"{group} may have only {', '.join(known[group])}", code="setting-unknown")
            flat |= values
        if isinstance(flat.get("centre"), bool):  # as version 0.1 wrote it
            flat["centre"] = "mean" if flat["centre"] else "none"
        if unknown := [name for name in SIZES if flat.get(name, 0) is None]:
            raise SettingsError(f"{unknown[0]} is not a number", code="option-value")
        try:
            return _grouped(**flat)
        except TypeError as error:  # one is missing that has no default
            raise SettingsError(f"{error}", code="setting-unknown") from None

    def that_shape_the_curve(self) -> dict[str, Any]:
        """Those that must stay as they are when a run is resumed, by flag: not how long, where and how often.

        The path of the store may change as well; what it holds is checked by the loader's fingerprint.
        """
        groups = self.as_json()
        names = {**groups["data"], **groups["model"], **groups["optimiser"]}
        names |= {name: groups["run"][name] for name in ("seed", "precision")}
        if self.optimiser.schedule != "constant":
            names |= {name: groups["run"][name] for name in ("epochs", "max_steps")}
        return {flag_name(name): value for name, value in names.items() if name not in ("store", "cache_dir")}


GROUPS: dict[str, type[Any]] = {
    "data": DataSettings,
    "model": ModelSettings,
    "optimiser": OptimiserSettings,
    "run": RunSettings,
}


SIZES = ("window", "stride", "batch_size", "train_share", "validation_share", "epochs")
USUAL: dict[str, Any] = {
    field.name: field.default
    for kind in (DataSettings, RunSettings)
    for field in fields(kind)
    if field.name in SIZES
}
"""Sizes of a run on a long log."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunSettings, OptimiserSettings, ModelSettings, DataSettings):
    """The same without groups: the parameters of `longstride.train` and the flags of its command.

    Sizes that are None are chosen when the rows are known (`fitted_sizes`).
    """

    window: int | None = None  # type: ignore[assignment]
    """Rows of a window, K: 64 by default, or fewer for a short log."""
    stride: int | None = None  # type: ignore[assignment]
    """Rows between the starts of windows: a quarter of the window by default, or fewer for a short log."""
    batch_size: int | None = None  # type: ignore[assignment]
    """Windows of a step, over all processes: 256 by default, or fewer for a short log."""
    train_share: float | None = None  # type: ignore[assignment]
    """Share of the rows to train on, from the start: 0.8 by default; of each series or of all, see `split`."""
    validation_share: float | None = None  # type: ignore[assignment]
    """Share of the rows after them to validate on: 0.1 by default, or all of a short log; the rest is left for a
    test."""
    epochs: int | None = None  # type: ignore[assignment]
    """Times that every training window is seen: 10 by default, or more for a short log."""
    per_series: bool = False
    """Train a model for each series by itself, in one run directory; each is cut into rows to train on and rows to
    validate on by itself."""
    resume: bool = False
    """Resume from the newest checkpoint in `out` that can be read; begin a new run if there is none."""
    verify: bool = False
    """Check every chunk of the store against its checksum before training."""

    def __post_init__(self) -> None:
        """Leave the checks to the groups."""

    def grouped(self, sizes: Mapping[str, Any] = USUAL) -> Settings:
        """The groups, checked; those sizes that are None are taken from `sizes`.

        Raises SettingsError for a value that cannot work.
        """
        values = {name: value for name, value in vars(self).items() if value is not None or name not in SIZES}
        values = {**{name: sizes[name] for name in SIZES}, **values}
        parts = {
            name: kind(**{field.name: values[field.name] for field in fields(kind)})
            for name, kind in GROUPS.items()
        }
        return Settings(**parts)


@keywords_of(TrainOptions, SettingsError)
def _grouped(options: TrainOptions) -> Settings:
    """The groups of settings, the type of each checked."""
    return options.grouped()


def _name_of(data: Any) -> str:
    """What a run keeps of a store that is open, or of an array. Raises SettingsError for anything else."""
    is_array = hasattr(data, "__array__")
    name = type(data).__name__ if is_array else getattr(data, "name", None)
    check(isinstance(name, str), "store", data, "an open store, the path or URL of one, or an array")
    # What lies in memory has no path: `from_array` calls it "the ndarray".
    in_memory = is_array or str(name).startswith("the ")
    return IN_MEMORY + str(name).removeprefix("the ") if in_memory else str(name)
