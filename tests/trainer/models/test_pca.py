"""The baseline, compared with singular values of all windows at once, and runs of it."""

import logging
import signal
from pathlib import Path

import pytest
import torch

from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.fitted_run import FittedRun
from longstride.trainer.models import PCAAutoencoder
from tests.helpers.errors import raises
from tests.helpers.runs.training import finish, lines_of, settings_for, start_training

ALONE = Ranks(0, 1, torch.device("cpu"))


def test_equals_the_singular_vectors_of_all_windows() -> None:
    torch.manual_seed(0)
    mixed = torch.randn(5, 24)  # windows of five directions and little else
    windows = (torch.randn(500, 5) @ mixed + 0.01 * torch.randn(500, 24) + 3).view(500, 8, 3)
    model = PCAAutoencoder(3, window=8, latent=5)
    for batch in windows.split(64):
        model.observe(batch)
    model.settle()
    flat = windows.flatten(1) - windows.flatten(1).mean(dim=0)
    _, _, directions = torch.linalg.svd(flat, full_matrices=False)
    expected = flat @ directions[:5].T @ directions[:5] + windows.flatten(1).mean(dim=0)
    torch.testing.assert_close(model(windows), expected.view_as(windows), rtol=1e-3, atol=1e-4)


def test_as_many_components_as_values_write_a_window_as_it_was() -> None:
    windows = torch.randn(100, 4, 3)
    model = PCAAutoencoder(3, window=4, latent=32)
    model.observe(windows)
    model.settle()
    torch.testing.assert_close(model(windows), windows, rtol=1e-4, atol=1e-4)


def test_windows_that_are_too_large_are_refused() -> None:
    with raises("option-value", "8,192", "4096 rows of 3 channels", "12,288", kind=SettingsError):
        PCAAutoencoder(3, window=4096, latent=5)


def test_a_run_is_one_pass(store: Path, tmp_path: Path) -> None:
    settings = settings_for(store, tmp_path / "run", model="pca", epochs=7, ema=0.9)
    summary = FittedRun(settings, ALONE, resume=False).run()
    assert summary is not None
    assert summary.steps == 37
    assert summary.validation_loss is not None
    assert summary.validation_loss < 0.9  # values have a variance of one
    assert len(lines_of(tmp_path / "run", "validation")) == 1
    found = TrainedModel(tmp_path / "run", ALONE).model
    assert isinstance(found, PCAAutoencoder)
    gram = found.components @ found.components.T
    torch.testing.assert_close(gram, torch.eye(len(gram)), rtol=0, atol=1e-4)
    again = FittedRun(settings, ALONE, resume=True).run()
    assert again is not None
    assert again.validation_loss == summary.validation_loss


def test_two_processes_fit_what_one_does(store: Path, tmp_path: Path) -> None:
    FittedRun(settings_for(store, tmp_path / "one", model="pca"), ALONE, resume=False).run()
    finish(start_training(store, tmp_path / "two", "--model=pca", num_ranks=2))
    one, two = (lines_of(tmp_path / run, "validation")[0]["loss"] for run in ("one", "two"))
    assert one == pytest.approx(two, rel=1e-5)


def test_a_pass_that_a_signal_stops_begins_again(store: Path, tmp_path: Path) -> None:
    whole = FittedRun(settings_for(store, tmp_path / "whole", model="pca"), ALONE, resume=False).run()
    running = FittedRun(settings_for(store, tmp_path / "parts", model="pca"), ALONE, resume=False)
    count = running.reporter.step

    def counted(loss: float) -> None:
        count(loss)
        running.wish.number = signal.SIGTERM

    running.reporter.step = counted  # type: ignore[method-assign]
    assert not running.run().finished
    parts = FittedRun(settings_for(store, tmp_path / "parts", model="pca"), ALONE, resume=True).run()
    assert (parts.steps, parts.validation_loss) == (whole.steps, whole.validation_loss)


def test_what_means_nothing_to_it_is_said_or_refused(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="longstride")
    with raises("option-value", "--optimiser", "'nonsense'", kind=SettingsError):
        FittedRun(settings_for(store, tmp_path / "run", model="pca", optimiser="nonsense"), ALONE, resume=False)
    assert not (tmp_path / "run").exists()
    settings = settings_for(store, tmp_path / "run", model="pca", optimiser="sgd", epochs=3, patience=2)
    FittedRun(settings, ALONE, resume=False).run()
    (said,) = [message for message in caplog.messages if "does nothing" in message]
    assert "--hidden, --optimiser, --lr, --epochs, --patience" in said
