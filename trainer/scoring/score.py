"""`longstride.score`: how badly a trained model reconstructs each row, compared with normal rows.

Each rank scores rows of its own, from the windows that cover them, and holds no more of them than a batch spans.
"""

import logging
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from longstride.pipeline.loading.splits import Split
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.location import local_path
from longstride.storage.open_data import opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import name_of
from longstride.storage.writing.output import check_output
from longstride.trainer.calibration.calibration import Calibration, read_calibration
from longstride.trainer.calibration.coverage import bits_of_positions
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks, start_ranks
from longstride.trainer.engine.verify import verify_store
from longstride.trainer.errors import SettingsError
from longstride.trainer.scoring.events import events_of, write_events
from longstride.trainer.scoring.row_errors import RowErrors, Windows, in_order, row_errors
from longstride.trainer.scoring.score_file import ScoreFile, read_scores, series_of_rows
from longstride.trainer.scoring.scorer import Scorer
from longstride.trainer.scoring.settings import ScoreOptions

__all__ = ["ScoreResult", "score"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ScoreResult:
    """The result of scoring a store."""

    out: str
    """Path of the file of scores, for `longstride.evaluate`."""
    rows: int
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
        there = "; it was there already: nothing was done" if self.was_there else ""
        return (
            f"{self.out}: {self.rows:,} rows scored by {self.checkpoint}, {self.rows - self.covered:,} of them "
            f"without a score; compared with {self.normal_rows:,} normal rows; threshold {self.threshold:.4g}, "
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
    """Score every row of a store or array by the model of a run; write a Parquet file with a line for each row.

    Columns are `time` (UTC), `series`, `score`, `alarm` (whether it is above the threshold), and `error.` of each
    channel: its squared error, averaged over the windows that cover the row, as the number of standard
    deviations from the mean error of normal rows that are covered in the same way. Normal rows are those of the
    run's calibration: no other store is opened. A score is 0 for the median of normal rows, and one in a hundred
    of them scores above 1. It is NaN in a row that no window covers.

    Works in a script, in a notebook, and under torchrun, where each process calls it, scores rows of its own, and
    gets the same result: the same, to rounding, for any number of processes and any batch size. Scores that `out`
    holds already, of the same rows of stores and by the same model and options, are not computed again.

    Raises SettingsError for an option that cannot work or a model that is not trusted, RunError where run and
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
    run = local_path(options.run)
    trained = TrainedModel(run, ranks, trust=options.trust)
    trained.check(store)
    calibration = ranks.together(lambda: trained.fitting(read_calibration(run, trained.digest)))
    settings = trained.settings
    stride = options.stride or settings.data.stride
    job = ranks.on_first(lambda: _job_of(store, trained, calibration, options))
    done = None if options.overwrite else ranks.on_first(lambda: _scored_already(out, store, job))
    if done is not None:
        if options.events is not None:
            ranks.on_first(lambda: _write_events(out, store, trained, options))
        return done
    ranks.on_first(lambda: check_output(out, overwrite=options.overwrite))
    if options.events is not None:
        ranks.on_first(lambda: check_output(local_path(options.events or ""), overwrite=options.overwrite))
    if options.verify and isinstance(store, SeriesStore):  # an array has no checksums
        verify_store(store, ranks)
    scorer = Scorer(calibration, stride, options)
    begin, stop = _share(store.num_rows, ranks)
    with ScoreFile(out, ranks, store, trained.channels, raw=options.raw, overwrite=options.overwrite) as file:
        if ranks.is_first and scorer.doubt:
            logger.warning(scorer.doubt)
        file.about = {
            "run": str(options.run),
            "checkpoint": trained.name,
            "model": settings.model.model,
            "window": settings.data.window,
            "stride": stride,
            "alarms": options.alarms,
            "threshold": scorer.threshold,
            "normal_rows": scorer.normal_rows,
            "independent_rows": scorer.independent_rows,
            "job": job,
        }

        def score_rows() -> tuple[int, int, int]:
            number_of = scorer.series(store.series)
            rows = covered = alarms = 0
            early = max(0, begin - options.smooth + 1)  # what the first scores are smoothed with
            at = early
            for errors, of_windows in _errors(trained, calibration, store, early, stop, stride, options):
                last = at + len(errors)
                series = number_of[series_of_rows(store, at, last)]
                segment = np.searchsorted(store.segments.start, np.arange(at, last), side="right")
                channels = len(trained.channels)
                scores, standard = scorer.score(errors[:, :channels], of_windows, series, segment)
                mine = slice(max(0, begin - at), None)
                parts = [standard[mine], *([errors[mine, channels:]] if options.raw else [])]
                is_alarm = scores[mine] > scorer.threshold
                file.write(max(at, begin), scores[mine], is_alarm, *parts)
                at = last
                rows += len(is_alarm)
                covered += int((~np.isnan(scores[mine])).sum())
                alarms += int(is_alarm.sum())
            return rows, covered, alarms

        rows, covered, alarms = ranks.together(score_rows)
    if options.events is not None:
        ranks.on_first(lambda: _write_events(out, store, trained, options))
    total, reached, above = ranks.sum(rows, covered, alarms)
    return ScoreResult(
        out=str(out),
        rows=int(total),
        covered=int(reached),
        checkpoint=trained.name,
        normal_rows=scorer.normal_rows,
        independent_rows=scorer.independent_rows,
        threshold=scorer.threshold,
        alarms=int(above),
    )


def _write_events(out: Path, store: SeriesData, trained: TrainedModel, options: ScoreOptions) -> None:
    found = events_of(Path(os.path.realpath(out)), store, trained.channels, trained.settings.data.window)
    write_events(local_path(options.events or ""), list(found), overwrite=options.overwrite)


def _job_of(store: SeriesData, trained: TrainedModel, calibration: Calibration, options: ScoreOptions) -> str:
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
        "verify": False,
        "trust": False,
    }
    return name_of(store, [calibration.digest, *trained.identity(), repr(sorted(given.items()))])


def _scored_already(out: Path, store: SeriesData, job: str) -> ScoreResult | None:
    """What a job has written, where it was killed right behind its end; None where there are no scores of it."""
    try:
        scores, about = read_scores(Path(os.path.realpath(out)), store)
        if about.get("job") != job:
            return None
    except LongstrideError:
        return None
    return ScoreResult(
        out=str(out),
        rows=len(scores),
        covered=int((~np.isnan(scores)).sum()),
        checkpoint=about["checkpoint"],
        normal_rows=about["normal_rows"],
        independent_rows=about["independent_rows"],
        threshold=about["threshold"],
        alarms=int((scores > about["threshold"]).sum()),
        was_there=True,
    )


def _errors(
    trained: TrainedModel,
    calibration: Calibration,
    store: SeriesData,
    begin: int,
    stop: int,
    stride: int,
    options: ScoreOptions,
) -> Iterator[RowErrors]:
    """Standardised errors of rows begin:stop, and raw ones if asked for, by all windows that cover any of them.

    The last row of a segment is covered as well: where no window of the stride ends there, one more does.
    """
    window = trained.settings.data.window
    mean, scale = calibration.mean.numpy(), calibration.scale.numpy()

    def of(segments: Segments, step: int) -> Windows:
        for starts, errors in trained.errors(store, Split("all", segments), step, options.batch_size):
            standard = (errors - mean) / scale
            yield starts, np.concatenate([standard, errors], axis=2) if options.raw else standard

    segments = store.segments
    windows = in_order(
        of(_reaching(segments, begin, stop, window, stride), stride),
        of(_last_windows(segments, begin, stop, window, stride), 1),
    )
    width = len(trained.channels) * (2 if options.raw else 1)
    return row_errors(windows, begin, stop, width, bits_of_positions(window))


def _last_windows(segments: Segments, begin: int, stop: int, window: int, stride: int) -> Segments:
    """The last windows of segments that no window of the stride is, of those that cover a row of begin:stop."""
    start = segments.stop - window
    chosen = (start > segments.start) & ((start - segments.start) % stride != 0)
    chosen &= (start < stop) & (segments.stop > begin)
    return Segments(start[chosen], segments.stop[chosen], segments.series[chosen])


def _reaching(segments: Segments, begin: int, stop: int, window: int, stride: int) -> Segments:
    """Cut segments to the windows that cover a row of begin:stop, which begin where they did before."""
    skipped = np.maximum(0, -(-(begin - window + 1 - segments.start) // stride))
    start = segments.start + skipped * stride
    # The last window begins before `stop`.
    last = np.minimum(segments.stop, stop - 1 + window)
    kept = (start < last) & (start < stop)
    return Segments(start[kept], last[kept], segments.series[kept])


def _share(num_rows: int, ranks: Ranks) -> tuple[int, int]:
    return num_rows * ranks.rank // ranks.world_size, num_rows * (ranks.rank + 1) // ranks.world_size
