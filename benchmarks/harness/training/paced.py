"""`python -m benchmarks.harness.training.paced MODULE`: a training in a process of its own, in turns.

Asked by lines of JSON on standard input, as `benchmarks.harness.serve` is. MODULE has

    train(case, pace)  train for ever on the windows of a `FitCase`, and call `pace(n)` after each n steps
    cannot(case)       why a case cannot be trained, or None; without it, all can
    DISTRIBUTION       whose version is reported, if any

The training is one call that does not return, as its user writes it. `pace` holds it where a turn is over.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, TextIO

from benchmarks.harness.training.fit_case import FitCase

__all__ = ["Pace"]


class Pace:
    """Counts the steps of a training, and lets it go on when the next turn is asked for."""

    def __init__(self, asked: Iterator[str], answers: TextIO, case: FitCase) -> None:
        self._asked = asked
        self._answers = answers
        self._batch = case.batch
        self._turn: dict[str, Any] | None = None
        self._asked_at = time.perf_counter()
        self._counted_from: float | None = None
        self._all_steps = self._lead_in_steps = 0

    def __call__(self, num_steps: int = 1) -> None:
        """After so many steps, since the last call."""
        now = time.perf_counter()
        if self._turn is None:
            self._answer(first_steps_seconds=now - self._asked_at, threads=_torch_threads())
            return
        self._all_steps += num_steps
        if self._counted_from is None:  # the lead-in, one call at least
            if now - self._asked_at >= self._turn["lead_in"]:
                self._counted_from, self._lead_in_steps = now, self._all_steps
            return
        steps, seconds = self._all_steps - self._lead_in_steps, now - self._counted_from
        if seconds >= self._turn["seconds"] and steps >= self._turn["steps"]:
            all_windows = self._all_steps * self._batch
            self._answer(windows=steps * self._batch, seconds=seconds, all_windows=all_windows)

    def _answer(self, **answer: Any) -> None:
        """Answer, and wait for the next turn."""
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()
        line = next(self._asked, None)
        if line is None:
            os._exit(0)  # nobody asks any more; the training itself has no end
        self._turn = json.loads(line)
        self._asked_at, self._counted_from = time.perf_counter(), None
        self._all_steps = self._lead_in_steps = 0


def _torch_threads() -> int:
    return int(sys.modules["torch"].get_num_threads())


def main() -> None:
    """Say what it is, then train until standard input ends."""
    # What libraries print goes to standard error: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    way = importlib.import_module(sys.argv[1])
    distribution = getattr(way, "DISTRIBUTION", None)
    hello = {"version": version(distribution) if distribution else None, "workers": [0], "writes": None}
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = hello
        if asked["do"] == "open":
            case = FitCase(**asked["case"])
            try:
                if reason := getattr(way, "cannot", lambda case: None)(case):
                    answer = {"cannot": reason}
                else:
                    way.train(case, Pace(sys.stdin, answers, case))
            except Exception as error:
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
