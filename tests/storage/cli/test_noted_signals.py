"""Signals that are noted, and those that stay ignored."""

import os
import signal
import threading
from types import FrameType

from longstride.storage.cli.noted_signals import NotedSignals

USED = (signal.SIGUSR1, signal.SIGUSR2)


class Noted(NotedSignals):
    def __init__(self) -> None:
        super().__init__(USED)
        self.numbers: list[int] = []

    def note(self, number: int, frame: FrameType | None) -> None:
        self.numbers.append(number)


def test_they_are_noted_and_then_as_before() -> None:
    before = [signal.getsignal(number) for number in USED]
    with Noted() as outer:
        os.kill(os.getpid(), signal.SIGUSR1)
        with Noted() as inner:
            os.kill(os.getpid(), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGUSR2)
    assert outer.numbers == [signal.SIGUSR1, signal.SIGUSR2]
    assert inner.numbers == [signal.SIGUSR2]
    assert [signal.getsignal(number) for number in USED] == before


def test_one_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with Noted() as noted:
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGUSR2)
        assert noted.numbers == [signal.SIGUSR2]
        assert signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_another_thread_leaves_them_alone() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    found = []

    def enter() -> None:
        with Noted():
            found.append(signal.getsignal(signal.SIGUSR1))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]
