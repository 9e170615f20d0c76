"""A training that does nothing but note its steps, asked as a peer is."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.harness.training.fit_case import FitCase

# In place of torch, which takes seconds to import.
sys.modules["torch"] = SimpleNamespace(get_num_threads=lambda: 2)  # type: ignore[assignment]


def cannot(case: FitCase) -> str | None:
    return "no such model" if case.model == "tcn" else None


def train(case: FitCase, pace: Callable[[int], Any]) -> None:
    if case.model == "patch":
        raise ValueError("it diverged")
    with open(Path(case.folder) / "steps", "a") as file:
        while True:
            for _ in range(2):
                file.write(".")
                file.flush()
            pace(2)
