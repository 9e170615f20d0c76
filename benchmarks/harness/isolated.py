"""Running something in a process of its own: its seconds, and the peak memory of its process tree.

As `python -m benchmarks.harness.isolated ASKED RESULT` it is that process; ASKED is the pickle of what to run.
"""

import importlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from benchmarks.harness.registry import ROOT

__all__ = ["Isolated", "run_isolated"]

SAMPLE_SECONDS = 0.02


class Isolated(NamedTuple):
    """What one run took."""

    seconds: float
    """Without starting the process and its imports."""
    peak_megabytes: float
    """Largest sum of resident memory over the process and those that it started, sampled 50 times a second. Pages
    of mapped files count, and shared ones count in each process, unless own memory was asked for."""


def run_isolated(
    function: Callable[..., Any],
    *arguments: Any,
    imports: Sequence[str] = (),
    own_memory: bool = False,
    checkout: Path = ROOT,
) -> Isolated:
    """Run a function of a module in a new process, after `imports`; the code is that of `checkout`.

    With `own_memory`, pages of mapped files are left out. Raises RuntimeError if the function fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, asked = Path(folder) / "seconds.json", Path(folder) / "asked.pickle"
        asked.write_bytes(pickle.dumps((function, arguments, imports)))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.harness.isolated", asked, result],
            env=os.environ | {"PYTHONPATH": str(checkout)},
        )
        peak = _Peak(process.pid, own_memory)
        exit_code = process.wait()
        megabytes = peak.stop() / 1e6
        if exit_code:
            raise RuntimeError(f"{function.__name__} ended with exit code {exit_code}")
        return Isolated(json.loads(result.read_text()), megabytes)


def _run(asked: Path, result: Path) -> None:
    function, arguments, imports = pickle.loads(asked.read_bytes())
    for name in imports:
        importlib.import_module(name)
    begin = time.perf_counter()
    function(*arguments)
    result.write_text(json.dumps(time.perf_counter() - begin))


class _Peak:
    """Samples the memory of a process tree in the background."""

    def __init__(self, pid: int, own_memory: bool) -> None:
        self._process = psutil.Process(pid)
        self._own_memory = own_memory
        self._largest = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Stop, and give the largest number of bytes seen."""
        self._done.set()
        self._thread.join()
        return self._largest

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            try:
                tree = [self._process, *self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self._largest = max(self._largest, sum(_resident(process, self._own_memory) for process in tree))


def _resident(process: psutil.Process, own_memory: bool) -> int:
    try:
        memory = process.memory_info()
        return int(memory.rss - memory.shared if own_memory else memory.rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
