"""Windows that put a deployed model to the test, and what `longstride score` says of them."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from longstride.pipeline.loading.batch import WindowBatch
from longstride.trainer.calibration.coverage import JudgedWindows, bits_of_positions, weights_of
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.deploy.deployment import Deployment
from longstride.trainer.deploy.formats import Arrays, Runtime
from longstride.trainer.deploy.graph import OUTPUTS
from longstride.trainer.errors import RunError
from longstride.trainer.scoring.row_errors import row_errors

__all__ = ["ROUNDING", "TOLERANCE", "Cases", "compared", "make_cases"]

TOLERANCE = 1e-5
"""How far a figure may be from ours, as a share of it, or of 1 if it is smaller."""
MOST_VALUES = 2**22
"""Of all windows together."""
BATCHES = (1, 7)
"""Sizes of the first batches; what is left is one more."""


ROUNDING = 2e-6
"""How far apart two reconstructions are that differ by the rounding of float32 alone, as a share of the largest
value of a window: runtimes add up in different orders, and the same one does for other sizes of a batch."""


class Cases(NamedTuple):
    """Windows, and what is expected of them."""

    inputs: Arrays
    expected: Arrays
    rounding: Arrays
    """How far figures may be off because of rounding, where a close reconstruction is compared with closer
    ones."""


def make_windows(trained: TrainedModel, dtype: np.dtype[Any]) -> NDArray[np.floating]:
    """Windows (B, K, N) in the channels' own units: waves, some of them far off, with values that are missing."""
    normalisation, window = trained.runner.normalisation, trained.task.span
    shape = (window, len(trained.channels))
    number = int(np.clip(MOST_VALUES // (shape[0] * shape[1]), 12, 64))
    random = np.random.default_rng(0)
    period = random.uniform(4, 2 * window + 4, (number, 1, shape[1]))
    phase = random.uniform(0, 2 * np.pi, period.shape)
    waves = np.sin(2 * np.pi * np.arange(window)[:, None] / period + phase)
    waves += 0.1 * random.standard_normal(waves.shape)
    waves[1::4] *= 10
    waves[2::4][random.random(waves[2::4].shape) < 0.2] = np.nan
    waves[3, -1] = waves[4, : window // 2] = waves[5] = waves[6, :, 0] = np.nan
    values = waves * normalisation.scale.cpu().numpy() + normalisation.mean.cpu().numpy()
    windows: NDArray[np.floating] = values.astype(dtype)
    return windows


def make_cases(made: Deployment) -> Cases:
    """Windows, and their scores as `longstride score` computes them of segments of one window each."""
    trained, scorer, graph = made.trained, made.scorer, made.graph
    windows = make_windows(trained, made.dtype)
    number, window, num_outputs = len(windows), trained.task.judged, len(trained.outputs)
    values = torch.from_numpy(windows)
    batch = WindowBatch(values=values, start=torch.arange(number) * window, mask=~values.isnan())
    raw = trained.runner.judge(trained.model, batch).errors().numpy()
    standard = (raw - made.calibration.mean.numpy()) / made.calibration.scale.numpy()
    of_windows = [JudgedWindows(batch.start.numpy(), standard, weights_of(~np.isnan(windows)))]
    parts = list(row_errors(of_windows, 0, number * window, num_outputs, bits_of_positions(window)))
    errors = np.concatenate([part.errors for part in parts])
    covered = np.concatenate([part.covered for part in parts])
    names = tuple(graph.series_numbers)
    of_window = np.arange(number) % (len(names) + 1)
    by_name = scorer.series(("", *names))[:-1]
    by_name[0] = -1
    series = np.repeat(by_name[of_window], window)
    scores, by_channel = scorer.score(errors, covered, series, np.repeat(np.arange(number), window))
    scores = scores.reshape(number, window)
    expected = {
        "score": scores[:, -1],
        "alarm": scores[:, -1] > scorer.threshold,
        "scores": scores,
        "errors": by_channel.reshape(raw.shape),
    }
    inputs = {"windows": windows, **({"series": of_window} if names else {})}
    effect = graph.effect_of_rounding(ROUNDING, *map(torch.from_numpy, inputs.values()))
    return Cases(inputs, expected, dict(zip(OUTPUTS, (one.numpy() for one in effect), strict=True)))


def compared(runtime: Runtime, cases: Cases, threshold: float, told: str) -> float:
    """The largest difference between what a runtime gives and what is expected, as `TOLERANCE` counts it.

    Batches of several sizes are run. Raises RunError for a difference above it.
    """
    number, at, parts = len(cases.inputs["windows"]), 0, []
    for stop in (*np.cumsum(BATCHES).tolist(), number):
        parts.append(runtime({name: values[at:stop] for name, values in cases.inputs.items()}))
        at = stop
    found = {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(OUTPUTS)}
    largest = 0.0
    for name in ("score", "scores", "errors"):
        ours = cases.expected[name]
        if found[name].shape != ours.shape:
            raise _differs(told, f"{name} has the shape {found[name].shape}, expected {ours.shape}")
        if (np.isnan(found[name]) != np.isnan(ours)).any():
            raise _differs(told, f"{name} is NaN in other places")
        unit = np.maximum(1.0, np.abs(ours))
        difference = np.nan_to_num(np.abs(found[name] - ours) / unit)
        allowed = TOLERANCE + np.nan_to_num(cases.rounding[name] / unit)
        if (difference > allowed).any():
            worst = (difference - allowed).argmax()
            raise _differs(
                told, f"{name} is off by {difference.flat[worst]:.2g}, expected at most {allowed.flat[worst]:.2g}"
            )
        largest = max(largest, float(difference.max()))
    near = np.abs(cases.expected["score"] - threshold) <= TOLERANCE * max(1.0, abs(threshold))
    if ((found["alarm"] != cases.expected["alarm"]) & ~near).any():
        raise _differs(told, "alarm is another one")
    return largest


def _differs(told: str, found: str) -> RunError:
    return RunError(
        f"{told} does not give the scores of `longstride score` ({found}), so it is not written: a model that "
        "depends on chance, on the size of a batch or on the device cannot be deployed",
        code="deploy-differs",
    )
