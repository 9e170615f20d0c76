"""Nearest neighbours: a window is put together from patches like those that were seen in training.

After PaAno (Park and others, "PaAno: patch-based representation learning for time-series anomaly detection", ICLR
2026), which compares patches with a bank of normal ones, reduced by k-means. There, a trained network says how far
apart two patches are; here, their values do.
"""

import math

import torch
from torch import Tensor

from longstride.trainer.errors import SettingsError
from longstride.trainer.models.clusters import k_means
from longstride.trainer.models.fitted import Fitted, Together
from longstride.trainer.models.patch_sample import PatchSample

__all__ = ["PatchBank", "patch_rows"]

PATCH_ROWS = 8
MAX_PATCHES = 16
"""Of a window, side by side and halfway between: those of a long window are longer."""
MAX_VALUES = 2**24
"""Most values of the bank, and of the sample that it is made of: 64 MiB."""
MAX_SAMPLE = 2**15
PATCHES_A_CENTRE = 4
"""Of a short log there are fewer centres: at least so many patches for each."""
SOFTNESS = 0.5
"""How far apart in squared distance patches of the bank are that count nearly alike, as a share of the usual
distance to the nearest one."""
SMALLEST = 1e-3
"""The same for each value of a patch, at least."""


def patch_rows(window: int) -> int:
    """Rows of the patches of a window."""
    return min(window, max(PATCH_ROWS, -(-2 * window // MAX_PATCHES)))


class PatchBank(Fitted):
    """Reconstructs each patch (P, N) of a window by the patches of a bank near it; where patches overlap, by both.

    Near ones count by their distance, so that a window that lies between two of them does not jump from one to the
    other with the last digit of its values. It adds up in float64, as PCA does.
    """

    bank: Tensor
    squares: Tensor
    softness: Tensor
    taken: Tensor
    covering: Tensor
    shares: Tensor

    def __init__(self, num_channels: int, *, window: int, patch: int, size: int) -> None:
        """A bank of `size` patches of `patch` rows. Raises SettingsError where that is too much to hold."""
        super().__init__()
        width = patch * num_channels
        if size * width > MAX_VALUES:
            raise SettingsError(
                f"--centres {size:,} of {patch} rows of {num_channels} channels are {size * width:,} values, and "
                f"{MAX_VALUES:,} are the most: give fewer --centres or a shorter --window",
                code="option-value",
            )
        self.patch = patch
        self.register_buffer("bank", torch.zeros(size, width))
        self.register_buffer("squares", torch.full((size,), math.inf))
        self.register_buffer("softness", torch.ones(()))
        starts = sorted({*range(0, window - patch, max(1, patch // 2)), window - patch})
        taken = torch.tensor(starts)[:, None] + torch.arange(patch)
        rows = [torch.nonzero(taken.flatten() == row).flatten().tolist() for row in range(window)]
        most = max(map(len, rows))
        self.register_buffer("taken", taken, persistent=False)
        """(patches, P): the rows of each patch of a window."""
        self.register_buffer(
            "covering", torch.tensor([one + one[:1] * (most - len(one)) for one in rows]), persistent=False
        )
        """(K, ...): for each row of a window, where it is among the rows of all patches."""
        shares = [[1 / len(one)] * len(one) + [0.0] * (most - len(one)) for one in rows]
        self.register_buffer("shares", torch.tensor(shares)[:, :, None], persistent=False)
        self._sample = PatchSample(min(MAX_SAMPLE, MAX_VALUES // width), int(torch.randint(2**62, ())))

    def forward(self, windows: Tensor) -> Tensor:
        """(b, K, N) to (b, K, N)."""
        patches, bank = windows[:, self.taken].double(), self.bank.double()
        # The squared distances less the square of the patch itself, which is the same to all of the bank.
        distances = self.squares - 2 * patches.flatten(2) @ bank.T
        near = torch.softmax(-distances / self.softness, dim=-1) @ bank
        rows = near.view_as(patches).flatten(1, 2)
        reconstruction: Tensor = (rows[:, self.covering] * self.shares).sum(dim=2)
        return reconstruction.to(windows.dtype)

    def observe(self, windows: Tensor, starts: Tensor) -> None:
        """Draw patches of windows (b, K, N)."""
        self._sample.add(windows, starts, self.patch)

    @torch.no_grad()
    def settle(self, ranks: Together) -> None:
        """Take the centres of the patches that were drawn."""
        sample = self._sample
        for others in ranks.gather((sample.hashes, sample.patches)):
            sample.merge(*others)
        patches = sample.patches.to(self.bank.device)
        number = max(1, min(len(self.bank), len(patches) // PATCHES_A_CENTRE))
        centres, _, distance = ranks.on_first(lambda: k_means(patches, number))
        self.bank.zero_()[:number] = centres.to(self.bank.device)
        self.squares.fill_(math.inf)[:number] = self.bank[:number].square().sum(dim=1)
        self.softness.fill_(max(SOFTNESS * distance, SMALLEST * self.bank.shape[1]))
        self._sample = PatchSample(sample.size, sample.key)
