"""A training in turns: which steps are counted, and what becomes of one that fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.harness.registry import Way
from benchmarks.harness.training.fit_case import FitCase
from benchmarks.harness.training.fit_process import FitProcess
from benchmarks.harness.way_process import CannotServe

COUNTING = Way("counting", "tests.benchmarks.counting_training")


@pytest.fixture
def case(tmp_path: Path) -> FitCase:
    sizes = {"num_rows": 100, "num_channels": 1, "window": 4, "stride": 1, "batch": 8, "hidden": 1, "latent": 1}
    return FitCase(store="", raw="", model="lstm", learning_rate=1.0, clip_norm=1.0, folder=str(tmp_path), **sizes)


def test_steps_are_taken_when_they_are_asked_for(case: FitCase, tmp_path: Path) -> None:
    with FitProcess(COUNTING, most_seconds=60, most_megabytes=10_000, log=tmp_path / "log") as process:
        process.open(case)
        steps = tmp_path / "steps"
        assert len(steps.read_text()) == 2  # until the first call of `pace`
        taken = process.take(num_steps=6)
        assert (taken.windows, len(steps.read_text())) == (6 * 8, 2 + 2 + 6)  # one call is not counted
        taken = process.take(num_steps=3)
        assert (taken.windows, len(steps.read_text())) == (4 * 8, 10 + 2 + 4)  # two steps to a call
        assert taken.seconds_for(64) == 2 * taken.seconds
        assert process.take(seconds=0.05).seconds >= 0.05
        assert process.most_megabytes() > 5


@pytest.mark.parametrize(("model", "said"), [("tcn", "no such model"), ("patch", "ValueError: it diverged")])
def test_a_training_that_cannot_be_or_fails(case: FitCase, tmp_path: Path, model: str, said: str) -> None:
    with (
        FitProcess(COUNTING, most_seconds=60, most_megabytes=10_000, log=tmp_path / "log") as process,
        pytest.raises(CannotServe, match=said),
    ):
        process.open(replace(case, model=model))
