"""Scores of normal rows by the other parts of their log, compared with calibrations that lack a part."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import kept_positions
from longstride.trainer.scoring.normal import ENOUGH_ROWS, PARTS, NormalRows
from longstride.trainer.scoring.scorer import Scorer
from longstride.trainer.scoring.settings import ScorerOptions

WINDOW, CHANNELS = 16, 2


def calibration(level: NDArray[np.float64], series: NDArray[np.int64] | None = None) -> Calibration:
    """Errors of rows around a level (M,)."""
    random, rows = np.random.default_rng(3), len(level)
    positions = len(kept_positions(WINDOW))
    errors = level[:, None, None] + random.exponential(1.0, (rows, positions, CHANNELS))
    numbers = np.zeros(rows, np.int64) if series is None else series
    return Calibration(
        mean=torch.ones(WINDOW, CHANNELS),
        scale=torch.ones(WINDOW, CHANNELS),
        errors=torch.from_numpy(errors).half(),
        weights=torch.ones(rows, positions),
        rows=torch.arange(rows),
        series=torch.from_numpy(numbers),
        series_names=[str(number) for number in range(int(numbers.max()) + 1)],
        split="validation",
        of="made up",
        fingerprint="",
        state="",
        dtype="float32",
        max_gap_ns=0,
        data="",
    )


def only(made: Calibration, chosen: NDArray[np.bool_]) -> Calibration:
    at = torch.from_numpy(np.flatnonzero(chosen))
    taken: dict[str, Any] = {name: getattr(made, name)[at] for name in ("errors", "weights", "rows", "series")}
    return replace(made, **taken)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(5, 200), min_size=1, max_size=3), st.sampled_from([1, 3, 16, 40]), st.integers(0, 5))
def test_each_part_is_compared_with_the_others(lengths: list[int], stride: int, drift: int) -> None:
    """Each series is cut into parts by itself."""
    rows, series = sum(lengths), np.repeat(np.arange(len(lengths)), lengths)
    made = calibration(np.linspace(0, drift, rows), series)
    crossed = NormalRows(made, "mean", 1).crossed_scores(stride)
    part = np.concatenate([np.arange(length) * PARTS // length for length in lengths])
    for number in range(PARTS):
        others, mine = NormalRows(only(made, part != number), "mean", 1), only(made, part == number)
        for row in range(int((part == number).sum())):
            alone = only(mine, np.arange(len(mine.rows)) == row)
            bits = covered(int(alone.rows[0]), stride)
            if bits:
                errors = NormalRows(alone, "mean", 1)._together(np.ones(1, bool), bits)
                expected, _ = others.scores(errors, np.array([bits], np.uint8), np.array([-1]))
                assert crossed[part == number][row] == pytest.approx(expected[0], nan_ok=True)


def covered(row: int, stride: int) -> int:
    """The bits of the kept positions at which windows `stride` rows apart cover a row in a long log."""
    kept = kept_positions(WINDOW)
    apart = min(stride, WINDOW)
    at = range(row % apart, WINDOW, apart)
    return int(np.bitwise_or.reduce([1 << int(np.abs(kept - position).argmin()) for position in at]))


def test_a_log_that_wanders_has_a_higher_threshold() -> None:
    level = np.repeat([0.0, 2.0, -1.0, 3.0, 1.0], 40)
    made = calibration(level)
    itself = NormalRows(made, "mean", 1).own_scores(1)
    assert Scorer(made, 1, ScorerOptions()).threshold > 1.1 * np.quantile(itself, 0.999)


def test_many_rows_that_do_not_wander_have_the_same_threshold() -> None:
    made = calibration(np.zeros(20_000))
    itself = NormalRows(made, "mean", 1).own_scores(1)
    assert Scorer(made, 1, ScorerOptions()).threshold == pytest.approx(np.quantile(itself, 0.999), rel=0.02)


def test_a_series_is_compared_with_other_parts_of_its_own() -> None:
    """One of two series has errors that are far higher; each has enough rows of its own."""
    series = np.repeat([0, 1], ENOUGH_ROWS)
    crossed = NormalRows(calibration(50.0 * series, series), "mean", 1).crossed_scores(1)
    for number in (0, 1):
        alone = NormalRows(calibration(np.zeros(ENOUGH_ROWS)), "mean", 1).crossed_scores(1)
        assert np.quantile(crossed[series == number], 0.99) == pytest.approx(np.quantile(alone, 0.99), abs=0.2)


def test_too_few_rows_to_part_are_compared_with_themselves() -> None:
    normal = NormalRows(calibration(np.zeros(1)), "mean", 1)
    assert np.array_equal(normal.crossed_scores(1), normal.own_scores(1))
