"""A run directory with a model for each series: an index, and below it an ordinary run directory for each.

series.json                  the store, the folder of each series, and the series that have no model
series/000017-pump-7/        a run directory, as `rundir` describes it
report.html                  one report for all
.lock                        locked while a training runs here
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from longstride.storage.atomic import write_file
from longstride.storage.places.files import read_file
from longstride.storage.places.object_answers import PlaceError
from longstride.trainer.errors import RunError
from longstride.trainer.saved.checkpoint import all_checkpoints
from longstride.trainer.saved.run_folder import check_run_folder
from longstride.trainer.saved.run_settings import CHECKPOINTS, SETTINGS_FILE
from longstride.trainer.saved.training_lock import LOCK, RunLock

__all__ = [
    "INDEX_FILE",
    "LACKING",
    "SeriesDirectory",
    "SeriesIndex",
    "folders_for",
    "has_index",
    "read_index",
    "takes_one_model",
]

INDEX_FILE = "series.json"
FOLDER = "series"
MAX_BYTES = 2**30
MAX_NAME = 40
"""Characters of a name in a folder; its number tells series apart."""
LACKING = ("calibration-missing", "checkpoint-missing", "no-normal-rows", "run-missing")
"""Codes of what one series may lack, where the others can be calibrated and scored."""
OWN_FOLDER = re.compile(rf"{FOLDER}/[0-9]{{6,}}(-[A-Za-z0-9_-][A-Za-z0-9._-]*)?")


@dataclass(frozen=True, kw_only=True)
class SeriesIndex:
    """Which series have a model, and where."""

    of: str
    """What the store or array was called."""
    fingerprint: str
    """Of its values, and of the names of its series."""
    folders: dict[str, str]
    """Folder of each series below the run directory, by name."""
    skipped: dict[str, str]
    """Why the other series have no model, by name."""

    def check(self) -> None:
        """Raise ValueError for what no training wrote; a folder elsewhere would be a stranger's."""
        if not (isinstance(self.of, str) and isinstance(self.fingerprint, str)):
            raise ValueError("the store is not a text")
        for names in (self.folders, self.skipped):
            if not isinstance(names, dict) or not all(isinstance(text, str) for text in names.values()):
                raise ValueError("folders and reasons are not texts")
        if wrong := [folder for folder in self.folders.values() if not OWN_FOLDER.fullmatch(folder)]:
            raise ValueError(f"{wrong[0]!r} is not a folder of a series")
        if len(set(self.folders.values())) < len(self.folders) or self.folders.keys() & self.skipped.keys():
            raise ValueError("two series have one folder, or one is skipped as well")


def folders_for(names: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """A folder for each name: that which it has already, or a new one that no other has.

    A name may hold a slash, be as long as it likes, or differ from another in case alone: the number tells folders
    apart, and the name is there for people.
    """
    number = max((int(folder[len(FOLDER) + 1 :].split("-")[0]) for folder in known.values()), default=-1) + 1
    folders = {}
    for name in names:
        if name in known:
            folders[name] = known[name]
            continue
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:MAX_NAME].lstrip(".")
        folders[name] = f"{FOLDER}/{number:06d}" + (f"-{readable}" if readable else "")
        number += 1
    return folders


def has_index(run: Path) -> bool:
    """Whether a folder is a run directory with a model for each series."""
    return (run / INDEX_FILE).exists()


def read_index(run: Path) -> SeriesIndex:
    """The index. Raises RunError where it is damaged."""
    path = run / INDEX_FILE
    try:
        found = json.loads(read_file(path, max_bytes=MAX_BYTES))
        index = SeriesIndex(**found)
        index.check()
    except (ValueError, TypeError, RecursionError, PlaceError) as error:
        fault = " ".join(str(error).split())[:200]
        raise RunError(
            f"{path} is damaged ({fault}): restore it from a backup, or train again", code="run-damaged"
        ) from error
    return index


def takes_one_model(run: Path) -> RunError:
    """The error for a run with a model for each series, where one model is asked for."""
    folder = next(iter(read_index(run).folders.values()), FOLDER)
    return RunError(
        f"{run} has a model for each series: give the folder of one of them, such as {run / folder}",
        code="run-of-series",
    )


class SeriesDirectory:
    """The run directory while a training runs; only rank 0 uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.report = path / "report.html"
        self._before: bytes | None = None
        """The index of a run that is resumed."""

    def open(self, index: SeriesIndex, *, resume: bool) -> SeriesIndex:
        """Lock the directory and write the index; returns it with the folders that series have already.

        Raises RunError where there is a run and `resume` is False, where it is an ordinary one, of another store
        or in use, and where there is a file or a store.
        """
        files = [self.path / INDEX_FILE, self.path / LOCK, self.report]
        check_run_folder(self.path, files, [self.path / FOLDER])
        if (self.path / SETTINGS_FILE).exists() or all_checkpoints(self.path / CHECKPOINTS):
            raise RunError(
                f"{self.path} holds a run of one model: leave out --per-series, or give another --out",
                code="run-exists",
            )
        self._lock = RunLock(self.path, [self.path / INDEX_FILE, self.report])
        self._begun = self._folders()
        try:
            return self._open(index, resume=resume)
        except BaseException:
            self._lock.withdraw()
            raise

    def release(self) -> None:
        """Let another training use the directory; the end of the process does so as well."""
        self._lock.release()

    def withdraw(self) -> None:
        """Release the directory where a series was refused; if none has been begun, leave it as it was before."""
        path = self.path / INDEX_FILE
        if self._folders() != self._begun:
            self.release()
            return
        if self._before is None:
            path.unlink(missing_ok=True)
        else:
            write_file(path, [self._before])
        self._lock.withdraw()

    def _folders(self) -> set[Path]:
        return set((self.path / FOLDER).glob("*"))

    def _open(self, index: SeriesIndex, *, resume: bool) -> SeriesIndex:
        known: dict[str, str] = {}
        if has_index(self.path):
            if not resume:
                raise RunError(
                    f"{self.path} holds a model for each series: add --resume to resume it, or give another --out",
                    code="run-exists",
                )
            before = read_index(self.path)
            self._before = (self.path / INDEX_FILE).read_bytes()
            if before.fingerprint != index.fingerprint:
                raise RunError(
                    f"{self.path} was begun on other values or series, those of {before.of}, than {index.of} now "
                    "has: give what it was begun on as it was, and several stores in the same order, or begin a "
                    "new run with another --out",
                    code="run-differs",
                )
            known = before.folders
        elif (self.path / FOLDER).exists():
            raise RunError(
                f"{self.path / FOLDER} is there and not of a run: give another folder by --out", code="path-taken"
            )
        index = SeriesIndex(**{**asdict(index), "folders": folders_for(index.folders, known)})
        write_file(self.path / INDEX_FILE, [json.dumps(asdict(index), indent=1).encode()])
        return index
