"""Runs of an LSTM whose decoder was trained from the oldest row on, as older versions did."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longstride
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.models.lstm import LSTMAutoencoder
from longstride.trainer.saved.checkpoint import best_first, load_checkpoint, save_checkpoint
from tests.helpers.runs.training import SIZES, waves

ALONE = Ranks(0, 1, torch.device("cpu"))


def train(out: Path, **changes: Any) -> longstride.TrainResult:
    data = longstride.from_array(waves(3000, 3), step="1s")
    return longstride.train(data, out, device="cpu", **{"max_steps": 6, "ema": 0.5, **SIZES, **changes})


def lstm_of(run: Path) -> LSTMAutoencoder:
    return next(part for part in TrainedModel(run, ALONE).model.modules() if isinstance(part, LSTMAutoencoder))


@pytest.fixture(params=["none", "mean"], ids=["plain", "centred"])
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A run that says nothing of the order."""
    with monkeypatch.context() as patch:
        patch.setattr(LSTMAutoencoder, "set_extra_state", lambda model, state: None)
        made = LSTMAutoencoder.__init__

        def make(model: LSTMAutoencoder, *arguments: Any, **keywords: Any) -> None:
            made(model, *arguments, **keywords)
            model.newest_first = False

        patch.setattr(LSTMAutoencoder, "__init__", make)
        train(tmp_path / "run", centre=request.param)
    checkpoints = tmp_path / "run" / "checkpoints"
    for checkpoint in {path.resolve() for path in best_first(checkpoints)}:
        state = load_checkpoint(checkpoint)
        for part in ("model", "average"):
            state[part] = {name: value for name, value in state[part].items() if "_extra_state" not in name}
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
        save_checkpoint(checkpoints, state["progress"]["step"], state)
    return tmp_path / "run"


def test_it_is_scored_in_the_order_of_its_training(old: Path, tmp_path: Path) -> None:
    assert not lstm_of(old).newest_first
    data = longstride.from_array(waves(3000, 3), step="1s")
    longstride.calibrate(old, data, device="cpu")
    longstride.score(old, data, tmp_path / "s.parquet", device="cpu")
    expected = pl.read_parquet(tmp_path / "s.parquet")["score"][-1]
    found = longstride.Detector(old, device="cpu").score(np.asarray(data.values))
    assert found.score[-1] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_resumed_run_keeps_the_order(old: Path) -> None:
    centre = TrainedModel(old, ALONE).settings.model.centre
    train(old, resume=True, max_steps=9, centre=centre)
    assert TrainedModel(old, ALONE).settings.run.max_steps == 9
    assert not lstm_of(old).newest_first


def test_a_run_that_begins_with_its_weights_takes_the_order_too(old: Path, tmp_path: Path) -> None:
    centre = TrainedModel(old, ALONE).settings.model.centre
    train(tmp_path / "next", from_=old, centre=centre)
    assert not lstm_of(tmp_path / "next").newest_first


def test_a_new_run_begins_with_the_newest_row(tmp_path: Path) -> None:
    train(tmp_path / "run")
    assert lstm_of(tmp_path / "run").newest_first
