"""How far a command is, on the terminal."""

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ProgressBar"]

DELAY_SECONDS = 0.5
"""A command that takes less shows no bar, and does not wait for tqdm to be imported."""


class ProgressBar:
    """A bar of `tqdm`, once a command has taken some time; none where stderr is a file or a pipe."""

    def __init__(self, what: str, total: float, unit: str) -> None:
        self._what = what
        self._unit = unit
        self.total = total
        """It may become known, or change, on the way."""
        self.done = 0.0
        self._may_show = sys.stderr.isatty()
        self._begin = monotonic()
        self._bar: tqdm[Never] | None = None

    def update(self, done: float = 1) -> None:
        """So much more of the total is done."""
        self.done += done
        if not self._may_show or (self._bar is None and monotonic() - self._begin < DELAY_SECONDS):
            return
        if self._bar is None:
            self._bar = self._new_bar()
        self._bar.total = self.total
        self._bar.update(self.done - self._bar.n)

    def _new_bar(self) -> "tqdm[Never]":
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # a thread of its own, of which it warns where no more can be started
        return tqdm(
            total=self.total,
            initial=self.done,
            unit=self._unit,
            unit_scale=self._unit != "file",
            desc=self._what,
            disable=None,
        )

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
