"""A function of the user that is told what happens in a run: `train --callback`."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from longstride.trainer.engine.signals import StopWish
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.resolve import named, raised

__all__ = ["Callback", "Event", "Listener", "resolved"]

Event = dict[str, Any]
"""`kind`, `step`, `series`, and the figures of that kind, as docs/logging.md lists them."""
Callback = Callable[[Event], object]
FLAG = "--callback"

logger = logging.getLogger(__name__)


def resolved(callback: object) -> Callback | None:
    """The function itself, or that of an import path. Raises SettingsError for anything else."""
    if callback is None:
        return None
    found: object = named(FLAG, callback, {}) if isinstance(callback, str) else callback
    # What they return is not run.
    does_nothing = any(
        inspect.iscoroutinefunction(one) or inspect.isgeneratorfunction(one)
        for one in (found, getattr(found, "__call__", None))  # noqa: B004 (the method is looked at)
    )
    if isinstance(found, type) or not callable(found) or does_nothing:
        raise SettingsError(
            f"{FLAG} is {callback!r}: expected a function of an event (neither async nor with yield), an object "
            "that can be called with one, or package.module:function",
            code="option-value",
        )
    return found


@dataclass
class Listener:
    """Tells the callback of a run its events, on rank 0 alone; without a callback it does nothing.

    An error of the callback must not be lost, and ranks must stop at the same step. So it is noted, and is a wish
    to stop, as a signal is: the run saves itself at the end of the step, and only then raises it.
    """

    callback: Callback | None
    wish: StopWish
    series: str | None
    """The only one that the run is of."""
    error: BaseException | None = None
    """What the callback raised."""
    fault: str | None = None
    """The same, in words."""

    def tell(self, kind: str, step: int, **figures: Any) -> None:
        """Tell an event."""
        if self.error is None:
            self.error, self.fault = self._try(kind, step, **figures)
            if self.error is not None:
                self.wish.ask()

    def check(self, state: str) -> None:
        """Raise RunError if the callback has failed; `state` says how the run was left."""
        if self.error is not None:
            raise RunError(f"{FLAG} {self.fault}; {state}", code="callback-failed") from self.error

    def tell_failure(self, step: int, error: BaseException) -> None:
        """Tell the event of an error, which is raised whatever the callback does then."""
        if self.error is None:
            text = str(error) or type(error).__name__
            _, fault = self._try("failed", step, error=text, code=getattr(error, "code", None))
            if fault:
                logger.warning(f"{FLAG} {fault}")

    def _try(self, kind: str, step: int, **figures: Any) -> tuple[BaseException | None, str | None]:
        """What the callback raises, and the same in words."""
        if self.callback is None:
            return None, None
        try:
            # What it draws must not change what the model draws next.
            with torch.random.fork_rng(devices=[]):
                self.callback({"kind": kind, "step": step, "series": self.series, **figures})
        except BaseException as error:
            return error, f"{_name(self.callback)} failed at the event {kind} of step {step:,}: {raised(error)}"
        return None, None


def _name(callback: Callback) -> str:
    name = getattr(callback, "__qualname__", None) or type(callback).__qualname__
    module = getattr(callback, "__module__", None)
    return f"{module}:{name}" if module else str(name)
