"""SIGTERM, SIGINT and a failed callback as a wish that a run grants at its next step."""

import signal
from types import FrameType

from longstride.storage.cli.noted_signals import NotedSignals

__all__ = ["StopWish"]


class StopWish(NotedSignals):
    """While entered, a signal is only noted: ranks must stop at the same step, so none may stop at once."""

    def __init__(self) -> None:
        super().__init__((signal.SIGTERM, signal.SIGINT))
        self.number = 0
        """Of the first signal; 0 where none came."""
        self._is_asked = False

    @property
    def came(self) -> bool:
        """Whether a signal came, or the run itself asked."""
        return self._is_asked or self.number != 0

    def ask(self) -> None:
        """Wish for a stop without a signal."""
        self._is_asked = True

    def note(self, number: int, frame: FrameType | None) -> None:
        """See NotedSignals."""
        self.number = self.number or number
        outer = getattr(self.before.get(number), "__self__", None)
        if isinstance(outer, StopWish):  # of all runs that this one is among: it may end before it sees the wish
            outer.note(number, frame)
