"""The error over the values that are there."""

import pytest
import torch

from longstride.trainer.engine.loss import LOSSES, make_loss, total_error
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import TaskSettings
from longstride.trainer.tasks.task import Samples
from tests.helpers.errors import raises

MSE = LOSSES["mse"]


def mean_of_all(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (prediction - target).square().mean()


def cubes(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (prediction - target).abs() ** 3


def test_a_loss_by_name_or_import_path() -> None:
    prediction, target = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    distance = (prediction - target).abs().double()
    for name, expected in (("mse", distance**2), ("mae", distance), (f"{__name__}:cubes", distance**3)):
        torch.testing.assert_close(
            total_error(make_loss(name, TaskSettings(), (3, 4)), prediction, target, None), expected.sum()
        )


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("rmse", "'rmse'"),
        (f"{__name__}:nothing", "'nothing'"),
        (f"{__name__}:mean_of_all", "shape ()"),
    ],
)
def test_no_loss(name: str, fact: str) -> None:
    with raises("option-value", "--loss", fact, kind=SettingsError):
        make_loss(name, TaskSettings(), (3, 4))


def test_without_a_mask_every_value_counts() -> None:
    prediction, target = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    everything = torch.ones(2, 3, 4, dtype=torch.bool)
    assert total_error(MSE, prediction, target, None) == total_error(MSE, prediction, target, everything)
    of_all, masked = Samples(target, target, None), Samples(target, target, everything)
    assert of_all.num_valid() == masked.num_valid() == 24


def test_masked_places_have_no_gradient() -> None:
    prediction = torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.rand(2, 3, 4) > 0.5
    total_error(MSE, prediction, torch.zeros(2, 3, 4), mask).backward()
    assert prediction.grad is not None
    assert (prediction.grad[~mask] == 0).all()


def of_target(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((prediction - target) / target).abs()


def root(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (prediction - target).abs().sqrt()


@pytest.mark.parametrize("name", ["of_target", "root"])
def test_a_loss_without_a_finite_value_or_gradient_where_values_are_missing(name: str) -> None:
    prediction = torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.rand(2, 3, 4) > 0.5
    target = torch.where(mask, torch.rand(2, 3, 4) + 1, 0.0)
    loss = make_loss(f"{__name__}:{name}", TaskSettings(), (3, 4))
    error = total_error(loss, torch.where(mask, prediction, torch.inf), target, mask)
    error.backward()
    (expected,) = torch.autograd.grad(loss(prediction[mask], target[mask]).sum(), prediction)
    torch.testing.assert_close(error, loss(prediction[mask], target[mask]).double().sum())
    assert prediction.grad is not None
    torch.testing.assert_close(prediction.grad, expected)
    nothing = torch.zeros_like(mask)
    assert total_error(loss, prediction, torch.zeros(2, 3, 4), nothing) == 0


def test_shapes_that_would_broadcast_are_refused() -> None:
    with raises("option-value", "(2, 3, 4)", "(2, 3, 1)", kind=SettingsError):
        total_error(MSE, torch.zeros(2, 3, 4), torch.zeros(2, 3, 1), None)
    with pytest.raises(AssertionError, match="against"):
        total_error(MSE, torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), torch.ones(1, 3, 4, dtype=torch.bool))


def of_three_quantiles(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    levels = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels * (target - prediction), (levels - 1) * (target - prediction))


def counted(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (prediction > target).float()


def test_a_loss_is_tried_with_the_shape_of_the_predictions() -> None:
    task = TaskSettings(task="forecast", quantiles=[0.1, 0.5, 0.9])
    name = f"{__name__}:of_three_quantiles"
    assert make_loss(name, task, (4, 2, 3)) is not None
    with raises("option-value", "of_three_quantiles", kind=SettingsError):
        make_loss(name, task, (4, 2, 2))


def test_a_loss_without_a_gradient_is_refused() -> None:
    with raises("option-value", "counted", "gradient", kind=SettingsError):
        make_loss(f"{__name__}:counted", TaskSettings(), (3, 4))
