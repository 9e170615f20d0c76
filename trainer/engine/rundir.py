"""The run directory: its files, and whether a run may begin or resume there.

settings.json          the resolved settings
metrics.jsonl          a line for each interval and each validation, and at last a summary
tensorboard/           the same figures as curves
checkpoints/           the last states, and the best
diverged.json          the windows of a batch whose loss was not a finite number
reconstruction.png     a window of the validation split and its reconstruction
report.html            the result of the run: figures, curves, windows, settings
.lock                  locked while a training runs here
"""

import fcntl
import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from longstride.storage.atomic import make_directory, write_file
from longstride.storage.format import ROOT
from longstride.trainer.engine.checkpoint import complete_checkpoints, load_checkpoint
from longstride.trainer.engine.metrics import read_metrics
from longstride.trainer.errors import RunError
from longstride.trainer.settings import Settings

__all__ = ["RunDirectory"]

logger = logging.getLogger(__name__)


class RunDirectory:
    """One run on disk; only rank 0 uses it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings = self.path / "settings.json"
        self.metrics = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.checkpoints = self.path / "checkpoints"
        self.picture = self.path / "reconstruction.png"
        self.report = self.path / "report.html"
        self.diverged = self.path / "diverged.json"

    def open(self, settings: Settings, fingerprint: str, *, resume: bool) -> dict[str, Any] | None:
        """Write the settings, and return the state to resume from, or None to begin.

        `fingerprint` is that of the training loader. Raises RunError where there is a run and `resume` is False,
        where the run has other settings or other data, where it is still in progress, and where there is a store.
        """
        if (self.path / ROOT).exists():
            raise RunError(f"{self.path} is a store: give a folder for the run", code="path-taken")
        make_directory(self.path)
        self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 (held until `release`)
        try:
            return self._open(settings, fingerprint, resume)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let another training use the directory; the end of the process does so as well."""
        self._lock.close()

    def write_diverged(self, epoch: int, step: int, starts: list[int]) -> None:
        """Keep the first rows of the windows of a batch whose loss was not a finite number."""
        write_file(self.diverged, [json.dumps({"epoch": epoch, "step": step, "starts": starts}).encode()])

    def _open(self, settings: Settings, fingerprint: str, resume: bool) -> dict[str, Any] | None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another training uses {self.path}: wait for it to end, or stop it", code="run-locked"
            ) from None
        has_begun = bool(complete_checkpoints(self.checkpoints))
        if not resume and (has_begun or read_metrics(self.metrics)):
            raise RunError(
                f"{self.path} holds a run: add --resume to resume it, or give another --out", code="run-exists"
            )
        state = None
        if has_begun:
            self._check_settings(settings)
            newest, state = self._newest_valid()
            if state["fingerprint"] != fingerprint:
                raise RunError(
                    f"{newest} was trained on other data than {settings.data.store} now serves "
                    f"(fingerprint {state['fingerprint'][:12]}, now {fingerprint[:12]}): "
                    "give the store of that run, or begin a new run with another --out",
                    code="run-differs",
                )
        write_file(self.settings, [json.dumps(settings.as_json(), indent=1).encode()])
        return state

    def _newest_valid(self) -> tuple[Path, dict[str, Any]]:
        """The newest checkpoint that can be read; damaged ones after it are removed, and trained again."""
        damaged = []
        for checkpoint in complete_checkpoints(self.checkpoints):
            try:
                state = load_checkpoint(checkpoint)
            except RunError:
                damaged.append(checkpoint)
                continue
            for other in damaged:
                logger.warning(f"{other} is damaged: resuming from {checkpoint.name}")
                shutil.rmtree(other)
            return checkpoint, state
        raise RunError(
            f"{damaged[0]} is damaged, and there is no other: remove {self.path} to begin again",
            code="checkpoint-damaged",
        )

    def _check_settings(self, settings: Settings) -> None:
        begun = Settings.from_json(json.loads(self.settings.read_text(encoding="utf-8"))).that_shape_the_curve()
        now = settings.that_shape_the_curve()
        differing = [f"{flag} {begun[flag]} (now {now[flag]})" for flag in begun if begun[flag] != now[flag]]
        if differing:
            raise RunError(
                f"{self.path} was begun with {', '.join(differing)}: "
                "give the same to resume it, or another --out to begin a new run",
                code="run-differs",
            )
