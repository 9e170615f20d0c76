"""Runs in this process: what is refused, what ends a run, and what it leaves behind."""

import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longstride import TrainResult
from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.loop import Training
from longstride.trainer.saved.checkpoint import STATE_FILE, best_checkpoint, complete_checkpoints, load_checkpoint
from tests.helpers.errors import raises
from tests.helpers.runs.training import lines_of, settings_for, waves, weights_of

MakeStore = Callable[..., SeriesStore]
ALONE = Ranks(0, 1, torch.device("cpu"))


def training(store: Path, out: Path, *, resume: bool = False, **changes: Any) -> Training:
    return Training(settings_for(store, out, **changes), ALONE, resume=resume)


def test_a_run_learns_and_leaves_every_file(store: Path, tmp_path: Path) -> None:
    summary = training(store, tmp_path / "run", epochs=3, device="auto").run()
    assert isinstance(summary, TrainResult)
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
    assert isinstance(summary, TrainResult)
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < 0.9 * summary.first_loss


def test_a_directory_that_holds_a_run_is_refused(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    with raises("run-exists", tmp_path / "run", "--resume", kind=RunError):
        training(store, tmp_path / "run", max_steps=2)


def test_a_directory_in_use_is_refused(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=2)
    with raises("run-locked", tmp_path / "run", kind=RunError):
        training(store, tmp_path / "run", max_steps=2, resume=True)
    running.run()


def test_going_on_with_other_settings_names_what_differs(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    with raises("run-differs", "--window 16 (now 24), --lr 0.01 (now 0.5)", kind=RunError):
        training(store, tmp_path / "run", resume=True, window=24, lr=0.5)


def test_going_on_with_other_data_is_refused(store: Path, make_store: MakeStore, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=2).run()
    other = make_store(tmp_path / "other", waves(6000, 4, missing=0.1)).path
    with raises("run-differs", other, "fingerprint", kind=RunError):
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


REFINED = {
    "optimiser": "adamw",
    "loss": "huber",
    "schedule": "cosine",
    "warmup_steps": 5,
    "accumulate": 3,
    "ema": 0.9,
    "model": "patch",
}


def stop_after(running: Training, step: int) -> None:
    """Let a signal come in that step."""
    count = running.reporter.step

    def counted(loss: float) -> None:
        count(loss)
        if running.progress.step >= step - 1:
            running.wish.number = signal.SIGTERM

    running.reporter.step = counted  # type: ignore[method-assign]


def test_everything_goes_on_where_it_was(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "whole", epochs=2, **REFINED).run()
    for step in (10, 50):
        running = training(store, tmp_path / "parts", epochs=2, resume=True, **REFINED)
        stop_after(running, step)
        assert not running.run().finished
        assert running.progress.step == step
    training(store, tmp_path / "parts", epochs=2, resume=True, **REFINED).run()
    for kind in ("train", "validation"):
        curves = [
            [(line["step"], line["loss"], line.get("lr")) for line in lines_of(tmp_path / run, kind)]
            for run in ("whole", "parts")
        ]
        assert curves[0] == curves[1]
    states = [
        load_checkpoint(complete_checkpoints(tmp_path / run / "checkpoints")[0]) for run in ("whole", "parts")
    ]
    for part in ("model", "average"):
        whole, parts = states[0][part], states[1][part]
        assert all(torch.equal(whole[name], parts[name]) for name in whole)
    assert not torch.equal(states[0]["model"]["to_latent.weight"], states[0]["average"]["module.to_latent.weight"])


def test_a_schedule_has_one_length(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", epochs=2, max_steps=3, schedule="cosine").run()
    with raises("run-differs", "--max-steps 3 (now 5)", kind=RunError):
        training(store, tmp_path / "run", epochs=2, max_steps=5, schedule="cosine", resume=True)


def test_an_average_is_what_is_validated(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "plain").run()
    training(store, tmp_path / "average", ema=0.999).run()
    plain, average = (lines_of(tmp_path / run, "validation")[0]["loss"] for run in ("plain", "average"))
    assert average > plain  # hardly moved from where the weights began
    assert lines_of(tmp_path / "plain", "train")[-1]["loss"] == lines_of(tmp_path / "average", "train")[-1]["loss"]


def test_it_stops_when_it_gets_no_better(store: Path, tmp_path: Path) -> None:
    """A rate at which hardly a weight moves; the best is kept, however long ago it was."""
    summary = training(store, tmp_path / "run", epochs=50, patience=3, lr=0.3, keep=1).run()
    assert summary is not None
    losses = [line["loss"] for line in lines_of(tmp_path / "run", "validation")]
    assert len(losses) < 50
    assert min(losses) == losses[-4]
    best = best_checkpoint(tmp_path / "run" / "checkpoints")
    assert best is not None
    assert best.name == f"step-{37 * (len(losses) - 3):09d}"
    assert len(complete_checkpoints(tmp_path / "run" / "checkpoints")) == 2


def test_it_saves_by_the_clock(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=5, checkpoint_minutes=1e-9, keep=9).run()
    assert len(complete_checkpoints(tmp_path / "run" / "checkpoints")) == 5


def test_a_damaged_checkpoint_is_passed_over(
    store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training(store, tmp_path / "whole", max_steps=20).run()
    training(store, tmp_path / "run", max_steps=20, checkpoint_every=8).run()
    newest, older = complete_checkpoints(tmp_path / "run" / "checkpoints")[:2]
    (newest / STATE_FILE).write_bytes(b"cut short")
    summary = training(store, tmp_path / "run", max_steps=20, resume=True).run()
    assert summary is not None
    (warning,) = [message for message in caplog.messages if "is damaged" in message]
    assert all(fact in warning for fact in (str(newest), "bytes: 9", f"{older.name} is used"))
    whole, run = weights_of(tmp_path / "whole"), weights_of(tmp_path / "run")
    assert all(torch.equal(whole[name], run[name]) for name in whole)
    for checkpoint in complete_checkpoints(tmp_path / "run" / "checkpoints"):
        (checkpoint / STATE_FILE).write_bytes(b"cut short")
    with raises("checkpoint-damaged", tmp_path / "run", kind=RunError):
        training(store, tmp_path / "run", resume=True)


def test_what_is_logged(store: Path, tmp_path: Path) -> None:
    training(store, tmp_path / "run", max_steps=14).run()
    for line in lines_of(tmp_path / "run", "train"):
        assert line["rows_per_second"] == pytest.approx(16 * line["windows_per_second"])
        assert 0 < line["step_ms_p50"] <= line["step_ms_p90"] <= line["step_ms_p99"]
        assert line["data_wait_seconds"] >= 0
        assert line["peak_memory_mb"] > 50
        assert line["lr"] == 0.01


@pytest.mark.soak
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a compiler")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # of torch itself
def test_a_compiled_model_trains(store: Path, tmp_path: Path) -> None:
    plain = training(store, tmp_path / "plain", max_steps=3, model="patch").run()
    compiled = training(store, tmp_path / "compiled", max_steps=3, model="patch", compile=True).run()
    assert plain is not None
    assert compiled is not None
    assert compiled.validation_loss == pytest.approx(plain.validation_loss, rel=1e-4)
    with raises("option-value", "--compile", kind=SettingsError):
        settings_for(store, tmp_path / "run", compile=True)


def test_random_numbers_go_on_as_well(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", max_steps=2)
    torch.rand(3)  # as dropout would
    running.run()
    expected = torch.rand(3)
    again = training(store, tmp_path / "run", max_steps=2, resume=True)
    assert torch.equal(torch.rand(3), expected)
    again.directory.release()


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
    assert not running.run().finished
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
    inputs = state.runner.normalisation.apply(windows, mask)
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
        assert "bf16" in str(error)  # noqa: PT017 (it depends on the processor)
        return
    assert summary is not None
    assert summary.first_loss is not None
    assert summary.last_loss is not None
    assert summary.last_loss < summary.first_loss


def test_fp16_on_the_cpu_is_refused(store: Path, tmp_path: Path) -> None:
    with raises("option-value", "--precision fp16", kind=SettingsError):
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
    with pytest.raises(LongstrideError, match="5000"):
        training(store, tmp_path / "run", window=5000)
    assert not (tmp_path / "run").exists()
