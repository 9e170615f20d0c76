"""Training in processes: alone, under torchrun, with signals and kills."""

import json
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.loop import Training
from longstride.trainer.saved.checkpoint import best_checkpoint
from tests.helpers.runs.report_page import Page
from tests.helpers.runs.training import (
    TORCHRUN,
    finish,
    lines_of,
    newest_checkpoint,
    settings_for,
    start_training,
    weights_of,
)

ALONE = Ranks(0, 1, torch.device("cpu"))
LONG = ("--epochs=6", "--checkpoint-every=10")
NUM_STEPS = 6 * 37


def step_saved(out: Path) -> int:
    newest = newest_checkpoint(out / "checkpoints")
    return int(newest.name.removeprefix("step-")) if newest else 0


def wait_until_saved(process: "subprocess.Popen[str]", out: Path, step: int) -> None:
    deadline = time.monotonic() + 40
    while step_saved(out) < step:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ranks_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """In the order in which they were started, which is that of their numbers."""
    children = psutil.Process(process.pid).children()
    return sorted((child for child in children if "longstride" in child.cmdline()), key=psutil.Process.create_time)


def kill_at_once(process: "subprocess.Popen[str]") -> None:
    parent = psutil.Process(process.pid)
    for each in (*parent.children(recursive=True), parent):
        each.kill()
    process.communicate()


def curve(out: Path) -> list[tuple[Any, ...]]:
    fields = ("kind", "epoch", "step", "loss", "grad_norm")
    return [
        tuple(line.get(field) for field in fields) for k in ("train", "validation") for line in lines_of(out, k)
    ]


def assert_same_run(out: Path, undisturbed: Path) -> None:
    assert curve(out) == curve(undisturbed)
    mine, theirs = weights_of(out), weights_of(undisturbed)
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


@pytest.fixture(scope="module")
def undisturbed(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`undisturbed(num_ranks)`: directory and output of a run that nobody stopped, just as a user starts it."""

    @cache
    def run(num_ranks: int) -> tuple[Path, str, str]:
        out = tmp_path_factory.mktemp("undisturbed") / "run"
        return out, *finish(start_training(store, out, *LONG, num_ranks=num_ranks, torchrun=TORCHRUN))

    return run


def test_two_processes_learn_and_write_every_file(undisturbed: Any) -> None:
    out, output, errors = undisturbed(2)
    losses = [line["loss"] for line in lines_of(out, "train")]
    assert losses[-1] < 0.5 * losses[0]
    validation = [line["loss"] for line in lines_of(out, "validation")]
    assert len(validation) == 6
    assert validation[-1] < validation[0]
    (summary,) = lines_of(out, "summary")
    assert summary["steps"] == summary["step"] == NUM_STEPS
    assert (summary["first_loss"], summary["last_loss"]) == (losses[0], losses[-1])
    assert summary["validation_loss"] == validation[-1]
    assert summary["best_validation_loss"] == min(validation)
    assert 0 <= summary["data_wait_share"] < 1
    assert json.loads((out / "settings.json").read_text())["data"]["window"] == 16
    assert Path(summary["picture"]).read_bytes().startswith(b"\x89PNG")
    assert any((out / "tensorboard").iterdir())
    checkpoints = out / "checkpoints"
    best = best_checkpoint(checkpoints)
    assert best is not None
    assert {path.name for path in checkpoints.glob("step-*")} == {"step-000000220", "step-000000222", best.name}
    assert output.count("windows/s") == output.count("reconstruction.png") == 1  # rank 0 alone speaks
    assert errors.count("validation loss") == 6


def test_two_processes_follow_the_curve_of_one(undisturbed: Any) -> None:
    one, two = ([line["loss"] for line in lines_of(undisturbed(num)[0], "train")[:10]] for num in (1, 2))
    assert two == pytest.approx(one, rel=1e-3)


@pytest.mark.soak
def test_four_processes_judge_as_one_does(store: Path, tmp_path: Path) -> None:
    one, four = tmp_path / "one", tmp_path / "four"
    Training(settings_for(store, one, epochs=2, max_steps=50), ALONE, resume=False).run()
    finish(start_training(store, four, "--max-steps=50", num_ranks=4))
    losses = [[line["loss"] for line in lines_of(out, "validation")] for out in (one, four)]
    pages = [Page(out) for out in (one, four)]
    assert len(losses[0]) == 2
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
    assert pages[1].worst_rows == pages[0].worst_rows
    assert "4 on cpu, fp32" in pages[1].text


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_resuming_after_a_kill_gives_the_same_curve(
    store: Path, tmp_path: Path, undisturbed: Any, num_ranks: int
) -> None:
    out = tmp_path / "run"
    process = start_training(store, out, *LONG, num_ranks=num_ranks)
    wait_until_saved(process, out, step=70)
    kill_at_once(process)
    assert step_saved(out) < NUM_STEPS
    _, errors = finish(start_training(store, out, *LONG, "--resume", num_ranks=num_ranks))
    assert "resuming after step" in errors
    assert_same_run(out, undisturbed(num_ranks)[0])


@pytest.mark.parametrize("more", [(), pytest.param(("--hidden=400", "--accumulate=2"), marks=pytest.mark.soak)])
def test_three_ranks_add_up_in_the_same_order_after_a_restart(
    store: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """Sums of two numbers have one order alone; torch would change that of three after the first step."""
    flags = ("--batch-size=36", "--epochs=2", *more)
    finish(start_training(store, tmp_path / "whole", *flags, "--max-steps=40", num_ranks=3))
    for steps in (17, 40):
        parts = start_training(store, tmp_path / "parts", *flags, f"--max-steps={steps}", "--resume", num_ranks=3)
        _, errors = finish(parts)
        assert "reducer" not in errors
    assert curve(tmp_path / "parts")[-1] == curve(tmp_path / "whole")[-1]
    mine, theirs = weights_of(tmp_path / "parts"), weights_of(tmp_path / "whole")
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_torchrun_starts_a_killed_rank_again(store: Path, tmp_path: Path, undisturbed: Any) -> None:
    out = tmp_path / "run"
    process = start_training(store, out, *LONG, "--resume", num_ranks=2, max_restarts=3)
    for step in (20, 90):
        wait_until_saved(process, out, step)
        ranks_of(process)[step == 90].kill()  # one rank, then the other
    _, errors = finish(process)
    assert errors.count("resuming after step") == 2
    assert_same_run(out, undisturbed(2)[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_leaves(store: Path, tmp_path: Path, undisturbed: Any, number: signal.Signals) -> None:
    out = tmp_path / "run"
    process = start_training(store, out, "--epochs=6", "--checkpoint-every=50")
    wait_until_saved(process, out, step=72)
    process.send_signal(number)
    output, errors = finish(process, code=128 + number)
    assert f"stopped by a signal after step {step_saved(out)}, saved: resume it by --resume" in errors
    assert output == ""
    assert 72 <= step_saved(out) < NUM_STEPS
    assert lines_of(out, "summary") == []
    finish(start_training(store, out, *LONG, "--resume"))
    assert_same_run(out, undisturbed(1)[0])


def test_a_signal_to_torchrun_saves_on_all_ranks_together(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start_training(store, out, "--epochs=1000", "--checkpoint-every=50", num_ranks=2)
    wait_until_saved(process, out, step=72)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=29)  # torchrun kills after 30 seconds
    assert errors.count("stopped by a signal after step") == 1
    assert f"after step {step_saved(out):,}, saved" in errors


def test_a_signal_to_one_rank_stops_both(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = start_training(store, out, "--epochs=1000", "--checkpoint-every=50", num_ranks=2)
    wait_until_saved(process, out, step=72)
    _, last = ranks_of(process)
    last.send_signal(signal.SIGINT)
    _, errors = finish(process, code=1)  # of torchrun, whichever way its ranks fail
    assert errors.count("stopped by a signal after step") == 1
    assert f"after step {step_saved(out):,}, saved" in errors


def test_a_loss_that_is_not_finite_stops_all_ranks_with_one_message(store: Path, tmp_path: Path) -> None:
    process = start_training(store, tmp_path / "run", "--lr=1e30", num_ranks=2)
    _, errors = process.communicate(timeout=55)
    assert process.returncode == 1
    assert errors.count("[loss-not-finite]") == 1
    assert "step 2 (epoch 1)" in errors


def test_an_error_of_the_user_is_reported_once(tmp_path: Path) -> None:
    process = start_training(tmp_path / "nothing", tmp_path / "run", num_ranks=2)
    _, errors = process.communicate(timeout=55)
    assert process.returncode == 1
    assert len([line for line in errors.splitlines() if line.startswith("Error: ")]) == 1
    assert str(tmp_path / "nothing") in errors


def test_the_command_line_needs_no_torch_to_explain_itself() -> None:
    code = "import sys, longstride.__main__, longstride.trainer.command; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    began = time.monotonic()
    shown = subprocess.run(
        [sys.executable, "-m", "longstride", "train", "--help"], check=True, capture_output=True, text=True
    )
    assert time.monotonic() - began < 0.5
    assert (
        "torchrun --standalone --nproc-per-node=2 -m longstride train plant.zarr --out runs/plant" in shown.stdout
    )
