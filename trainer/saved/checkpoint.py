"""Checkpoints that are complete or absent, whenever a process is killed.

checkpoints/step-000001200/state.pt     the state, written by `torch.save`
checkpoints/step-000001200/complete     the marker, written last: size and CRC-32C of the state
checkpoints/best                        a link to the one with the smallest validation loss
"""

import hashlib
import io
import json
import logging
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import torch

from longstride.storage.atomic import sync_directory, write_file
from longstride.storage.errors import LongstrideError
from longstride.storage.places.files import read_file
from longstride.storage.places.object_answers import PlaceError
from longstride.trainer.errors import RunError
from longstride.trainer.plain import is_plain

__all__ = [
    "Checkpoint",
    "all_checkpoints",
    "best_checkpoint",
    "best_first",
    "complete_checkpoints",
    "first_whole",
    "fitting",
    "judged_weights",
    "load_checkpoint",
    "mark_best",
    "remove_old",
    "save_checkpoint",
    "state_digest",
    "unpack_state",
]

STATE_FILE = "state.pt"
MARKER_FILE = "complete"
UNFINISHED = ".unfinished"
BEST = "best"
MAX_STATE_BYTES = 2**36
"""Far more than a checkpoint that was made in memory."""
MAX_SHOWN = 300
"""Characters of an error of torch."""

logger = logging.getLogger(__name__)


class Checkpoint(NamedTuple):
    """A checkpoint that was read."""

    path: Path
    state: dict[str, Any]
    damaged: tuple[Path, ...]
    """Those that were tried before it."""


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
        data = buffer.getvalue()
        write_file(unfinished / STATE_FILE, [data])
        write_file(unfinished / MARKER_FILE, [json.dumps({STATE_FILE: _sum_of(data)}).encode()])
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
    if (directory / BEST).is_dir() and not (directory / BEST).is_symlink():
        shutil.rmtree(directory / BEST)
    link.replace(directory / BEST)
    sync_directory(directory)


def complete_checkpoints(directory: Path) -> list[Path]:
    """The complete ones, the newest first."""
    return sorted((path for path in directory.glob("step-*") if _is_complete(path)), reverse=True)


def best_checkpoint(directory: Path) -> Path | None:
    """The one that is marked as best, or None."""
    link = directory / BEST
    return directory / link.readlink() if link.is_symlink() and _is_complete(link) else None


def all_checkpoints(directory: Path) -> list[Path]:
    """All that are there, whole or not, the newest first."""
    return sorted(directory.glob("step-*"), reverse=True)


def best_first(directory: Path) -> list[Path]:
    """All that are there: the one that is marked as best, then the others, the newest first."""
    link, others = directory / BEST, all_checkpoints(directory)
    if not link.is_symlink():
        return [link, *others] if link.is_dir() else others  # some programs copy what a link leads to
    best = directory / link.readlink()
    return [best, *(other for other in others if other != best)]


def first_whole(checkpoints: Iterable[Path], run: Path) -> Checkpoint:
    """The first of several checkpoints of a run that is whole, with a warning where it is not the first.

    Raises RunError where none is.
    """
    damaged: list[Path] = []
    fault = ""
    for checkpoint in checkpoints:
        try:
            state = load_checkpoint(checkpoint)
        except RunError as error:
            damaged.append(checkpoint)
            fault = fault or str(error)
            continue
        if damaged:
            logger.warning(f"{fault}: {checkpoint.name} is used instead")
        return Checkpoint(checkpoint, state, tuple(damaged))
    raise RunError(
        f"{fault}, and {run} has no other checkpoint that is whole: restore it from a backup, or train again",
        code="checkpoint-damaged",
    )


def load_checkpoint(checkpoint: Path) -> dict[str, Any]:
    """Read a state; its tensors are on the CPU. Raises RunError where a file of it is missing or damaged."""
    try:
        data = read_file(checkpoint / STATE_FILE, max_bytes=MAX_STATE_BYTES)
        marker = read_file(checkpoint / MARKER_FILE)
    except PermissionError:
        raise  # it may well be whole
    except OSError as error:
        raise _damaged(checkpoint, f"{error.filename}: {error.strerror}") from error
    except PlaceError as error:
        raise _damaged(checkpoint, str(error)) from error
    if marker:  # one that an older version wrote is empty
        try:
            expected = json.loads(marker)[STATE_FILE]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _damaged(checkpoint, f"its file {MARKER_FILE} is not as it was written") from error
        if (found := _sum_of(data)) != expected:
            raise _damaged(checkpoint, f"{STATE_FILE} has {_shown(found)}, expected {_shown(expected)}")
    try:
        return unpack_state(data)
    except ValueError as error:
        raise _damaged(checkpoint, f"{STATE_FILE} {error}") from error


def unpack_state(data: bytes) -> dict[str, Any]:
    """A state of which `torch.save` made bytes, perhaps a stranger's. Raises ValueError for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as records:  # torch compresses none, but would unpack any
            is_packed = any(record.compress_type != zipfile.ZIP_STORED for record in records.infolist())
        state = None if is_packed else torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of whatever kind the damage leads to
        raise ValueError("cannot be read") from error
    if not isinstance(state, dict) or not is_plain(state):
        raise ValueError("holds no state")
    return state


def state_digest(checkpoint: Path) -> str:
    """SHA-256 of the file of a state."""
    return hashlib.sha256((checkpoint / STATE_FILE).read_bytes()).hexdigest()


def judged_weights(state: dict[str, Any]) -> dict[str, Any]:
    """The weights of a state that count: their average, where the run kept one."""
    weights: dict[str, Any] = state["model"]
    average = state["average"]
    return weights if average is None else {name: average[f"module.{name}"] for name in weights}


@contextmanager
def fitting(checkpoint: Path) -> Iterator[None]:
    """Raise RunError where what takes over a state finds other things in it than it needs."""
    try:
        yield
    except LongstrideError:
        raise
    except (AttributeError, KeyError, IndexError, RuntimeError, TypeError, ValueError) as error:
        found = " ".join(f"{type(error).__name__}: {error}".split())[:MAX_SHOWN]
        raise RunError(
            f"{checkpoint} does not fit the model and the settings, or an older version did not notice that it "
            f"was damaged ({found}): use the code that it was trained with, or train again",
            code="run-differs",
        ) from error


def _sum_of(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "crc32c": f"{google_crc32c.value(data):08x}"}


def _shown(figures: object) -> str:
    return str(figures).replace("'", "").strip("{}")


def _damaged(checkpoint: Path, fault: str) -> RunError:
    return RunError(f"{checkpoint} is damaged ({fault})", code="checkpoint-damaged")


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _is_complete(checkpoint: Path) -> bool:
    return (checkpoint / MARKER_FILE).exists()
