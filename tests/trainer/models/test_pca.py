"""The baseline, compared with singular values of all windows at once, and runs of it."""

import pytest
import torch
from torch import Tensor

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import DivergenceError, SettingsError
from longstride.trainer.models import PCAAutoencoder
from tests.helpers.errors import raises

ALONE = Ranks(0, 1, torch.device("cpu"))


def test_equals_the_singular_vectors_of_all_windows() -> None:
    torch.manual_seed(0)
    mixed = torch.randn(5, 24)  # windows of five directions and little else
    windows = (torch.randn(500, 5) @ mixed + 0.01 * torch.randn(500, 24) + 3).view(500, 8, 3)
    model = PCAAutoencoder(3, window=8, latent=5)
    for batch in windows.split(64):
        model.observe(batch, torch.arange(len(batch)))
    model.settle(ALONE)
    flat = windows.flatten(1) - windows.flatten(1).mean(dim=0)
    _, _, directions = torch.linalg.svd(flat, full_matrices=False)
    expected = flat @ directions[:5].T @ directions[:5] + windows.flatten(1).mean(dim=0)
    torch.testing.assert_close(model(windows), expected.view_as(windows), rtol=1e-3, atol=1e-4)


def fitted(windows: Tensor, latent: int) -> PCAAutoencoder:
    model = PCAAutoencoder(windows.shape[2], window=windows.shape[1], latent=latent)
    model.observe(windows, torch.arange(len(windows)))
    model.settle(ALONE)
    return model


@pytest.mark.parametrize("latent", [6, 12, 32])
def test_there_are_at_most_half_as_many_components_as_values(latent: int) -> None:
    torch.manual_seed(0)
    windows = torch.randn(100, 4, 3)
    model = fitted(windows, latent)
    torch.testing.assert_close(model(windows), fitted(windows, 6)(windows))
    assert (model(windows) - windows).square().mean() > 0.1


def test_a_channel_that_never_moved_has_no_component() -> None:
    torch.manual_seed(0)
    windows = torch.randn(100, 8, 1) * torch.tensor([1.0, 0.0])
    faulty = windows.clone()
    faulty[:, :, 1] = 5
    model = fitted(windows, 32)
    torch.testing.assert_close(model(faulty)[..., 1], torch.zeros(100, 8), rtol=0, atol=1e-5)
    constant = torch.zeros(100, 8, 1)
    torch.testing.assert_close(fitted(constant, 32)(constant + 5), constant)


@pytest.mark.parametrize("constant", [1, 3, 9])
def test_a_channel_that_never_moved_gives_others_no_component(constant: int) -> None:
    torch.manual_seed(0)
    moving = torch.randn(100, 4, 1)
    model = fitted(torch.cat([moving, torch.zeros(100, 4, constant)], dim=2), 32)
    assert int(model.components.any(dim=1).sum()) == 2  # of four values


def test_values_too_large_to_multiply_are_one_error() -> None:
    windows = torch.randn(100, 4, 1).double() * 1e200
    with raises("loss-not-finite", "--model pca", kind=DivergenceError):
        fitted(windows, 2)


def test_windows_that_are_too_large_are_refused() -> None:
    with raises("option-value", "8,192", "4096 rows of 3 channels", "12,288", kind=SettingsError):
        PCAAutoencoder(3, window=4096, latent=5)


def test_the_last_rows_are_those_of_the_whole() -> None:
    torch.manual_seed(0)
    windows = torch.randn(100, 8, 3)
    model = fitted(windows, 5)
    for number in (1, 3, 8):
        torch.testing.assert_close(
            model.last_rows(windows, number), model(windows)[:, -number:], rtol=1e-6, atol=0
        )
