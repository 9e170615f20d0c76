"""Where a run may begin."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError
from longstride.trainer.loop import Training
from tests.helpers.errors import raises
from tests.helpers.runs.training import settings_for


def training(store: Path, out: Path, *, resume: bool = False, **changes: Any) -> Training:
    return Training(settings_for(store, out, **changes), Ranks(0, 1, torch.device("cpu")), resume=resume)


def test_a_run_without_a_step_is_begun_again(store: Path, tmp_path: Path) -> None:
    with raises("loss-not-finite"):
        training(store, tmp_path / "run", lr=1e30).run()
    assert (tmp_path / "run" / "diverged.json").exists()
    assert training(store, tmp_path / "run", max_steps=2).run().finished
    assert not (tmp_path / "run" / "diverged.json").exists()


@pytest.mark.parametrize("name", ["settings.json", "metrics.jsonl", "report.html", "tensorboard", "checkpoints"])
def test_files_of_others_are_not_overwritten(store: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text('{"mine": 1}\n')
    for resume in (False, True):
        with raises("path-taken", tmp_path / "run" / name, "--out", kind=RunError):
            training(store, tmp_path / "run", max_steps=2, resume=resume)
    assert (tmp_path / "run" / name).read_text() == '{"mine": 1}\n'


def test_files_of_others_that_are_in_no_ones_way_stay(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    own = tmp_path / "run" / ".report.html.123.tmp"
    others = [tmp_path / "run" / name for name in ("job.log", ".job.log.tmp", ".scores.parquet.7.tmp")]
    for path in (own, *others):
        path.write_text("of the queueing system")
    (tmp_path / "run" / ".folder.7.tmp").mkdir()
    assert training(store, tmp_path / "run", max_steps=2).run().finished
    assert all(path.exists() for path in others)
    assert not own.exists()  # of a training that was killed


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "report.html", "tensorboard", "checkpoints"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_nothing_is_written_through_a_run_of_a_stranger(store: Path, tmp_path: Path, name: str, kind: str) -> None:
    run = tmp_path / "run"
    training(store, run, max_steps=2).run()
    victim = tmp_path / "victim"
    if (run / name).is_dir():
        (run / name).rename(victim)
    else:
        (run / name).unlink(missing_ok=True)
        victim.write_text("precious")
    if kind == "link":
        (run / name).symlink_to(victim)
    else:
        os.mkfifo(run / name)
    before = sorted((path, path.stat().st_size) for path in [victim, *victim.rglob("*")])
    with raises("path-taken", run / name):
        training(store, run, resume=True, max_steps=2)
    assert sorted((path, path.stat().st_size) for path in [victim, *victim.rglob("*")]) == before


def test_a_run_does_not_lie_in_a_store(store: Path) -> None:
    with raises("path-taken", store / "run", store):
        training(store, store / "run", max_steps=2)
    assert not (store / "run").exists()


def test_a_file_is_no_directory_of_a_run(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with raises("path-taken", tmp_path / "run", kind=RunError):
        training(store, tmp_path / "run")
