"""What each task gives to a model and expects of it, compared with what its rows say."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longstride.trainer.settings import TrainOptions
from longstride.trainer.tasks import make_task
from longstride.trainer.tasks.forecast import pinball
from longstride.trainer.tasks.task import Samples, Task
from tests.helpers.errors import raises

CHANNELS, LABELS = ("a", "b", "c"), ("fault", "stop")
SOME = st.sampled_from([one for number in range(4) for one in permutations(CHANNELS, number)])
WINDOW, BATCH = 6, 3


def task_of(**changes: object) -> Task:
    settings = TrainOptions("plant.zarr", "run", window=WINDOW, **changes).grouped()  # type: ignore[arg-type]
    return make_task(settings, "plant.zarr", CHANNELS, LABELS)


def rows_of(task: Task, seed: int) -> tuple[Tensor, Tensor]:
    """Samples (b, span, C), 0 where missing, and their mask; some without any value."""
    random = torch.Generator().manual_seed(seed)
    shape = (BATCH, task.span, len(task.channels))
    mask = torch.rand(shape, generator=random) > 0.3
    mask[0] = False
    return torch.randn(shape, generator=random) * mask, mask


def value(values: Tensor, task: Task, window: int, row: int, name: str) -> float:
    return float(values[window, row, task.channels.index(name)])


@given(SOME, SOME, st.sampled_from([("reconstruct", 0), ("forecast", 1), ("forecast", 4)]), st.booleans())
def test_values_of_channels_are_where_they_belong(
    channels: tuple[str, ...], targets: tuple[str, ...], kind: tuple[str, int], is_masked: bool
) -> None:
    name, horizon = kind
    task = task_of(task=name, horizon=horizon, channels=channels, targets=targets)
    inputs = channels or CHANNELS
    outputs = targets or inputs
    assert task.outputs == outputs
    assert set(task.channels) == {*inputs, *outputs}
    values, mask = rows_of(task, horizon)
    found = task.samples(values, mask if is_masked else None, None)
    assert found.inputs.shape == (BATCH, WINDOW, len(inputs))
    assert found.expected.shape == (BATCH, *task.shape.output) == (BATCH, task.judged, len(outputs))
    lead = task.span - task.judged
    for window in range(BATCH):
        for row in range(WINDOW):
            for number, one in enumerate(inputs):
                assert found.inputs[window, row, number] == value(values, task, window, row, one)
        for row in range(task.judged):
            for number, one in enumerate(outputs):
                assert found.expected[window, row, number] == value(values, task, window, lead + row, one)
                if found.mask is not None:
                    assert found.mask[window, row, number] == bool(value(mask, task, window, lead + row, one))
    assert (found.mask is not None) == is_masked
    if set(outputs) <= set(inputs):
        assert task.shape.levels == tuple(inputs.index(one) for one in outputs)
    else:
        assert task.shape.levels is None


def test_the_error_of_a_value_is_squared() -> None:
    task = task_of(task="forecast", horizon=2, targets=("b",))
    samples = task.samples(*rows_of(task, 0), None)
    predicted = torch.randn(BATCH, 2, 1)
    errors = task.errors(predicted, samples)
    assert samples.mask is not None
    assert torch.equal(errors.isnan(), ~samples.mask)
    there = samples.mask
    torch.testing.assert_close(errors[there], ((predicted - samples.expected) ** 2)[there])


@given(st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True), st.integers(0, 99))
def test_quantiles_have_the_mean_of_their_losses(percents: list[int], seed: int) -> None:
    quantiles = [percent / 100 for percent in percents]
    task = task_of(task="forecast", horizon=2, quantiles=quantiles)
    samples = task.samples(*rows_of(task, seed), None)
    assert task.shape.output == (2, 3, len(quantiles)) == tuple(samples.expected.shape[1:])
    predicted = torch.randn(BATCH, *task.shape.output, generator=torch.Generator().manual_seed(seed))
    errors = task.errors(predicted, samples)
    assert samples.mask is not None
    for window, row, channel in np.ndindex(BATCH, 2, 3):
        if not samples.mask[window, row, channel, 0]:
            assert errors[window, row, channel].isnan()
            continue
        losses = []
        for quantile, at in zip(quantiles, predicted[window, row, channel].tolist(), strict=True):
            above = float(samples.expected[window, row, channel, 0]) - at
            losses.append(quantile * above if above > 0 else (quantile - 1) * above)
        assert float(errors[window, row, channel]) == pytest.approx(np.mean(losses), abs=1e-6)
    drawn = task.drawn(predicted)
    assert drawn is not None
    assert torch.equal(drawn, predicted[..., int(np.argmin(np.abs(np.array(quantiles) - 0.5)))])
    reached = task.drawn_range(predicted)
    assert (reached is None) == (len(quantiles) == 1)
    if reached is not None:
        lowest, highest = int(np.argmin(quantiles)), int(np.argmax(quantiles))
        assert torch.equal(torch.stack(reached), torch.stack([predicted[..., lowest], predicted[..., highest]]))


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_a_quantile_has_the_smallest_loss(quantile: float) -> None:
    values = torch.randn(4001, generator=torch.Generator().manual_seed(1))
    guesses = torch.linspace(-3, 3, 601)
    losses = [float(pinball(guess.expand(4001, 1), values[:, None], (quantile,)).mean()) for guess in guesses]
    assert float(guesses[int(np.argmin(losses))]) == pytest.approx(float(values.quantile(quantile)), abs=0.02)


@pytest.mark.parametrize(("label", "judged"), [("any", WINDOW), ("last", 1)])
def test_a_label_is_as_likely_in_all_rows_that_are_judged(label: str, judged: int) -> None:
    task = task_of(task="classify", targets=("stop",), label=label)
    assert (task.label, task.judged, task.outputs, task.columns) == (label, judged, ("stop",), None)
    labels = torch.tensor([[1], [0], [3]])
    samples = task.samples(*rows_of(task, 0), labels)
    assert samples.expected.tolist() == [[1.0], [0.0], [1.0]]
    assert samples.mask is not None
    assert samples.mask.tolist() == [[False], [True], [True]]  # nothing is known of rows without values
    predicted = torch.tensor([[2.0], [-1.0], [0.5]])
    errors = task.errors(predicted, samples)
    assert errors.shape == (BATCH, judged, 1)
    assert errors[0].isnan().all()
    torch.testing.assert_close(errors[1:], torch.log1p(predicted[1:].exp())[:, None].expand(2, judged, 1))
    misses = task.misses(predicted, samples)
    torch.testing.assert_close(misses[1:, 0], (torch.sigmoid(predicted) - samples.expected)[1:] ** 2)
    assert task.drawn(predicted) is None
    assert task.drawn_range(predicted) is None


def test_parts_are_those_of_the_whole() -> None:
    whole = Samples(torch.arange(7.0), torch.arange(7.0) + 10, torch.arange(7) % 2 == 0)
    parts = list(whole.chunk(3))
    assert [len(part.inputs) for part in parts] == [3, 3, 1]
    for name in Samples._fields:
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(whole, name))
    assert sum(int(part.num_valid()) for part in parts) == int(whole.num_valid()) == 4
    assert Samples(whole.inputs, whole.expected, None).num_valid() == 7


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"channels": ("a", "x")}, ["channel 'x'", "'a', 'b', 'c'"]),
        ({"targets": ("fault",)}, ["channel 'fault'"]),
        ({"task": "classify", "targets": ("a",)}, ["label 'a'", "'fault', 'stop'"]),
    ],
)
def test_what_a_store_lacks_is_named(changes: dict[str, object], facts: list[str]) -> None:
    with raises("column-missing", "plant.zarr", *facts):
        task_of(**changes)


def test_without_labels_there_is_nothing_to_classify() -> None:
    settings = TrainOptions("plant.zarr", "run", task="classify").grouped()
    with raises("no-labels", "plant.zarr", "--task classify"):
        make_task(settings, "plant.zarr", CHANNELS, ())


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({"horizon": 3}, ["--horizon is 3", "--task forecast"]),
        ({"task": "classify", "horizon": 1}, ["--horizon"]),
        ({"task": "forecast", "horizon": 0}, ["--horizon is 0", "at least 1"]),
        ({"horizon": -1}, ["--horizon is -1"]),
        ({"quantiles": [0.5]}, ["--quantiles is 0.5", "--task forecast"]),
        ({"task": "forecast", "quantiles": [0.5, 1.0]}, ["--quantiles is 1.0", "above 0 and below 1"]),
        ({"task": "forecast", "quantiles": [0.5, 0.5]}, ["--quantiles", "once"]),
        ({"label": "last"}, ["--label is last", "--task classify"]),
        ({"channels": ("a", "a")}, ["--channels is a, a", "once"]),
        ({"targets": ("a", "a")}, ["--targets is a, a", "once"]),
        ({"max_missing": 1.5}, ["--max-missing is 1.5", "0 to 1"]),
        ({"model": "cnn"}, ["--model cnn", "forecast or classify"]),
        ({"model": "tcn", "task": "forecast"}, ["--model tcn", "--task reconstruct"]),
        ({"model": "patch", "task": "classify"}, ["--model patch", "--task reconstruct"]),
        ({"model": "pca", "targets": ("a",)}, ["--model pca", "--targets"]),
        ({"task": "guess"}, ["--task is guess", "reconstruct, forecast, classify"]),
    ],
    ids=str,
)
def test_what_does_not_go_together(changes: dict[str, object], facts: list[str]) -> None:
    with raises("option-value", *facts):
        task_of(**changes)
