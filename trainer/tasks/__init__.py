"""What a run predicts: the rows of a window, those after it, or its labels."""

from collections.abc import Iterable

from longstride.storage.text import named
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import Settings
from longstride.trainer.tasks.classify import Classify
from longstride.trainer.tasks.forecast import Forecast
from longstride.trainer.tasks.reconstruct import Reconstruct
from longstride.trainer.tasks.task import Samples, Task

__all__ = ["Samples", "Task", "make_task"]


def make_task(settings: Settings, name: str, channels: Iterable[str], labels: Iterable[str]) -> Task:
    """The task of a run on a store of this name with these channels and labels.

    Raises SettingsError where the store lacks one that the settings name.
    """
    own, known = tuple(channels), tuple(labels)
    data, task = settings.data, settings.task
    inputs = _among(tuple(data.channels), own, "channel", name)
    if task.task == "classify":
        if not known:
            raise SettingsError(f"{name} has no labels: --task classify needs one to learn", code="no-labels")
        served = tuple(one for one in own if one in inputs)
        return Classify(data.window, served, inputs, _among(tuple(task.targets), known, "label", name), task.label)
    outputs = _among(tuple(task.targets) or inputs, own, "channel", name)
    served = tuple(one for one in own if one in inputs or one in outputs)
    if task.task == "forecast":
        return Forecast(data.window, data.horizon, served, inputs, outputs, tuple(task.quantiles))
    return Reconstruct(data.window, served, inputs, outputs)


def _among(asked: tuple[str, ...], known: tuple[str, ...], what: str, name: str) -> tuple[str, ...]:
    """Those that are asked for, or all."""
    if missing := [one for one in asked if one not in known]:
        comma = any("," in one for one in known)
        hint = "; a name that holds a comma is written in a file, as a text of a list (--config)" if comma else ""
        raise SettingsError(
            f"{name} has no {what} {missing[0]!r}: it has {named(list(known), most=10)}{hint}",
            code="column-missing",
        )
    return asked or known
