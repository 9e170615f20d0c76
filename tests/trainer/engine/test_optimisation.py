"""Optimisers, schedules and averages of the weights."""

import math
from collections.abc import Iterable

import pytest
import torch
from torch import nn

from longstride.trainer.engine.optimisation import make_average, make_optimiser, make_schedule
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import OptimiserSettings
from tests.helpers.errors import raises


def rates(settings: OptimiserSettings, num_steps: int) -> list[float]:
    """The learning rate of each step."""
    optimiser = make_optimiser(settings, nn.Linear(2, 2))
    schedule = make_schedule(settings, optimiser, num_steps)
    found = []
    for _ in range(num_steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return found


def test_constant() -> None:
    assert rates(OptimiserSettings(lr=0.5), 4) == [0.5] * 4


def test_warm_up_rises_to_the_rate() -> None:
    assert rates(OptimiserSettings(lr=1.0, warmup_steps=4), 6) == [0.25, 0.5, 0.75, 1, 1, 1]


def test_cosine_falls_to_nothing() -> None:
    found = rates(OptimiserSettings(lr=2.0, schedule="cosine", warmup_steps=2), 10)
    assert found[:2] == [1.0, 2.0]
    assert found[2:] == pytest.approx([1 + math.cos(math.pi * step / 8) for step in range(8)])


@pytest.mark.parametrize("optimiser", ["adam", "sgd", f"{__name__}:plain"])
def test_one_cycle_rises_and_falls(optimiser: str) -> None:
    found = rates(OptimiserSettings(lr=2.0, schedule="one-cycle", warmup_steps=5, optimiser=optimiser), 20)
    highest = found.index(max(found))
    assert found[highest] == pytest.approx(2.0)
    assert highest in (4, 5)
    assert found[0] < 0.1
    assert found[-1] < 0.1
    assert sorted(found[: highest + 1]) == found[: highest + 1]
    assert sorted(found[highest:], reverse=True) == found[highest:]


def plain(parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(parameters, lr=lr)


def nothing(parameters: Iterable[nn.Parameter], lr: float) -> None:
    """Makes no optimiser."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", torch.optim.Adam),
        ("adamw", torch.optim.AdamW),
        ("sgd", torch.optim.SGD),
        (f"{__name__}:plain", torch.optim.Adagrad),
    ],
)
def test_an_optimiser_by_name_or_import_path(name: str, kind: type[torch.optim.Optimizer]) -> None:
    optimiser = make_optimiser(OptimiserSettings(optimiser=name, lr=0.25), nn.Linear(2, 2))
    assert type(optimiser) is kind
    assert optimiser.defaults["lr"] == 0.25


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("lion", "'lion'"),
        (f"{__name__}:nothing", "NoneType"),
    ],
)
def test_no_optimiser(name: str, fact: str) -> None:
    with raises("option-value", "--optimiser", fact, kind=SettingsError):
        make_optimiser(OptimiserSettings(optimiser=name), nn.Linear(2, 2))


def test_the_average_moves_as_the_weights_did() -> None:
    model = nn.Linear(1, 1, bias=False)
    average = make_average(OptimiserSettings(ema=0.9), model)
    assert average is not None
    expected = None
    for weight in (1.0, 2.0, 4.0):
        nn.init.constant_(model.weight, weight)
        average.update_parameters(model)
        expected = weight if expected is None else 0.9 * expected + 0.1 * weight
    assert average.module.weight.item() == pytest.approx(expected)
    assert make_average(OptimiserSettings(), model) is None
