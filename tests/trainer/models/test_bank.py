"""Patches that windows are put together from, compared with a loop over all of them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.models import PatchBank
from longstride.trainer.models.bank import patch_rows
from longstride.trainer.models.patch_sample import PatchSample
from tests.helpers.errors import raises

ALONE = Ranks(0, 1, torch.device("cpu"))


def fitted(window: int, patch: int, size: int, windows: Tensor) -> PatchBank:
    torch.manual_seed(0)
    model = PatchBank(windows.shape[2], window=window, patch=patch, size=size)
    for part in torch.arange(len(windows)).split(7):
        model.observe(windows[part], window * part)
    model.settle(ALONE)
    return model


def by_hand(model: PatchBank, window: Tensor) -> Tensor:
    """Each patch of a window (K, N) by itself; where several cover a row, their mean."""
    rows, channels = window.shape
    total, count = torch.zeros_like(window), torch.zeros(rows, 1)
    known = model.squares.isfinite()
    for start in sorted({*range(0, rows - model.patch, max(1, model.patch // 2)), rows - model.patch}):
        part = window[start : start + model.patch].flatten()
        distances = (model.bank[known] - part).square().sum(dim=1)
        weights = torch.exp(-(distances - distances.min()) / model.softness)
        near = (weights[:, None] * model.bank[known]).sum(dim=0) / weights.sum()
        total[start : start + model.patch] += near.view(-1, channels)
        count[start : start + model.patch] += 1
    return total / count


@pytest.mark.parametrize(("window", "patch"), [(16, 8), (19, 8), (5, 5), (1, 1), (7, 2), (6, 1), (13, 5)])
def test_as_by_hand(window: int, patch: int) -> None:
    torch.manual_seed(1)
    windows = torch.randn(300, window, 3)
    model = fitted(window, patch, 40, windows)
    expected = torch.stack([by_hand(model, one) for one in windows[:9]])
    torch.testing.assert_close(model(windows[:9]), expected, rtol=1e-4, atol=1e-5)


def test_windows_of_a_few_kinds_are_reconstructed_and_others_are_not() -> None:
    random = torch.Generator().manual_seed(3)
    kinds = 2 * torch.randn(6, 12, 2, generator=random)
    of = torch.randint(6, (400,), generator=random)
    windows = kinds[of] + 0.05 * torch.randn(400, 12, 2, generator=random)
    for patch in (4, 12):
        model = fitted(12, patch, 300, windows)
        assert (model(windows) - windows).square().mean() < 0.01
        strange = kinds.flip(1)
        assert (model(strange) - strange).square().mean(dim=(1, 2)).min() > 0.1


def test_the_bank_does_not_depend_on_the_order_of_windows() -> None:
    windows = torch.randn(200, 10, 2)
    model = fitted(10, 4, 30, windows)
    torch.manual_seed(0)
    other = PatchBank(2, window=10, patch=4, size=30)
    for part in torch.randperm(200).split(31):
        other.observe(windows[part], 10 * part)
    other.observe(windows[:50], 10 * torch.arange(50))  # seen again
    other.settle(ALONE)
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_a_short_log_has_fewer_centres() -> None:
    model = fitted(8, 8, 512, torch.randn(40, 8, 2))
    assert int(model.squares.isfinite().sum()) == 10
    only = fitted(8, 8, 512, torch.zeros(1, 8, 2))
    torch.testing.assert_close(only(torch.randn(5, 8, 2)), torch.zeros(5, 8, 2))


def test_a_bank_that_is_too_large_is_refused() -> None:
    with raises("option-value", "--centres 512", "--window", kind=SettingsError):
        PatchBank(100, window=1024, patch=1024, size=512)


@pytest.mark.parametrize("window", [1, 3, 8, 9, 64, 65, 100, 4096])
def test_a_window_has_few_patches(window: int) -> None:
    model = PatchBank(1, window=window, patch=patch_rows(window), size=2)
    assert len(model.taken) <= 16
    assert model.taken.unique().tolist() == list(range(window))


@given(st.data())
def test_the_patches_of_the_smallest_hashes_are_kept(data: st.DataObject) -> None:
    num_rows = data.draw(st.integers(5, 60))
    rows = torch.arange(num_rows, dtype=torch.float32)[:, None] * torch.tensor([1.0, -1.0])
    starts = data.draw(st.lists(st.integers(0, num_rows - 5), min_size=1, max_size=30))
    size = data.draw(st.integers(1, 40))
    samples = [PatchSample(size, 5), PatchSample(size, 5), PatchSample(10**6, 5)]
    for start in starts:  # of one process, of another, and all of them
        chosen = samples[data.draw(st.integers(0, 1))]
        for sample in (chosen, samples[2]):
            sample.add(rows[start : start + 5][None], torch.tensor([start]), 2)
    one, other, whole = samples
    one.merge(other.hashes, other.patches)
    possible = sorted({start + offset for start in starts for offset in range(4)})
    assert sorted(whole.patches[:, 0].tolist()) == possible
    assert (np.diff(whole.hashes.astype(object)) > 0).all()
    torch.testing.assert_close(one.patches, whole.patches[:size])
    torch.testing.assert_close(one.patches[:, 2], one.patches[:, 0] + 1)
