from typing import Any

import pytest
import torch
from torch import nn

from longstride.trainer.models import build_model
from longstride.trainer.models.last_rows import last_rows
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


@pytest.mark.parametrize("centre", ["none", "mean", "mean-and-scale"])
@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_last_rows_are_those_of_the_whole(centre: Any, is_old: bool, layers: int) -> None:
    torch.manual_seed(0)
    shape = Shape("reconstruct", 32, 6, (32, 6), tuple(range(6)))
    model = build_model(ModelSettings(hidden=24, latent=8, layers=layers, centre=centre), shape).double()
    lstm = next(part for part in model.modules() if isinstance(part, LSTMAutoencoder))
    lstm.newest_first = not is_old
    windows = torch.randn(9, 32, 6, dtype=torch.float64)
    whole = model(windows)
    for number in (1, 2, 31, 32):
        torch.testing.assert_close(last_rows(model, windows, number), whole[:, -number:], rtol=0, atol=1e-12)


def test_the_last_rows_of_any_other_model() -> None:
    windows = torch.randn(4, 5, 3)
    assert torch.equal(last_rows(nn.Identity(), windows, 2), windows[:, -2:])


def test_rows_first_has_last_rows_too() -> None:
    model, windows = autoencoder(batch_first=False), torch.randn(7, 5, 3)
    torch.testing.assert_close(model.last_rows(windows, 2), model(windows)[-2:])


def test_the_newest_row_takes_one_step() -> None:
    """It depends on no state of the decoder but the first."""
    model, windows = autoencoder(), torch.randn(5, 7, 3)
    expected = model.to_channels(model.decoder(model.encode(windows)[:, None])[0])[:, 0]
    torch.testing.assert_close(model(windows)[:, -1], expected)


def test_weights_keep_the_order_that_they_were_trained_in() -> None:
    torch.manual_seed(0)
    windows = torch.randn(5, 7, 3)
    model, other = autoencoder(), autoencoder()
    weights = model.state_dict()
    old = {name: value for name, value in weights.items() if name != "_extra_state"}
    expected = model(windows)
    other.load_state_dict(old)  # as an older version wrote them
    assert not other.newest_first
    torch.testing.assert_close(other(windows), expected.flip(1))
    again = autoencoder()
    again.load_state_dict(other.state_dict())
    torch.testing.assert_close(again(windows), expected.flip(1))
    other.load_state_dict(weights)
    torch.testing.assert_close(other(windows), expected)
    with pytest.raises(ValueError, match="order"):
        other.load_state_dict({**weights, "_extra_state": torch.ones(2)})
