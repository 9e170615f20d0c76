"""A writer that dies: `python crashes.py FOLDER TRIALS` writes the same store in many child processes.

They are killed with SIGKILL at a step to the disk (FOLDER/step-n: every third one, and each of the last) or,
TRIALS times, after a random time (FOLDER/time-n: three in turn die in each, the later ones while they take over).
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from storage.format import StoreLayout
from storage.segments import Segments
from storage.writer import StoreWriter

LAYOUT = StoreLayout(channels=("pressure", "flow"), units=("bar", None), labels=("anomaly",))
ROWS = 5 * 1024 + 77
SMALL_CHUNKS = mock.patch.object(StoreLayout, "chunk_rows", 1024)


def write(path: Path) -> None:
    """Six chunks, two segments, always the same bytes."""
    values = np.random.default_rng(0).standard_normal((ROWS, 2), np.float32)
    with SMALL_CHUNKS, StoreWriter(path, LAYOUT) as writer:
        writer.append(np.arange(ROWS) * 10**9, values, np.zeros((ROWS, 1), np.int8))
        bounds = np.array([[0, 2000], [2000, ROWS], [0, 1]])
        writer.commit(Segments(*bounds), ("a", "b"), cadence_ns=10**9, recipe={"fill": "none"})


def in_child(work: Callable[[], None]) -> int:
    """Fork, work, and return the child's process id at once."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def write_and_die(path: Path, die_at: int | None) -> None:
    """Write, but be killed in front of the n-th step that changes the disk; if None, write how many there are."""
    steps = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    for name in ("replace", "mkdir", "unlink", "rmdir"):
        setattr(Path, name, counted(getattr(Path, name)))
    os.fsync = lambda descriptor: None  # a killed process loses nothing that it has written
    write(path)
    (path.parent / "steps").write_text(str(steps))


def main(folder: Path, trials: int) -> None:
    """Run both campaigns; Zarr's threads start in the children alone, so that forking is safe."""
    os.waitpid(in_child(lambda: write_and_die(folder / "whole", None)), 0)
    num_steps = int((folder / "steps").read_text())
    for step in sorted({*range(1, num_steps, 3), *range(num_steps - 6, num_steps + 1)}):
        os.waitpid(in_child(lambda step=step: write_and_die(folder / f"step-{step}", step)), 0)
    random.seed(0)
    for trial in range(trials):
        path = folder / f"time-{trial // 3}"
        if not (path / "zarr.json").exists():
            child = in_child(lambda path=path: write(path))
            time.sleep(0.15 * random.random())
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
