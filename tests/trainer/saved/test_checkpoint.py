from pathlib import Path
from unittest import mock

import pytest
import torch

from longstride.trainer.errors import RunError
from longstride.trainer.saved.checkpoint import (
    MARKER_FILE,
    STATE_FILE,
    best_checkpoint,
    load_checkpoint,
    mark_best,
    remove_old,
    save_checkpoint,
)
from tests.helpers.errors import raises
from tests.helpers.runs.training import newest_checkpoint


def steps_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("step-*"))


def test_comes_back_as_it_was_and_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in (9, 10, 100):
        save_checkpoint(tmp_path, step, {"weights": torch.full((3,), float(step)), "step": step})
        remove_old(tmp_path, keep=2)
    assert steps_in(tmp_path) == ["step-000000010", "step-000000100"]
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    state = load_checkpoint(newest)
    assert state["step"] == 100
    assert torch.equal(state["weights"], torch.full((3,), 100.0))


def test_without_its_marker_it_is_not_used(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, step, {"step": step})
    (tmp_path / "step-000000002" / MARKER_FILE).unlink()
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000000001"
    save_checkpoint(tmp_path, 2, {"step": "again"})
    assert load_checkpoint(tmp_path / "step-000000002") == {"step": "again"}


@pytest.mark.parametrize(
    "dies_at", ["torch.save", "longstride.trainer.saved.checkpoint.write_file", "pathlib.Path.rename"]
)
def test_a_kill_in_the_middle_leaves_the_one_before(tmp_path: Path, dies_at: str) -> None:
    save_checkpoint(tmp_path, 1, {"step": 1})
    with mock.patch(dies_at, side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, 2, {"step": 2})
    assert newest_checkpoint(tmp_path) == tmp_path / "step-000000001"
    save_checkpoint(tmp_path, 3, {"step": 3})
    assert steps_in(tmp_path) == ["step-000000001", "step-000000003"]


def test_the_best_is_kept(tmp_path: Path) -> None:
    assert best_checkpoint(tmp_path) is None
    for step in (1, 2, 3, 4):
        save_checkpoint(tmp_path, step, {"step": step})
        if step in (1, 3):
            mark_best(tmp_path, step)
        remove_old(tmp_path, keep=1)
    assert best_checkpoint(tmp_path) == tmp_path / "step-000000003"
    assert steps_in(tmp_path) == ["step-000000003", "step-000000004"]


def test_a_directory_without_any_has_none(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "absent") is None


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, {"step": 1})
    (tmp_path / "step-000000001" / STATE_FILE).write_bytes(b"not what torch wrote")
    with raises("checkpoint-damaged", "step-000000001", kind=RunError):
        load_checkpoint(tmp_path / "step-000000001")
