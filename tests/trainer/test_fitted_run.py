"""Runs of the models that are fitted in one pass."""

import logging
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

import longstride
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import SettingsError
from longstride.trainer.fitted_run import FittedRun
from longstride.trainer.models import Fitted, PCAAutoencoder
from longstride.trainer.settings import FITTED
from tests.helpers.errors import raises
from tests.helpers.runs.training import finish, lines_of, settings_for, start_training, waves

ALONE = Ranks(0, 1, torch.device("cpu"))


@pytest.mark.parametrize("model", FITTED)
def test_a_run_is_one_pass(store: Path, tmp_path: Path, model: str) -> None:
    settings = settings_for(store, tmp_path / "run", model=model, epochs=7, ema=0.9, centres=200)
    summary = FittedRun(settings, ALONE, resume=False).run()
    assert summary is not None
    assert summary.steps == 37
    assert summary.validation_loss is not None
    assert summary.validation_loss < 0.9  # values have a variance of one
    assert len(lines_of(tmp_path / "run", "validation")) == 1
    found = TrainedModel(tmp_path / "run", ALONE).model
    assert isinstance(found, Fitted)
    if isinstance(found, PCAAutoencoder):
        gram = found.components @ found.components.T
        torch.testing.assert_close(gram, torch.eye(len(gram)), rtol=0, atol=1e-4)
    again = FittedRun(settings, ALONE, resume=True).run()
    assert again is not None
    assert again.validation_loss == summary.validation_loss


@pytest.mark.parametrize("model", FITTED)
def test_two_processes_fit_what_one_does(store: Path, tmp_path: Path, model: str) -> None:
    FittedRun(settings_for(store, tmp_path / "one", model=model), ALONE, resume=False).run()
    finish(start_training(store, tmp_path / "two", f"--model={model}", num_ranks=2))
    one, two = (lines_of(tmp_path / run, "validation")[0]["loss"] for run in ("one", "two"))
    assert one == pytest.approx(two, rel=1e-5)
    if model != "pca":  # sums of two processes have another last digit
        states = [TrainedModel(tmp_path / run, ALONE).model.state_dict() for run in ("one", "two")]
        torch.testing.assert_close(*states, rtol=0, atol=0)


@pytest.mark.parametrize("model", ["pca", "nearest"])
def test_a_pass_that_a_signal_stops_begins_again(store: Path, tmp_path: Path, model: str) -> None:
    whole = FittedRun(settings_for(store, tmp_path / "whole", model=model), ALONE, resume=False).run()
    running = FittedRun(settings_for(store, tmp_path / "parts", model=model), ALONE, resume=False)
    count = running.reporter.step

    def counted(loss: float) -> None:
        count(loss)
        running.wish.number = signal.SIGTERM

    running.reporter.step = counted  # type: ignore[method-assign]
    assert not running.run().finished
    parts = FittedRun(settings_for(store, tmp_path / "parts", model=model), ALONE, resume=True).run()
    assert (parts.steps, parts.validation_loss) == (whole.steps, whole.validation_loss)


def test_a_centred_model_is_fitted_to_centred_windows(store: Path, tmp_path: Path) -> None:
    settings = settings_for(store, tmp_path / "run", model="kmeans", centre="mean-and-scale", centres=200)
    summary = FittedRun(settings, ALONE, resume=False).run()
    assert summary.validation_loss is not None
    assert summary.validation_loss < 0.9
    bank = TrainedModel(tmp_path / "run", ALONE).model.get_submodule("model").get_buffer("bank")
    means = bank.view(200, 16, -1).mean(dim=1)
    torch.testing.assert_close(means, torch.zeros_like(means), rtol=0, atol=1e-5)


def test_what_means_nothing_to_it_is_said_or_refused(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="longstride")
    with raises("option-value", "--optimiser", "'nonsense'", kind=SettingsError):
        FittedRun(settings_for(store, tmp_path / "run", model="pca", optimiser="nonsense"), ALONE, resume=False)
    assert not (tmp_path / "run").exists()
    changes = {"optimiser": "sgd", "epochs": 3, "patience": 2}
    FittedRun(settings_for(store, tmp_path / "run", model="pca", **changes), ALONE, resume=False).run()
    FittedRun(settings_for(store, tmp_path / "k", model="kmeans", centres=9), ALONE, resume=False).run()
    pca, kmeans = [message for message in caplog.messages if "does nothing" in message]
    assert "--hidden, --optimiser, --lr, --epochs, --patience" in pca
    assert "--model kmeans" in kmeans
    assert "--hidden, --latent, --lr, --epochs does" in kmeans


@pytest.mark.parametrize("model", FITTED)
def test_a_model_for_each_series_and_for_one(tmp_path: Path, model: str) -> None:
    values = waves(900, 3)
    data = longstride.from_array(values, series={"a": 600, "b": 300})
    sizes: dict[str, Any] = {
        "window": 8,
        "stride": 2,
        "batch_size": 16,
        "latent": 4,
        "device": "cpu",
        "model": model,
    }
    each = longstride.train(data, tmp_path / "each", per_series=True, **sizes)
    assert list(each.series) == ["a", "b"]
    longstride.train(data, tmp_path / "b", series="b", **sizes)
    folders = sorted((tmp_path / "each" / "series").iterdir())
    one, other = (TrainedModel(run, ALONE).model.state_dict() for run in (tmp_path / "b", folders[1]))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
    result = longstride.score(tmp_path / "each", data, tmp_path / "s.parquet", alarms=0.05, device="cpu")
    assert result.covered > 850
