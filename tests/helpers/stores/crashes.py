"""Writers that die: `python crashes.py FOLDER TRIALS` writes the same store in many child processes.

They are killed with SIGKILL at a step to the disk (FOLDER/write-step-n: every third one, and each of the last) or,
TRIALS times, after a random time (FOLDER/write-time-n: three in turn die in each, the later ones while they take
over). The same is done to appends to copies of one store, FOLDER/before, at every second step (FOLDER/append-...).
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from longstride.storage.format import KEPT_GENERATIONS, StoreLayout
from longstride.storage.series.segments import Segments
from longstride.storage.writing.lock import StoreLock
from longstride.storage.writing.writer import StoreWriter

LAYOUT = StoreLayout(channels=("pressure", "flow"), units=("bar", None), labels=("anomaly",))
ROWS = 5 * 1024 + 77
NEW_ROWS = 2 * 1024 + 500
SMALL_CHUNKS = mock.patch.object(StoreLayout, "chunk_rows", 1024)


def write(path: Path) -> None:
    """Six chunks, two segments, always the same bytes."""
    with SMALL_CHUNKS, StoreWriter(path, LAYOUT) as writer:
        add_and_commit(writer, ROWS)


def append(path: Path, count: int = NEW_ROWS) -> None:
    """Rows after those that are there, always the same bytes after the same rows."""
    with SMALL_CHUNKS, StoreLock(path, append=True) as lock, StoreWriter.appending(lock) as writer:
        add_and_commit(writer, count)


def add_and_commit(writer: StoreWriter, count: int) -> None:
    """Give rows, in two cuts, and commit them."""
    time = 10**9 * np.arange(writer.num_rows, writer.num_rows + count)
    values = np.random.default_rng(writer.num_rows).standard_normal((count, 2), np.float32)
    for part in (slice(0, count // 3), slice(count // 3, count)):
        writer.append(time[part], values[part], np.zeros((len(time[part]), 1), np.int8))
    bounds = np.array([[0, 2000], [2000, writer.num_rows], [0, 1]])
    ends = [1999 * 10**9, int(time[-1])]
    writer.commit(
        Segments(*bounds), ("a", "b"), cadence_ns=10**9, series_end_ns=ends, recipe={"rows": writer.num_rows}
    )


def write_with_appends(path: Path) -> None:
    """As many commits as are kept: the next append has one to remove, and a last chunk to write again."""
    write(path)
    for _ in range(KEPT_GENERATIONS - 1):
        append(path, 100)


def copy(store: Path, path: Path) -> None:
    """Copy a store by links, which is enough: no file of a commit is ever written in place."""
    shutil.copytree(store, path, copy_function=os.link)


def in_child(work: Callable[[], None]) -> int:
    """Fork, work, and return the child's process id at once."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def count_steps(act: Callable[[int], None]) -> None:
    """Call `act` with its number in front of each step that changes the disk."""
    steps = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            act(steps)
            return function(*args, **kwargs)

        return call

    for name in ("replace", "mkdir", "unlink", "rmdir"):
        setattr(os, name, counted(getattr(os, name)))


def work_and_die(work: Callable[[Path], None], path: Path, die_at: int | None) -> None:
    """Work, but be killed in front of the n-th step; if None, write how many there are."""

    def act(step: int) -> None:
        nonlocal last
        last = step
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    last = 0
    count_steps(act)
    work(path)
    path.with_name(f"{path.name}.steps").write_text(str(last))


def campaign(folder: Path, name: str, work: Callable[[Path], None], trials: int, *, every: int) -> None:
    """Kill `work` at steps and at random times; where there is FOLDER/before, on copies of it."""

    def prepared(path: Path) -> Path:
        if (folder / "before").exists() and not path.exists():
            copy(folder / "before", path)
        return path

    whole = prepared(folder / f"{name}-whole")
    os.waitpid(in_child(lambda: work_and_die(work, whole, None)), 0)
    num_steps = int((folder / f"{name}-whole.steps").read_text())
    for step in sorted({*range(1, num_steps, every), *range(num_steps - 6, num_steps + 1)}):
        path = prepared(folder / f"{name}-step-{step}")
        os.waitpid(in_child(lambda path=path, step=step: work_and_die(work, path, step)), 0)
    random.seed(0)
    finished = (whole / "zarr.json").read_bytes()
    for trial in range(trials):
        path = prepared(folder / f"{name}-time-{trial // 3}")
        if not (path / "zarr.json").exists() or (path / "zarr.json").read_bytes() != finished:
            child = in_child(lambda path=path: work(path))
            time.sleep(0.15 * random.random())
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def main(folder: Path, trials: int) -> None:
    """Run the campaigns; Zarr's threads start in the children alone, so that forking is safe."""
    os.fsync = lambda descriptor: None  # a killed process loses nothing that it has written
    campaign(folder, "write", write, trials, every=3)
    os.waitpid(in_child(lambda: write_with_appends(folder / "before")), 0)
    campaign(folder, "append", append, trials, every=2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
