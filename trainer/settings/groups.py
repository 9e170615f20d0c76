"""All settings of a run: in groups, as they are kept, and flat, as they are given."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from longstride.storage.cli.flags import flag_name
from longstride.storage.cli.keywords import keywords_of
from longstride.trainer.checks import check
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings.data import DataSettings
from longstride.trainer.settings.known_models import FITTED, known_model
from longstride.trainer.settings.model import ModelSettings
from longstride.trainer.settings.optimiser import OptimiserSettings
from longstride.trainer.settings.run import RunSettings
from longstride.trainer.settings.task import TaskSettings

__all__ = ["USUAL", "Settings", "TrainOptions"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a run, in the groups of `settings.json`."""

    data: DataSettings
    task: TaskSettings = field(default_factory=TaskSettings)
    model: ModelSettings
    optimiser: OptimiserSettings
    run: RunSettings

    def __post_init__(self) -> None:
        is_forecast = self.task.task == "forecast"
        expected = "at least 1 with --task forecast" if is_forecast else "left out, but with --task forecast"
        check(is_forecast == (self.data.horizon > 0), "horizon", self.data.horizon, expected)
        suitable = known_model(self.model.model).tasks
        if self.task.task not in suitable or (self.model.model in FITTED and self.task.targets):
            raise SettingsError(
                f"--model {self.model.model} is for --task {' or '.join(suitable)}"
                + (", and reconstructs what it sees: leave --targets out" if self.task.targets else "")
                + "; lstm is for all tasks",
                code="option-value",
            )
        check(
            not (self.data.normal_only and self.task.task == "classify"),
            "normal_only",
            self.data.normal_only,
            "left out with --task classify, which learns labels from the windows that have them",
        )
        is_lost = self.data.window == 1 and self.model.centre != "none" and not is_forecast
        check(not is_lost, "centre", self.model.centre, "none with --window 1: a single row is its own mean")
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
        return {
            group: {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
            for group, values in asdict(self).items()
        }

    @staticmethod
    def from_json(groups: Any) -> "Settings":
        """Inverse of `as_json`. Raises SettingsError for anything that it could not have returned."""
        known = {group: {one.name for one in fields(kind)} for group, kind in GROUPS.items()}
        if isinstance(groups, dict):
            groups = {"task": {}, **groups}  # older versions had one task
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
        names = {**groups["data"], **groups["task"], **groups["model"], **groups["optimiser"]}
        names |= {name: groups["run"][name] for name in ("seed", "precision")}
        if self.optimiser.schedule != "constant":
            names |= {name: groups["run"][name] for name in ("epochs", "max_steps")}
        return {flag_name(name): value for name, value in names.items() if name not in ("store", "cache_dir")}


GROUPS: dict[str, type[Any]] = {
    "data": DataSettings,
    "task": TaskSettings,
    "model": ModelSettings,
    "optimiser": OptimiserSettings,
    "run": RunSettings,
}


SIZES = ("window", "stride", "batch_size", "train_share", "validation_share", "epochs")
USUAL: dict[str, Any] = {
    one.name: one.default for kind in (DataSettings, RunSettings) for one in fields(kind) if one.name in SIZES
}
"""Sizes of a run on a long log."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(RunSettings, OptimiserSettings, ModelSettings, TaskSettings, DataSettings):
    """The same without groups: the parameters of `longstride.train` and the flags of its command.

    Sizes that are None are chosen when the rows are known (`suitable_sizes`).
    """

    window: int | None = None  # type: ignore[assignment]
    """Rows of a window, K: 64 by default, or fewer for a short log."""
    stride: int | None = None  # type: ignore[assignment]
    """Rows between the starts of windows: a quarter of the window by default, or fewer for a short log."""
    horizon: int | None = None  # type: ignore[assignment]
    """Rows after each window to forecast, H: 1 by default with `--task forecast`."""
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
    callback: "Callable[[dict[str, Any]], object] | str | None" = None
    """Function that is told what happens in the run, as a dict for each event; or package.module:function. It is
    not kept in the run: give it again with `resume`."""
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
        if values["horizon"] is None:
            values["horizon"] = int(self.task == "forecast")
        parts = {
            name: kind(**{one.name: values[one.name] for one in fields(kind)}) for name, kind in GROUPS.items()
        }
        return Settings(**parts)


@keywords_of(TrainOptions, SettingsError)
def _grouped(options: TrainOptions) -> Settings:
    """The groups of settings, the type of each checked."""
    return options.grouped()
