"""Scores in a file that still hold after rows were appended to their store."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData
from longstride.trainer.errors import ScoresError
from longstride.trainer.scoring.rows.earlier import Facts, differences, first_changed
from longstride.trainer.scoring.rows.ranges import Ranges, clipped, num_rows
from longstride.trainer.scoring.score_reader import Scores, read_earlier

__all__ = ["KeptScores", "kept_scores"]


@dataclass(frozen=True)
class KeptScores:
    """Scores that are there and still hold."""

    rows: int = 0
    """How many; they are the first of the file."""
    stop: int = 0
    """The first row of the store whose score may differ."""
    covered: int = 0
    alarms: int = 0
    file: tuple[int, int, int] | None = None
    """What tells the file from another in its place."""

    def check_unchanged(self, out: Path) -> None:
        """Raise LongstrideError where another process has written the file since."""
        if self.file is not None and self.file != _identity(out):
            raise LongstrideError(
                f"{out} was written by another process in the meantime: run the command again",
                code="output-locked",
            )


def _identity(out: Path) -> tuple[int, int, int] | None:
    if not out.exists():
        return None
    found = out.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def kept_scores(out: Path, store: SeriesData, facts: Facts, rows: Ranges, window: int) -> KeptScores:
    """Those of a file that hold for some rows of a store. Raises ScoresError for scores of another job."""
    identity = _identity(out)
    there = read_earlier(Path(os.path.realpath(out)), store)
    stop = _first_to_score(out, there, store, facts, rows, window)
    scores = there.scores[:stop]
    return KeptScores(
        rows=num_rows(clipped(rows, 0, stop)),
        stop=stop,
        covered=int((~np.isnan(scores)).sum()),
        alarms=int((scores > there.about["threshold"]).sum()),
        file=identity,
    )


def _first_to_score(out: Path, there: Scores, store: SeriesData, facts: Facts, rows: Ranges, window: int) -> int:
    """The first row whose score is not there, or may have changed.

    Raises ScoresError for scores of another job.
    """
    remedy = "give another --out, or --overwrite to score all rows again"
    made_by, of_store = there.about.get("made_by"), there.about.get("store")
    if not isinstance(made_by, dict) or not isinstance(of_store, dict):
        raise ScoresError(
            f"{out} does not say what its scores were made by, as an older version wrote it: {remedy}",
            code="scores-differ",
        )
    if different := differences(made_by, facts):
        raise ScoresError(
            f"{out} has scores that were made in another way ({'; '.join(different)}): {remedy}",
            code="scores-differ",
        )
    try:
        stop = first_changed(of_store, store, window)
    except (KeyError, TypeError, ValueError, IndexError):
        stop = None
    if stop is None or not np.array_equal(clipped(there.rows, 0, stop), clipped(rows, 0, stop)):
        raise ScoresError(
            f"{out} has scores of other rows than those that {store.name} begins with: it is another store, or "
            f"was made again since; {remedy}",
            code="scores-differ",
        )
    return stop
