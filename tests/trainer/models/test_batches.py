"""What a fitted model makes of a window depends on that window alone, not on those that come with it."""

import pytest
import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.models import PatchBank, PCAAutoencoder
from longstride.trainer.models.fitted import Fitted

WINDOW = 32
MODELS = {
    "pca": lambda: PCAAutoencoder(3, window=WINDOW, latent=32),
    "kmeans": lambda: PatchBank(3, window=WINDOW, patch=WINDOW, size=128),
    "nearest": lambda: PatchBank(3, window=WINDOW, patch=8, size=128),
}


@pytest.mark.parametrize("times", [1.0, 100.0])
@pytest.mark.parametrize("name", MODELS)
def test_errors_are_the_same_in_batches_of_any_size(name: str, times: float) -> None:
    """Of waves that are reconstructed so closely that their errors would show the last bits of float32."""
    time = torch.arange(1000.0)
    rows = torch.stack([torch.sin(time / 7), torch.cos(time / 11), torch.sin(time / 7) * torch.cos(time / 11)], 1)
    rows = times * (rows + 0.01 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(0)))
    windows = rows.unfold(0, WINDOW, 1).transpose(1, 2)
    torch.manual_seed(0)
    model: Fitted = MODELS[name]()
    model.observe(windows, torch.arange(len(windows)))
    model.settle(Ranks(0, 1, torch.device("cpu")))
    together = (model(windows) - windows).square().mean(dim=1)
    for size in (1, 7, 128):
        apart = torch.cat([(model(part) - part).square().mean(dim=1) for part in windows.split(size)])
        torch.testing.assert_close(apart, together, rtol=1e-6, atol=0)
