"""Checkpoints that are complete or absent, whenever a process is killed.

checkpoints/step-000001200/state.pt     the state, written by `torch.save`
checkpoints/step-000001200/complete     the marker, written last
checkpoints/best                        a link to the one with the smallest validation loss
"""

import io
import shutil
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from longstride.storage.atomic import sync_directory, write_file
from longstride.trainer.errors import RunError

__all__ = [
    "best_checkpoint",
    "complete_checkpoints",
    "load_checkpoint",
    "mark_best",
    "remove_old",
    "save_checkpoint",
]

STATE_FILE = "state.pt"
MARKER_FILE = "complete"
UNFINISHED = ".unfinished"
BEST = "best"


def save_checkpoint(directory: Path, step: int, state: dict[str, Any]) -> None:
    """Write the state reached after `step` steps; only rank 0 may write here.

    Everything is written to a folder that no reader looks at, synced to the disk, and only then renamed.
    """
    target = directory / _name(step)
    if not _is_complete(target):
        unfinished = directory / UNFINISHED
        for leftover in (unfinished, target):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with buffer.getbuffer() as data:
            write_file(unfinished / STATE_FILE, [data])
        write_file(unfinished / MARKER_FILE, [])
        sync_directory(unfinished)
        unfinished.rename(target)
        sync_directory(directory)


def remove_old(directory: Path, keep: int) -> None:
    """Remove all but the last `keep` and the best."""
    best = best_checkpoint(directory)
    for old in complete_checkpoints(directory)[keep:]:
        if old != best:
            shutil.rmtree(old)


def mark_best(directory: Path, step: int) -> None:
    """Keep the checkpoint of this step, which must exist, until another is marked."""
    link = directory / (BEST + UNFINISHED)
    link.unlink(missing_ok=True)
    link.symlink_to(_name(step))
    link.replace(directory / BEST)
    sync_directory(directory)


def complete_checkpoints(directory: Path) -> list[Path]:
    """The complete ones, the newest first."""
    return sorted((path for path in directory.glob("step-*") if _is_complete(path)), reverse=True)


def best_checkpoint(directory: Path) -> Path | None:
    """The one that is marked as best, or None."""
    link = directory / BEST
    return directory / link.readlink() if link.is_symlink() and _is_complete(link) else None


def load_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """Read a state; its tensors are on the CPU. Raises RunError where the file is damaged."""
    try:
        state: dict[str, Any] = torch.load(checkpoint / STATE_FILE, map_location="cpu", weights_only=True)
    except (EOFError, RuntimeError, UnpicklingError) as error:
        raise RunError(f"{checkpoint} is damaged", code="checkpoint-damaged") from error
    return state


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _is_complete(checkpoint: Path) -> bool:
    return (checkpoint / MARKER_FILE).exists()
