"""torchrun, as `python forked_ranks.py ...`, but its ranks are forked from it.

Importing torch is most of what a short run takes. To torchrun, signals and kills they are processes like others.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from typing import Any

import torch._dynamo  # noqa: F401 (every optimiser does)
from torch.distributed import run
from torch.distributed.elastic.multiprocessing.subprocess_handler import SubprocessHandler

import longstride.trainer.loop
import longstride.trainer.fitted_run  # noqa: F401 (both for the ranks)


class Rank:
    """As much of a `subprocess.Popen` as torchrun needs."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=work, args=(arguments, environment))
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a rank", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self.pid:
            os.kill(self.pid, number)


def work(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    """Do what `python -m ...` would."""
    os.setsid()
    atexit._clear()  # what is torchrun's to do
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)  # not as torchrun heeds them
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environment)
    sys.argv = [*arguments[arguments.index("-m") + 1 :]]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def start(handler: Any, arguments: tuple[str, ...], environment: dict[str, str]) -> Rank:
    return Rank(arguments, environment)


if __name__ == "__main__":
    SubprocessHandler._popen = start  # type: ignore[assignment]
    run.main()
