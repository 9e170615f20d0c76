"""The run directory: its files, and whether a run may begin or resume there.

settings.json          the resolved settings
metrics.jsonl          a line for each interval and each validation, and at last a summary
tensorboard/           the same figures as curves
checkpoints/           the last states, and the best
diverged.json          the windows of a batch whose loss was not a finite number
reconstruction.png     a window of the validation split and what is predicted of it
calibration.pt         the errors of normal rows
report.html            the result of the run: figures, curves, windows, settings
.lock                  locked while a training runs here
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from longstride.storage.atomic import write_file
from longstride.trainer.checks import shown
from longstride.trainer.errors import RunError
from longstride.trainer.saved.checkpoint import Checkpoint, all_checkpoints, first_whole
from longstride.trainer.saved.run_folder import check_run_folder
from longstride.trainer.saved.run_settings import (
    CHECKPOINTS,
    SETTINGS_FILE,
    has_settings,
    settings_of,
    write_settings,
)
from longstride.trainer.saved.series_index import has_index
from longstride.trainer.saved.training_lock import LOCK, RunLock
from longstride.trainer.settings import Settings

__all__ = ["CALIBRATION_FILE", "RunDirectory"]

CALIBRATION_FILE = "calibration.pt"


class RunDirectory:
    """One run on disk; only rank 0 uses it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.settings = self.path / SETTINGS_FILE
        self.metrics = self.path / "metrics.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.checkpoints = self.path / CHECKPOINTS
        self.picture = self.path / "reconstruction.png"
        self.report = self.path / "report.html"
        self.calibration = self.path / CALIBRATION_FILE
        self.diverged = self.path / "diverged.json"
        self._files = [self.settings, self.metrics, self.picture, self.report, self.diverged, self.calibration]

    def check(self) -> None:
        """Raise RunError where there is a file or a store, or files of others that a run would overwrite.

        Other files may be there: a queueing system may write its log into the folder.
        """
        folders = [self.tensorboard, self.checkpoints]
        check_run_folder(self.path, [self.path / LOCK, *self._files], folders)
        if has_index(self.path):
            raise RunError(
                f"{self.path} holds a model for each series: add --per-series, or give another --out",
                code="run-exists",
            )
        taken = [own for own in (*self._files, *folders) if own.exists()]
        if taken and not has_settings(self.path) and not all_checkpoints(self.checkpoints):
            raise RunError(
                f"{taken[0]} is there and not of a run: give another folder by --out", code="path-taken"
            )

    def open(self, settings: Settings, fingerprint: str, *, resume: bool) -> Checkpoint | None:
        """Write the settings, and return the checkpoint to resume from, or None to begin.

        `fingerprint` is that of the training loader. Raises RunError where there is a run and `resume` is False,
        where the run has other settings or other data, where it is still in progress, and as `check`.
        """
        self.check()
        self._lock = RunLock(self.path, self._files)
        self._new = [path for path in (self.settings, self.metrics, self.tensorboard) if not path.exists()]
        try:
            return self._open(settings, fingerprint, resume)
        except BaseException:
            self.withdraw()
            raise

    def release(self) -> None:
        """Let another training use the directory; the end of the process does so as well."""
        self._lock.release()

    def withdraw(self) -> None:
        """Release a directory in which nothing was trained, as it was before."""
        for path in self._new:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._lock.withdraw()

    def write_diverged(self, epoch: int, step: int, starts: Sequence[int | str]) -> None:
        """Keep the first rows of the windows of a batch whose loss was not a finite number."""
        write_file(self.diverged, [json.dumps({"epoch": epoch, "step": step, "starts": starts}).encode()])

    def _open(self, settings: Settings, fingerprint: str, resume: bool) -> Checkpoint | None:
        checkpoints = all_checkpoints(self.checkpoints)
        if not resume and (checkpoints or (self.metrics.exists() and self.metrics.stat().st_size)):
            raise RunError(
                f"{self.path} holds a run: add --resume to resume it, or give another --out", code="run-exists"
            )
        newest = None
        if checkpoints:
            newest = first_whole(checkpoints, self.path)
            self._check_settings(settings, newest)
            if newest.state.get("fingerprint") != fingerprint:
                raise self._other_data(settings, newest, fingerprint)
            for damaged in newest.damaged:  # their steps are taken again
                shutil.rmtree(damaged)
        else:
            self.diverged.unlink(missing_ok=True)  # of a run that took no step
        write_settings(self.path, settings)
        return newest

    def _other_data(self, settings: Settings, newest: Checkpoint, fingerprint: str) -> RunError:
        before, now = settings_of(self.path, newest)[0].data.stores, settings.data.stores
        if before != now and sorted(before) == sorted(now):
            return RunError(
                f"{self.path} was begun with the stores in another order: give {', '.join(before)}, in this "
                "order, to resume it, or another --out to begin a new run",
                code="run-differs",
            )
        then = str(newest.state.get("fingerprint"))
        return RunError(
            f"{newest.path} was trained on other data than {', '.join(now)} now serves "
            f"(fingerprint {then[:12]}, now {fingerprint[:12]}): "
            "give the store of that run, or begin a new run with another --out",
            code="run-differs",
        )

    def _check_settings(self, settings: Settings, newest: Checkpoint) -> None:
        saved, _ = settings_of(self.path, newest)  # only compared: nothing that they name is imported
        begun, now = saved.that_shape_the_curve(), settings.that_shape_the_curve()
        differing = [
            f"{flag} {shown(begun[flag])} (now {shown(now.get(flag))})"
            for flag in begun
            if begun[flag] != now.get(flag)
        ]
        if differing:
            raise RunError(
                f"{self.path} was begun with {', '.join(differing)}: "
                "give the same to resume it, or another --out to begin a new run",
                code="run-differs",
            )
