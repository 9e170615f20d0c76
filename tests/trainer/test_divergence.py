"""Training that leads nowhere ends with an error, and healthy training does not."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.divergence import is_ruined
from longstride.trainer.errors import DivergenceError
from longstride.trainer.loop import Training
from longstride.trainer.saved.checkpoint import best_checkpoint
from tests.helpers.errors import raises
from tests.helpers.runs.training import lines_of, settings_for, waves

MakeStore = Callable[..., SeriesStore]


def training(store: Path, out: Path, **changes: Any) -> Training:
    return Training(settings_for(store, out, **changes), Ranks(0, 1, torch.device("cpu")), resume=False)


@pytest.mark.parametrize(
    ("loss", "reference", "ruined"),
    [
        (1.0, 1.0, False),
        (9e5, 1e-9, False),
        (2e6, 1e-9, True),
        (2e6, 3.0, False),
        (-1e30, -5.0, False),
        (math.inf, 1.0, True),
        (math.nan, 1.0, True),
        (1.0, math.nan, False),
        (3e20, math.nan, True),
        (math.inf, math.inf, False),
    ],
)
def test_what_is_ruined(loss: float, reference: float, ruined: bool) -> None:
    assert is_ruined(loss, reference) == ruined


def test_a_loss_that_is_not_finite_stops_before_the_step(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run")
    with torch.no_grad():
        running.state.model.get_parameter("to_channels.bias").fill_(math.inf)
    before = {name: value.clone() for name, value in running.state.model.state_dict().items()}
    with raises("loss-not-finite", "step 1 (epoch 1)", tmp_path / "run", kind=DivergenceError):
        running.run()
    after = running.state.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    running.state.batches.set_epoch(0)
    starts = next(iter(running.state.batches)).start.tolist()
    assert json.loads((tmp_path / "run" / "diverged.json").read_text()) == {
        "epoch": 0,
        "step": 1,
        "starts": starts,
    }


def spoil(running: Training, bias: float, *, at: int) -> None:
    """Let the model be far off from that step on."""
    count = running.reporter.step

    def counted(loss: float) -> None:
        count(loss)
        if running.progress.step == at - 1:
            with torch.no_grad():
                running.state.model.get_parameter("to_channels.bias").fill_(bias)

    running.reporter.step = counted  # type: ignore[method-assign]


@pytest.mark.parametrize(("length", "stopped_at"), [({"epochs": 9}, 103), ({"max_steps": 8}, 8)])
def test_a_loss_that_stays_far_above_the_first_is_divergence(
    store: Path, tmp_path: Path, length: dict[str, int], stopped_at: int
) -> None:
    running = training(store, tmp_path / "run", lr=1e-9, **length)
    spoil(running, 1e9, at=4)
    with raises("loss-diverged", "since step 4 ", "--lr", tmp_path / "run", kind=DivergenceError):
        running.run()
    assert running.progress.step == stopped_at
    assert lines_of(tmp_path / "run", "summary") == []
    assert best_checkpoint(tmp_path / "run" / "checkpoints") is None  # none of them was of use


def test_the_state_before_the_divergence_is_named(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", lr=1e-9, epochs=2)
    spoil(running, 1e9, at=50)
    with raises("loss-diverged", "since step 50 ", "step-000000037", kind=DivergenceError):
        running.run()


def test_a_run_that_recovers_has_not_diverged(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", lr=1e-9, epochs=3)
    spoil(running, 0.0, at=90)
    spoil(running, 1e9, at=4)
    assert running.run().finished
    assert max(line["loss"] for line in lines_of(tmp_path / "run", "train")) > 1e17


def test_the_validation_decides_where_only_the_last_batch_is_ruined(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", lr=1e-9, max_steps=8)
    spoil(running, 0.0, at=9)
    spoil(running, 1e9, at=8)
    assert running.run().finished
    assert lines_of(tmp_path / "run", "train")[-1]["loss"] > 1e17


def test_a_state_that_was_spoilt_by_the_last_step_is_divergence(store: Path, tmp_path: Path) -> None:
    running = training(store, tmp_path / "run", lr=1e-9, max_steps=8)
    spoil(running, math.nan, at=9)
    with raises("loss-diverged", "after step 8 the validation loss", kind=DivergenceError):
        running.run()


def test_values_far_out_of_range_are_no_divergence(store: Path, make_store: MakeStore, tmp_path: Path) -> None:
    """In the rows that are held out; the model cannot be blamed."""
    values = waves(6000, 4)
    values[5000] = 1e25
    other = make_store(tmp_path / "other.zarr", values).path
    result = training(other, tmp_path / "run", max_steps=8).run()
    assert result.finished
    assert result.validation_loss is None  # its square is beyond float32
