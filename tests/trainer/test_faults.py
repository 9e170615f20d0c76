"""A campaign of kills: run by `make soak`."""

import random
import signal
import time
from pathlib import Path

import psutil
import pytest
import torch

from longstride.trainer.saved.checkpoint import load_checkpoint
from tests.helpers.runs.training import TORCHRUN, finish, lines_of, newest_checkpoint, start_training

NUM_KILLS = 24
RUN = ("--epochs=60", "--checkpoint-every=7", "--log-every=1", "--ema=0.9", "--schedule=cosine", "--resume")


def step_saved(out: Path) -> int:
    newest = newest_checkpoint(out / "checkpoints")
    return int(newest.name.removeprefix("step-")) if newest else 0


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_run_survives_every_kill(store: Path, tmp_path: Path) -> None:
    """Ranks and launcher killed at random moments: no window is lost or served twice, so each loss is the same."""
    finish(start_training(store, tmp_path / "undisturbed", *RUN, num_ranks=2, torchrun=TORCHRUN), timeout=300)
    choice = random.Random(0)
    out, num_kills = tmp_path / "run", 0
    while num_kills < NUM_KILLS:
        began = step_saved(out)
        process = start_training(store, out, *RUN, num_ranks=2, max_restarts=1, torchrun=TORCHRUN)
        while step_saved(out) <= began:
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        time.sleep(choice.random() / 4)
        parent = psutil.Process(process.pid)
        ranks = [child for child in parent.children() if "longstride" in child.cmdline()]
        match num_kills % 4:
            case 0 | 1:  # one rank: torchrun starts both again
                choice.choice(ranks).kill()
                later = step_saved(out)
                while step_saved(out) <= later and process.poll() is None:
                    time.sleep(0.005)
                ranks = [*parent.children(recursive=True), parent] if process.poll() is None else []
            case 2:  # all at once
                ranks = [*parent.children(recursive=True), parent]
            case _:  # as a queueing system does
                process.send_signal(signal.SIGTERM)
                ranks = []
        for each in ranks:
            each.kill()
        process.communicate(timeout=120)
        num_kills += 1 if num_kills % 4 > 1 else 2
    finish(start_training(store, out, *RUN, num_ranks=2, torchrun=TORCHRUN), timeout=300)
    for kind in ("train", "validation"):
        curves = [
            [(line["step"], line["loss"], line.get("grad_norm")) for line in lines_of(run, kind)]
            for run in (tmp_path / "undisturbed", out)
        ]
        assert curves[0] == curves[1]
    assert len(curves[0]) == 60
    states = [newest_checkpoint(run / "checkpoints") for run in (tmp_path / "undisturbed", out)]
    weights = [load_checkpoint(state)["average"] for state in states if state]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
