"""Programs in a session of their own: a kill reaches the one process, and whatever it leaves behind is found."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from tests.helpers.paths import ROOT

__all__ = ["assert_none_left", "members", "started"]

GONE_SECONDS = 30
"""Workers that are still importing cannot look up before they have; on a busy machine that takes a while."""


@contextmanager
def started(*arguments: object, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A Python program whose output is a pipe; at the end all of its session are killed."""
    with open(log, "w") as errors:
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=log.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup lets it be ignored
        )
    try:
        yield process
    finally:
        for member in members(process.pid):
            os.kill(member, signal.SIGKILL)
        process.wait()
        _out(process).close()


def members(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getsid(process.pid) == session and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except OSError:
            continue
    return found


def assert_none_left(process: subprocess.Popen[str]) -> None:
    """Every process of its session ends by itself."""
    give_up = time.monotonic() + GONE_SECONDS
    while left := members(process.pid):
        assert time.monotonic() < give_up, [psutil.Process(pid).cmdline() for pid in left]
        time.sleep(0.05)


def _out(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout
