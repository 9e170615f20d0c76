"""`python -m benchmarks.harness.serve MODULE`: a way of serving windows, in a process and environment of its own.

Asked by lines of JSON on standard input, it answers each by one on standard output. MODULE has

    loader(case)   anything that can be iterated again and again; each iteration is one epoch of batches
    values(batch)  the windows (B, K, N) of a batch; without it, the batch itself
    cannot(case)   why a case cannot be served, or None; without it, all can
    write(case)    have the windows `case.written` written to `case.folder`, for ways that need this
    WRITES         "log" where it is the log itself that is written, once, and not windows
    DISTRIBUTION   whose version is reported, if any
    WORKERS        numbers of workers that are worth trying; without it, 0 alone
"""

import gc
import importlib
import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.case import Case

__all__ = ["Server"]


class Server:
    """Serves one case after the other."""

    def __init__(self, way: Any) -> None:
        self._way = way
        self._values: Callable[[Any], Any] = getattr(way, "values", lambda batch: batch)
        self._loader: Any = None
        self._batches: Iterator[Any] = iter(())
        self._case: Case | None = None

    def hello(self) -> dict[str, Any]:
        """What this way is."""
        distribution = getattr(self._way, "DISTRIBUTION", None)
        return {
            "version": version(distribution) if distribution else None,
            "workers": getattr(self._way, "WORKERS", (0,)),
            "writes": getattr(self._way, "WRITES", "windows") if hasattr(self._way, "write") else None,
        }

    def open(self, case: dict[str, Any]) -> dict[str, Any]:
        """Begin a case: how long its first batch took, and the bytes of what was written out for it before.

        What was written out for the last case is used again where the folder is the same.
        """
        if self._case and self._case.folder == case["folder"]:
            self._let_go()
        else:
            self.close()
        self._case = case_ = Case(**case)
        if reason := getattr(self._way, "cannot", lambda case: None)(case_):
            return {"cannot": reason}
        written = self._write(case_) if hasattr(self._way, "write") else None
        begin = time.perf_counter()
        self._loader = self._way.loader(case_)
        self._batches = self._endless()
        self._values(next(self._batches))
        return {"first_batch_seconds": time.perf_counter() - begin, "written_bytes": written}

    def _write(self, case: Case) -> int:
        folder = Path(case.folder)
        if not folder.exists():
            folder.mkdir(parents=True)
            self._way.write(case)
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self._loader

    def serve(self, seconds: float, lead_in: float) -> dict[str, Any]:
        """Windows served in about so many seconds, after some that are not counted."""
        self._serve(lead_in)
        windows, elapsed = self._serve(seconds)
        return {"windows": windows, "seconds": elapsed}

    def _serve(self, seconds: float) -> tuple[int, float]:
        windows = 0
        begin = time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < seconds or not windows:
            # Held until the next one is there, as a training loop holds it.
            held = self._values(next(self._batches))
            windows += held.shape[0]  # len() of a tensor takes a hundredth of the copy of a batch of short windows
        return windows, elapsed

    def starts(self, num_batches: int | None) -> dict[str, Any]:
        """First rows of the windows of so many batches, or of an epoch, and the sizes of these batches.

        Raises ValueError where a batch is not (B, K, N), or a window is not one of the log.
        """
        assert self._case
        places = _Places(self._case)
        starts: list[int] = []
        sizes = []
        for batch in self._loader:
            windows = np.asarray(self._values(batch))
            starts += places.of(windows)
            sizes.append(len(windows))
            if len(sizes) == num_batches:
                break
        return {"starts": starts, "sizes": sizes}

    def close(self) -> dict[str, Any]:
        """Let go of the case, its files and what was written out for it."""
        self._let_go()
        if self._case and self._case.folder:
            shutil.rmtree(self._case.folder, ignore_errors=True)
        self._case = None
        return {}

    def _let_go(self) -> None:
        self._batches, self._loader = iter(()), None
        gc.collect()


class _Places:
    """Where in the log windows come from, found by their values."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rows = case.rows()
        self._keys = self._key(self._rows[:-1, 0], self._rows[1:, 0])
        self._order = np.argsort(self._keys, kind="stable")
        self._sorted = self._keys[self._order]

    @staticmethod
    def _key(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.uint64]:
        return np.stack([first, second], axis=-1).view(np.uint64)[..., 0]

    def of(self, windows: NDArray[Any]) -> list[int]:
        """First rows of windows (B, K, N)."""
        case = self._case
        if windows.shape[1:] != (case.window, case.num_channels):
            raise ValueError(f"a batch is {windows.shape}, expected (B, {case.window}, {case.num_channels})")
        keys = self._key(windows[:, 0, 0].astype(np.float32), windows[:, 1, 0].astype(np.float32))
        left, right = (np.searchsorted(self._sorted, keys, side) for side in ("left", "right"))
        return [
            self._find(window, self._order[first:last])
            for window, first, last in zip(windows, left, right, strict=True)
        ]

    def _find(self, window: NDArray[Any], candidates: NDArray[np.int64]) -> int:
        for start in candidates.tolist():
            if np.array_equal(window, self._rows[start : start + self._case.window], equal_nan=True):
                if start % self._case.stride:
                    raise ValueError(f"a window begins at row {start}, the stride is {self._case.stride}")
                return int(start)
        raise ValueError("a window is not one of the log")


def main() -> None:
    """Answer until standard input ends."""
    # What libraries print goes to standard error: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server(importlib.import_module(sys.argv[1]))
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = getattr(server, asked.pop("do"))(**asked)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    server.close()


if __name__ == "__main__":
    main()
