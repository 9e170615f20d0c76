"""SIGTERM, SIGINT and a failed callback as a wish that a run grants at its next step."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopWish"]


class StopWish:
    """While entered, a signal is only noted: ranks must stop at the same step, so none may stop at once."""

    def __init__(self) -> None:
        self.number = 0
        """Of the first signal; 0 where none came."""
        self._is_asked = False
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def came(self) -> bool:
        """Whether a signal came, or the run itself asked."""
        return self._is_asked or self.number != 0

    def ask(self) -> None:
        """Wish for a stop without a signal."""
        self._is_asked = True

    def __enter__(self) -> "StopWish":
        # Other threads of a program get no signals, and Python lets only the main one wait for them.
        is_main = threading.current_thread() is threading.main_thread()
        for number in (signal.SIGTERM, signal.SIGINT) if is_main else ():
            self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        outer = getattr(self._previous.get(signal.Signals(number)), "__self__", None)
        if isinstance(outer, StopWish):  # of all runs that this one is among: it may end before it sees the wish
            outer._note(number, frame)
