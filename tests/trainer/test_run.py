"""Runs in this process: what is refused, what ends a run, and what it leaves behind."""

import json
import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from storage.errors import LongstrideError
from storage.store import SeriesStore
from tests.trainer.conftest import lines_of, settings_for, waves
from trainer.checkpoint import load_checkpoint, newest_checkpoint
from trainer.distributed import Ranks
from trainer.errors import DivergenceError, RunError, SettingsError
from trainer.loop import Training
from trainer.metrics import Summary

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))


def training(store: Path, out: Path, *, resume: bool = False, **changes: Any) -> Training:
    return Training(settings_for(store, out, **changes), ALONE, resume=resume)


def weights_of(out: Path) -> dict[str, torch.Tensor]:
    newest = newest_checkpoint(out / "checkpoints")
    assert newest is not None
    weights: dict[str, torch.Tensor] = load_checkpoint(newest)["model"]
    return weights


def test_a_run_learns_and_leaves_every_file(store: Path, tmp_path: Path) -> None:
    summary = training(store, tmp_path / "run", epochs=3, device="auto").run()
    assert isinstance(summary, Summary)
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["run"]["device"] == "cpu"
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < 0.9 * summary.first_loss
    assert len(lines_of(tmp_path / "run", "validation")) == 3
    assert 0 <= summary.data_wait_share < 1
    for name in ("settings.json", "metrics.jsonl", "tensorboard", "checkpoints", "reconstruction.png"):
        assert (tmp_path / "run" / name).exists()


@pytest.mark.parametrize("model", ["tcn", "patch"])
def test_every_model_learns(store: Path, tmp_path: Path, model: str) -> None:
    summary = training(store, tmp_path / "run", epochs=2, model=model).run()
    assert isinstance(summary, Summary)
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < 0.9 * summary.first_loss


def test_a_directory_that_holds_a_run_is_refused(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    with pytest.raises(RunError, match="add --resume"):
        training(store, tmp_path / "run", max_steps=2)


def test_a_directory_in_use_is_refused(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=2)
    with pytest.raises(RunError, match="in use by a training that runs"):
        training(store, tmp_path / "run", max_steps=2, resume=True)
    running.run()


def test_going_on_with_other_settings_names_what_differs(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    with pytest.raises(RunError, match=r"--window 16 \(now 24\), --lr 0.01 \(now 0.5\)"):
        training(store, tmp_path / "run", resume=True, window=24, lr=0.5)


def test_going_on_with_other_data_is_refused(store: Path, make_store: MakeStore, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    other = make_store(tmp_path / "other", waves(6000, 4, missing=0.1)).path
    with pytest.raises(RunError, match="other data"):
        training(other, tmp_path / "run", resume=True)


def test_resume_begins_where_there_is_nothing_yet(store: Path, tmp_path: Path) -> None:
    summary = training(store, tmp_path / "run", resume=True, max_steps=2).run()
    assert summary is not None
    assert summary.steps == 2


def test_a_longer_run_goes_on_from_the_shorter_one(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "whole", epochs=2).run()
    training(store, tmp_path / "parts", epochs=2, max_steps=10).run()  # inside an interval of seven
    training(store, tmp_path / "parts", epochs=1, resume=True).run()
    training(store, tmp_path / "parts", epochs=2, resume=True).run()
    for kind in ("train", "validation"):
        curves = [
            [(line["epoch"], line["step"], line["loss"]) for line in lines_of(tmp_path / run, kind)]
            for run in ("whole", "parts")
        ]
        assert curves[0] == curves[1]
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_random_numbers_go_on_as_well(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=2)
    torch.rand(3)  # as dropout would
    running.run()
    expected = torch.rand(3)
    again = training(store, tmp_path / "run", max_steps=2, resume=True)
    assert torch.equal(torch.rand(3), expected)
    again.directory.release()


def test_a_loss_that_is_not_finite_stops_before_the_step(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run")
    with torch.no_grad():
        running.state.model.get_parameter("to_channels.bias").fill_(math.inf)
    before = {name: value.clone() for name, value in running.state.model.state_dict().items()}
    with pytest.raises(DivergenceError, match=r"loss of step 1 \(epoch 1\) is not a finite number"):
        running.run()
    after = running.state.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_time_is_up_and_the_run_still_ends_properly(store: Path, tmp_path: Path) -> None:
    summary = training(store, tmp_path / "run", epochs=10**6, minutes=1e-6).run()
    assert summary is not None
    assert summary.steps == 1
    assert summary.validation_loss is not None
    assert (tmp_path / "run" / "reconstruction.png").exists()
    assert len(lines_of(tmp_path / "run", "summary")) == 1


def test_a_signal_during_validation_leaves_without_a_line(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=3)
    running.state.model.eval = lambda: signal.raise_signal(signal.SIGTERM)  # type: ignore[method-assign,assignment,return-value]
    assert running.run() is None
    assert lines_of(tmp_path / "run", "validation") == lines_of(tmp_path / "run", "summary") == []
    summary = training(store, tmp_path / "run", max_steps=3, resume=True).run()
    assert summary is not None
    assert len(lines_of(tmp_path / "run", "validation")) == 1


def test_validation_counts_every_value_once(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=1)
    summary = running.run()
    assert summary is not None
    state, index = running.state, running.state.validation_batches.dataset.index
    rows = index.starts(np.arange(len(index)))[:, None] + np.arange(16)
    windows = torch.from_numpy(state.store.values[rows])
    mask = ~windows.isnan()
    inputs = state.normalisation.apply(windows, mask)
    with torch.no_grad():
        expected = (state.model(inputs) - inputs)[mask].square().mean().item()
    assert len(index) % 32, "the last batch must need padding"
    assert summary.validation_loss == pytest.approx(expected, rel=1e-5)


def test_without_a_validation_split_a_training_window_is_drawn(store: Path, tmp_path: Path) -> None:
    summary = training(store, tmp_path / "run", max_steps=2, validation_share=0.0).run()
    assert summary is not None
    assert summary.validation_loss is None
    assert (tmp_path / "run" / "reconstruction.png").exists()


def test_constant_and_missing_channels_train(make_store: MakeStore, tmp_path: Path) -> None:
    values = waves(3000, 4)
    values[:, 1], values[:, 2] = np.nan, 7
    summary = training(make_store(tmp_path / "store", values).path, tmp_path / "run", max_steps=20).run()
    assert summary is not None
    assert summary.last_loss is not None
    assert math.isfinite(summary.last_loss)


def test_bf16_on_the_cpu_trains_or_is_refused(store: Path, tmp_path: Path) -> None:
    try:
        summary = training(store, tmp_path / "run", precision="bf16", epochs=2).run()
    except SettingsError as error:
        assert "this processor has no bf16 LSTM, give fp32" in str(error)  # noqa: PT017 (it depends on the processor)
        return
    assert summary is not None
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < summary.first_loss


def test_fp16_on_the_cpu_is_refused(store: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="fp16 needs a CUDA device: on the CPU give fp32"):
        training(store, tmp_path / "run", precision="fp16")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_trains_on_a_gpu(store: Path, tmp_path: Path, precision: str) -> None:
    ranks = Ranks(0, 1, torch.device("cuda", 0))
    settings = settings_for(store, tmp_path / "run", precision=precision, device="cuda", epochs=3)
    summary = Training(settings, ranks, resume=False).run()
    assert summary is not None
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < 0.9 * summary.first_loss


def test_a_window_that_does_not_fit_is_an_error_of_the_user(store: Path, tmp_path: Path) -> None:
    with pytest.raises(LongstrideError, match="windows of 5000 rows fit"):
        training(store, tmp_path / "run", window=5000)
    assert not (tmp_path / "run").exists()
