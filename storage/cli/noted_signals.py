"""Signals that are noted instead of ending the process."""

import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["NotedSignals"]


class NotedSignals(ABC):
    """While entered, some signals are only noted.

    One that is ignored stays so: what a shell starts in the background ignores Ctrl-C, and nohup the end of the
    terminal. Other threads of a program get no signals, and Python lets only the main one wait for them.
    """

    def __init__(self, numbers: Sequence[signal.Signals]) -> None:
        self._numbers = numbers
        self.before: dict[int, Any] = {}
        """What handled each of them, and will again."""

    @abstractmethod
    def note(self, number: int, frame: FrameType | None) -> None:
        """Take notice of a signal."""

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        for number in self._numbers if is_main else ():
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: not Python's to put back
                self.before[number] = signal.signal(number, self.note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
