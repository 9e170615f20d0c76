"""`longstride.score`: how badly a trained model reconstructs each row, compared with normal rows.

Each rank scores rows of its own, from the windows that cover them, and holds no more of them than a batch spans.
"""

import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.open_data import opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import name_of
from longstride.storage.writing.output import check_output
from longstride.trainer.engine.distributed import Ranks, start_ranks
from longstride.trainer.engine.verify import verify_data
from longstride.trainer.errors import ScoresError, SettingsError
from longstride.trainer.scoring.events import events_of, write_events
from longstride.trainer.scoring.judges.ensemble import judges_of
from longstride.trainer.scoring.judges.judge import Judges, scores_by
from longstride.trainer.scoring.rows.earlier import Facts, facts_of
from longstride.trainer.scoring.rows.kept import KeptScores, kept_scores
from longstride.trainer.scoring.rows.ranges import Ranges, chosen_rows, clipped, num_rows, share
from longstride.trainer.scoring.score_file import ScoreFile
from longstride.trainer.scoring.score_reader import read_scores
from longstride.trainer.scoring.scorer import doubt_of
from longstride.trainer.scoring.settings import ScoreOptions

__all__ = ["ScoreResult", "score"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """The result of scoring a store."""

    out: str
    """Path of the file of scores, for `longstride.evaluate`."""
    rows: int
    scored: int
    """Those whose scores were computed now; the others were there."""
    covered: int
    """Rows that have a score: a window covers them, and one of their values is present."""
    checkpoint: str
    normal_rows: int
    """Normal rows of the calibration, whose errors the others are compared with."""
    independent_rows: int
    """As how many independent rows their highest scores count: rows that follow each other are alike."""
    threshold: float
    """The share `alarms` of the normal rows has a score above it."""
    alarms: int
    """Rows that score above it."""
    was_there: bool = False
    """Whether this very file had been written before: nothing was done now."""

    def __str__(self) -> str:
        new = f" ({self.scored:,} now)" if 0 < self.scored < self.rows else ""
        there = "; it was there already: nothing was done" if self.was_there else ""
        without = f"{self.rows - self.covered:,} of them without a score"
        return (
            f"{self.out}: {self.rows:,} rows scored by {self.checkpoint}{new}, {without}; "
            f"compared with {self.normal_rows:,} normal rows; threshold {self.threshold:.4g}, "
            f"{self.alarms:,} rows above it{there}"
        )

    def _repr_html_(self) -> str:
        rows = {
            "rows": self.rows,
            "without a score": self.rows - self.covered,
            "normal rows": self.normal_rows,
            "threshold": self.threshold,
            "rows above it": self.alarms,
            "checkpoint": self.checkpoint,
        }
        return html_table(self.out, [], rows.items())


@coded
@keywords_of(ScoreOptions, SettingsError)
def score(options: ScoreOptions) -> ScoreResult:
    """Score every row of a store or array by the model of a run, or by those of several runs together.

    Writes a Parquet file with a line for each row.

    Columns are `time` (UTC), `series`, `score`, `alarm` (whether it is above the threshold), and `error.` of each
    channel: its squared error, averaged over the windows that cover the row, as the number of standard
    deviations from the mean error of normal rows that are covered in the same way. Normal rows are those of the
    run's calibration: no other store is opened. A score is 0 for the median of normal rows, and one in a hundred
    of them scores above 1. It is NaN in a row that no window covers.

    With `update`, rows that were appended to the store since `out` was written are scored into it; it then equals
    a file of all rows scored at once. Scores of another job are not touched.

    Works in a script, in a notebook, and under torchrun, where each process calls it, scores rows of its own, and
    gets the same result: the same, to rounding, for any number of processes and any batch size. Scores that `out`
    holds already, of the same rows of stores and by the same model and options, are not computed again.

    Raises SettingsError for an option that cannot work or a model that is not trusted, ScoresError for rows that
    are not there and for an update of other scores, RunError where run and
    store do not fit, a file of the run is damaged or it has no calibration of this model, StoreError for a store
    that cannot be read or is damaged, LongstrideError where `out` cannot be written.
    """
    with start_ranks(options.device) as ranks:
        return _score(options, ranks)


def _score(options: ScoreOptions, ranks: Ranks) -> ScoreResult:
    out = local_path(options.out)
    # Whether a file is there that may not be replaced is seen when it is known what is to be written.
    ranks.on_first(lambda: check_output(out, overwrite=True))
    store = ranks.together(lambda: opened_data(options.store))
    judges = judges_of(options.runs, ranks, store, options)
    rows = ranks.together(lambda: chosen_rows(store, rows=options.rows, since=options.since))
    facts = ranks.on_first(lambda: facts_of(store, judges.made_by(), options))
    job = ranks.on_first(lambda: _job_of(store, judges, options))
    done = None if options.overwrite else ranks.on_first(lambda: _scored_already(out, store, job))
    if done is not None:
        if options.events is not None:
            ranks.on_first(lambda: _write_events(out, store, judges, options))
        return done
    replaces = options.overwrite or options.update
    kept = ranks.on_first(lambda: _kept(out, store, facts, rows, int(judges.windows.max()), options))
    ranks.on_first(lambda: check_output(out, overwrite=replaces))
    if options.events is not None:
        ranks.on_first(lambda: check_output(local_path(options.events or ""), overwrite=replaces))
    if options.verify:
        verify_data(store, ranks)
    normal, channels = judges.normal, len(judges.channels)
    with ScoreFile(out, ranks, store, judges.channels, rows=rows, raw=options.raw, overwrite=replaces) as file:
        ranks.on_first(lambda: kept.check_unchanged(out))
        if ranks.is_first and (doubt := doubt_of(normal.rows, normal.independent_rows, options)):
            logger.warning(doubt)
        file.num_kept = kept.rows
        file.about = {
            "run": ", ".join(map(str, options.runs)),
            "checkpoint": judges.checkpoint,
            "model": judges.model,
            "window": int(judges.windows.max()),
            "windows": judges.windows.tolist(),
            "stride": judges.stride,
            "alarms": options.alarms,
            "threshold": normal.threshold,
            "normal_rows": normal.rows,
            "independent_rows": normal.independent_rows,
            "job": job,
            "made_by": facts.made_by,
            "store": facts.store,
        }

        def score_rows(begin: int, stop: int) -> tuple[int, int, int]:
            found = covered = alarms = 0
            for first, last, judge in judges.parts(begin, stop):
                for scores, *errors in scores_by(judge, channels, store, first, last, options):
                    is_alarm = scores > normal.threshold
                    file.write(first, scores, is_alarm, *errors)
                    first += len(scores)
                    found += len(scores)
                    covered += int((~np.isnan(scores)).sum())
                    alarms += int(is_alarm.sum())
            return found, covered, alarms

        mine = share(clipped(rows, kept.stop, store.num_rows), ranks.rank, ranks.world_size)
        counts = ranks.together(lambda: [score_rows(*one) for one in mine.tolist()])
    if options.events is not None:
        ranks.on_first(lambda: _write_events(out, store, judges, options))
    scored, reached, above = ranks.sum(*(sum(one) for one in zip(*counts, (0, 0, 0), strict=True)))
    return ScoreResult(
        out=str(out),
        rows=num_rows(rows),
        scored=int(scored),
        covered=int(reached) + kept.covered,
        checkpoint=judges.checkpoint,
        normal_rows=normal.rows,
        independent_rows=normal.independent_rows,
        threshold=normal.threshold,
        alarms=int(above) + kept.alarms,
    )


def _kept(
    out: Path, store: SeriesData, facts: Facts, rows: Ranges, window: int, options: ScoreOptions
) -> KeptScores:
    """What is kept of scores that are there.

    Raises ScoresError where an update meets other scores, and LongstrideError where an update was not asked for.
    """
    if options.overwrite or not out.exists():
        return KeptScores()
    try:
        kept = kept_scores(out, store, facts, rows, window)
    except ScoresError:
        if options.update:
            raise
        return KeptScores()
    if not options.update:
        raise LongstrideError(
            f"{out} has scores that were made before rows were appended to {store.name}: add --update to score "
            "the new rows as well, or --overwrite to score all rows again",
            code="path-taken",
        )
    return kept


def _write_events(out: Path, store: SeriesData, judges: Judges, options: ScoreOptions) -> None:
    found = events_of(Path(os.path.realpath(out)), store, judges.channels, judges.windows)
    write_events(local_path(options.events or ""), list(found), overwrite=options.overwrite or options.update)


def _job_of(store: SeriesData, judges: Judges, options: ScoreOptions) -> str:
    """Name of a job: a hash of all that scores depend on, if only in their last digit.

    An array has no commit that would name all of its rows, times and labels, so no two jobs on one are the same.
    """
    if not isinstance(store, SeriesStore):
        return secrets.token_hex(8)
    given = {
        **vars(options),
        "store": "",
        "out": "",
        "events": None,
        "overwrite": False,
        "update": False,
        "verify": False,
        "trust": False,
    }
    return name_of(store, [*judges.identity(), repr(sorted(given.items()))])


def _scored_already(out: Path, store: SeriesData, job: str) -> ScoreResult | None:
    """What a job has written, where it was killed right behind its end; None where there are no scores of it."""
    try:
        scores, about, rows = read_scores(Path(os.path.realpath(out)), store)
        if about.get("job") != job:
            return None
    except LongstrideError:
        return None
    return ScoreResult(
        out=str(out),
        rows=num_rows(rows),
        scored=0,
        covered=int((~np.isnan(scores)).sum()),
        checkpoint=about["checkpoint"],
        normal_rows=about["normal_rows"],
        independent_rows=about["independent_rows"],
        threshold=about["threshold"],
        alarms=int((scores > about["threshold"]).sum()),
        was_there=True,
    )
