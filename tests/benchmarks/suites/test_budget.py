"""Time that a measurement keeps, and the time that a device works."""

import pytest
import torch

from benchmarks.suites.budget import Budget
from benchmarks.suites.busy import busy_share, covered


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("minutes", "taken", "left_out"),
    [(None, 4, []), (100, 4, []), (0.5, 3, ["3"]), (0.25, 1, ["1", "2", "3"]), (0, 1, ["1", "2", "3"])],
)
def test_no_case_is_begun_that_would_not_end(minutes: float | None, taken: int, left_out: list[str]) -> None:
    clock = Clock()
    budget = Budget(minutes, clock)
    done = []
    for case in budget.cases(range(4), str):
        done.append(case)
        clock.now += 9
    assert done == list(range(taken))
    assert budget.left_out == left_out


def test_after_one_that_was_left_out_no_other_is_begun() -> None:
    clock = Clock()
    budget = Budget(1, clock)
    for _ in budget.cases(["long"], str):
        clock.now = 40
    assert [*budget.cases(["a", "b"], str)] == []
    assert budget.left_out == ["a", "b"]


def test_what_ranges_cover() -> None:
    assert covered([]) == 0
    assert covered([(5, 6), (0, 2), (1, 4), (1, 3), (4, 4.5)]) == 5.5


def test_a_processor_has_no_share() -> None:
    assert busy_share(torch.device("cpu"), lambda: None) is None
