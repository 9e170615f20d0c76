"""One rank fails and the others do not: they say why, in a few lines, and nothing ends by SIGABRT."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.runs.training import TORCHRUN, finish, start_training

PARTS = """
import os, signal, torch
from longstride import LongstrideError


class Failing(torch.nn.Linear):
    steps = 0

    def forward(self, windows):
        self.steps += 1
        if self.steps == 4 and os.environ["RANK"] == "1":
            match os.environ["WAY"]:
                case "model":
                    raise KeyError("of the model")
                case "damage":
                    raise LongstrideError("chunk 7 is damaged", code="store-damaged")
                case "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(windows)


def model(settings, shape):
    return Failing(shape.channels, shape.output[1])


losses = 0


def loss(prediction, target):
    global losses
    losses += 1
    if losses == 5 and os.environ["RANK"] == "1" and os.environ["WAY"] == "bug":
        raise KeyError("of the user")
    return (prediction - target).abs()
"""
SCRIPT = """
import sys, longstride
sizes = {"window": 16, "stride": 4, "batch_size": 32, "device": "cpu"}
longstride.train(*sys.argv[1:], model="parts_of_a_user:model", loss="parts_of_a_user:loss", max_steps=9, **sizes)
"""
KEPT = ("SIGABRT", "terminate called", "pair.cc")


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts_of_a_user.py").write_text(PARTS)
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    monkeypatch.setenv("PYTHONPATH", path)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("way", "line"),
    [
        ("bug", "Error: process 1 of this training failed (KeyError: 'of the user')"),
        ("model", "KeyError: 'of the model' ("),
        ("damage", "Error: chunk 7 is damaged [store-damaged]"),
    ],
)
def test_the_command_says_which_rank_failed_and_why(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, line: str
) -> None:
    monkeypatch.setenv("WAY", way)
    own = ("--model=parts_of_a_user:model", "--loss=parts_of_a_user:loss", "--max-steps=9")
    _, errors = finish(start_training(store, tmp_path / "run", *own, num_ranks=2, torchrun=TORCHRUN), code=1)
    assert errors.count(line) == 1
    assert not any(text in errors for text in KEPT)


@pytest.mark.usefixtures("parts")
def test_a_script_ends_as_python_does(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAY", "bug")
    (tmp_path / "script.py").write_text(SCRIPT)
    launch = [sys.executable, *TORCHRUN, "--standalone", "--nproc-per-node=2"]
    command = [*launch, str(tmp_path / "script.py"), str(store), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert "KeyError: 'of the user'" in done.stderr
    assert "RunError: process 1 of this training failed (KeyError: 'of the user')" in done.stderr
    assert not any(text in done.stderr for text in KEPT)
    assert done.stderr.count("exitcode  : 1 ") == 2


LOST_TERMINAL = """
import os, threading, time
from longstride.trainer.engine.lost_ranks import end_by_errors_at_once

end_by_errors_at_once()
threading.Thread(target=time.sleep, args=(60,)).start()  # as a thread of gloo, which outlives what it was made for
print("unwritten", end="")
os.close(1)
raise KeyError("of the model")
"""


def test_a_lost_terminal_does_not_keep_a_rank_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    ended = subprocess.run([sys.executable, "-c", LOST_TERMINAL], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.rstrip().endswith("KeyError: 'of the model'")
