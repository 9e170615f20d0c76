"""Checkpoints that are there whole or not at all.

checkpoints/step-000001200/state.pt     what `torch.save` makes of the state
checkpoints/step-000001200/complete     the marker, written last
"""

import io
import shutil
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from storage.durable import sync_directory, write_file
from trainer.errors import RunError

__all__ = ["load_checkpoint", "newest_checkpoint", "save_checkpoint"]

STATE_FILE = "state.pt"
MARKER_FILE = "complete"
UNFINISHED = ".unfinished"
MAX_KEPT = 2
"""The newest, and the one before in case the newest cannot be read."""


def save_checkpoint(directory: Path, step: int, state: dict[str, Any]) -> None:
    """Write the state reached after `step` steps, then remove all but the last two. For rank 0 alone.

    Everything is written to a folder that no reader looks at, made durable, and only then renamed.
    """
    target = directory / f"step-{step:09d}"
    if not _is_complete(target):
        unfinished = directory / UNFINISHED
        for leftover in (unfinished, target):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_file(unfinished / STATE_FILE, [buffer.getbuffer()])
        write_file(unfinished / MARKER_FILE, [])
        sync_directory(unfinished)
        unfinished.rename(target)
        sync_directory(directory)
    for old in _complete_ones(directory)[:-MAX_KEPT]:
        shutil.rmtree(old)


def newest_checkpoint(directory: Path) -> Path | None:
    """Return the complete checkpoint of the latest step, or None."""
    return next(reversed(_complete_ones(directory)), None)


def load_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """Read a state; its tensors are on the CPU. Raises RunError where the file is damaged."""
    try:
        state: dict[str, Any] = torch.load(checkpoint / STATE_FILE, map_location="cpu", weights_only=True)
    except (EOFError, RuntimeError, UnpicklingError) as error:
        raise RunError(f"{checkpoint} is damaged: remove that folder to go on from the one before") from error
    return state


def _complete_ones(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("step-*") if _is_complete(path))


def _is_complete(checkpoint: Path) -> bool:
    return (checkpoint / MARKER_FILE).exists()
