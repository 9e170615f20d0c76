import pytest
import torch
from torch import nn

from longstride.trainer.models import build_model
from longstride.trainer.models.lstm import LSTMAutoencoder
from longstride.trainer.models.shape import Shape
from longstride.trainer.settings import ModelSettings


def autoencoder(
    *, batch_first: bool = True, hidden: int = 32, latent: int = 16, layers: int = 1
) -> LSTMAutoencoder:
    torch.manual_seed(0)
    return LSTMAutoencoder(3, hidden=hidden, latent=latent, layers=layers, batch_first=batch_first)


@pytest.mark.parametrize("batch_first", [True, False])
def test_overfits_random_windows(batch_first: bool) -> None:
    model = autoencoder(batch_first=batch_first)
    windows = torch.randn(2, 4, 3)
    windows = windows if batch_first else windows.transpose(0, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(1000):
        loss = nn.functional.mse_loss(model(windows), windows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 5e-4:
            break
    assert loss < 1e-3


def test_permuting_windows_permutes_outputs() -> None:
    model, windows, order = autoencoder(layers=2), torch.randn(5, 7, 3), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(model(windows[order]), model(windows)[order])


@pytest.mark.parametrize("batch_first", [True, False])
def test_changing_one_window_changes_no_other_output(batch_first: bool) -> None:
    model, windows = autoencoder(batch_first=batch_first), torch.randn(5, 7, 3)
    changed = windows.clone()
    changed[2] += 1
    if batch_first:
        before, after = model(windows), model(changed)
    else:
        before, after = (model(w.transpose(0, 1)).transpose(0, 1) for w in (windows, changed))
    others = [0, 1, 3, 4]
    torch.testing.assert_close(after[others], before[others])
    assert (after[2] - before[2]).abs().max() > 1e-3


@pytest.mark.parametrize("layers", [1, 2])
def test_both_layouts_are_the_same_model(layers: int) -> None:
    rows_second, rows_first = (
        autoencoder(batch_first=batch_first, layers=layers) for batch_first in (True, False)
    )
    rows_first.load_state_dict(rows_second.state_dict())
    windows = torch.randn(5, 7, 3)
    torch.testing.assert_close(rows_first(windows.transpose(0, 1)).transpose(0, 1), rows_second(windows))
    torch.testing.assert_close(rows_first.encode(windows.transpose(0, 1)), rows_second.encode(windows))


def test_latent_is_of_the_last_layer_and_reaches_every_row() -> None:
    model = autoencoder(layers=3)
    windows = torch.randn(5, 7, 3)
    latent = model.encode(windows)
    assert latent.shape == (5, 16)
    states, _ = model.encoder(windows)
    torch.testing.assert_close(latent, model.to_latent(states[:, -1]))
    gradient = torch.autograd.grad(model.decode(latent, 7)[:, -1].sum(), latent)[0]
    assert (gradient.abs().sum(dim=1) > 0).all()


def test_built_model_keeps_the_shape() -> None:
    model = build_model(ModelSettings(hidden=8, latent=4, layers=2), Shape("reconstruct", 5, 6, (5, 6)))
    assert model(torch.randn(2, 10, 6)).shape == (2, 10, 6)
