"""What every built-in model keeps apart, and models of one's own."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.models import MODELS, Fitted, build_model
from longstride.trainer.models.shape import Shape
from longstride.trainer.settings import KNOWN_MODELS, ModelSettings, Settings, TrainOptions
from tests.helpers.errors import raises

ALONE = Ranks(0, 1, torch.device("cpu"))
AUTOENCODERS = [name for name, model in KNOWN_MODELS.items() if "reconstruct" in model.tasks]


def shape_of(window: int) -> Shape:
    return Shape("reconstruct", window, 3, (window, 3), (0, 1, 2))


def model_of(name: str, window: int, **sizes: int) -> nn.Module:
    torch.manual_seed(0)
    settings = ModelSettings(model=name, **{"hidden": 32, "latent": 32, "layers": 2, **sizes})
    model = build_model(settings, shape_of(window))
    if isinstance(model, Fitted):
        model.observe(torch.randn(300, window, 3), window * torch.arange(300))
        model.settle(ALONE)
    return model


def test_every_model_that_can_be_made_is_known() -> None:
    assert [*MODELS] == [*KNOWN_MODELS]


@pytest.mark.parametrize("window", [1, 4, 13, 64])
@pytest.mark.parametrize("name", AUTOENCODERS)
def test_windows_of_any_length(name: str, window: int) -> None:
    windows = torch.randn(5, window, 3)
    assert model_of(name, window)(windows).shape == windows.shape


@pytest.mark.parametrize("name", ["lstm", "tcn", "patch"])
def test_overfits_random_windows(name: str) -> None:
    model = model_of(name, 4, layers=1)
    windows = torch.randn(2, 4, 3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(2000):
        loss = nn.functional.mse_loss(model(windows), windows)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 5e-4:
            break
    assert loss < 1e-3


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_permuting_windows_permutes_outputs(name: str) -> None:
    model, windows, order = model_of(name, 17), torch.randn(5, 17, 3), torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(model(windows[order]), model(windows)[order])


@pytest.mark.parametrize("name", AUTOENCODERS)
def test_changing_one_window_changes_no_other_output(name: str) -> None:
    model, windows = model_of(name, 17), torch.randn(5, 17, 3)
    changed = windows.clone()
    changed[2] = 3 * torch.randn(17, 3)
    before, after = model(windows), model(changed)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(after[others], before[others])
    assert (after[2] - before[2]).abs().max() > 10 * (after[others] - before[others]).abs().max()


@pytest.mark.parametrize("name", ["tcn", "patch"])
def test_only_few_numbers_are_kept_of_a_window(name: str) -> None:
    model = model_of(name, 64, latent=16)
    kept: list[int] = []
    model.to_latent.register_forward_hook(lambda module, given, made: kept.append(made[0].numel()))  # type: ignore[union-attr]
    model(torch.randn(2, 64, 3))
    assert kept == [16]


def test_a_centred_model_does_not_know_the_level() -> None:
    torch.manual_seed(0)
    model = build_model(ModelSettings(hidden=8, latent=4, centre="mean"), shape_of(16))
    windows, level = torch.randn(5, 16, 3), torch.tensor([100.0, 0.0, -7.0])
    torch.testing.assert_close(model(windows + level), model(windows) + level)
    with raises("option-value", "--centre", "--model pca", kind=SettingsError):
        ModelSettings(model="pca", centre="mean")


def test_a_scaled_model_knows_neither_level_nor_scale() -> None:
    torch.manual_seed(0)
    model = build_model(ModelSettings(hidden=8, latent=4, centre="mean-and-scale"), shape_of(16))
    windows, level, scale = torch.randn(5, 16, 3), torch.tensor([100.0, 0.0, -7.0]), torch.tensor([3.0, 1.0, 20.0])
    torch.testing.assert_close(
        model(windows * scale + level), model(windows) * scale + level, rtol=1e-4, atol=1e-4
    )
    quiet = 100.0 + 1e-4 * torch.randn(5, 16, 3)  # its noise is not made large, and nothing is divided by 0
    inner = model.get_submodule("model")
    expected = 0.1 * inner(torch.zeros(5, 16, 3)) + 100.0
    torch.testing.assert_close(model(quiet), expected, rtol=0, atol=1e-2)
    assert model(torch.full((2, 16, 3), 5.0)).isfinite().all()


def test_older_settings_name_a_centred_model_in_another_way() -> None:
    groups = TrainOptions("plant.zarr", "run").grouped().as_json()
    for older, now in ((True, "mean"), (False, "none")):
        groups["model"]["centre"] = older
        assert Settings.from_json(groups).model.centre == now


def test_a_model_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "from torch import nn\n"
        "def build(settings, shape):\n"
        "    return nn.Linear(shape.channels, shape.output[1])\n"
        "def broken(settings, shape):\n"
        "    return 'a model'\n"
        "number = 3\n"
    )
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(build_model(ModelSettings(model="mine:build"), shape_of(8)), nn.Linear)
    for path, fact in (
        ("gru", "lstm, cnn, tcn, patch, pca, kmeans, nearest"),
        ("mine:absent", "'absent'"),
        ("nowhere:build", "'nowhere'"),
        ("mine:number", "mine:number"),
        ("mine:broken", "gave str"),
    ):
        with raises("option-value", "--model", fact, kind=SettingsError):
            build_model(ModelSettings(model=path), shape_of(8))
    sys.modules.pop("mine", None)
