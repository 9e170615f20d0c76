"""`longstride.score`: how badly a trained model reconstructs each row, compared with normal rows.

Each rank scores rows of its own, from the windows that cover them, and holds no more of them than a batch spans.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.splits import Split
from longstride.storage.arrays.files import is_array_file
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import LongstrideError, coded
from longstride.storage.html.table import html_table
from longstride.storage.location import is_url, local_path, place_of
from longstride.storage.open import opened
from longstride.storage.open_data import opened_data
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import content_of, name_of
from longstride.storage.writing.output import check_output
from longstride.trainer.engine.distributed import Ranks, start_ranks
from longstride.trainer.engine.run_splits import splits_of_run
from longstride.trainer.engine.verify import verify_store
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.resolve import check_address
from longstride.trainer.scoring.row_errors import row_errors
from longstride.trainer.scoring.score_file import ScoreFile, read_scores
from longstride.trainer.scoring.settings import ScoreOptions
from longstride.trainer.scoring.threshold import ScoreCounts, row_scores
from longstride.trainer.scoring.trained_model import TrainedModel
from longstride.trainer.settings import IN_MEMORY

__all__ = ["ScoreResult", "score"]


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
    """Held-out rows whose errors the others are compared with."""
    threshold: float
    """The share `alarms` of the normal rows has a score above it."""
    was_there: bool = False
    """Whether this very file had been written before: nothing was done now."""

    def __str__(self) -> str:
        there = "; it was there already: nothing was done" if self.was_there else ""
        return (
            f"{self.out}: {self.rows:,} rows scored by {self.checkpoint}, {self.rows - self.covered:,} of them "
            f"without a score; compared with {self.normal_rows:,} normal rows; threshold {self.threshold:.4g}"
            f"{there}"
        )

    def _repr_html_(self) -> str:
        rows = {
            "rows": self.rows,
            "without a score": self.rows - self.covered,
            "normal rows": self.normal_rows,
            "threshold": self.threshold,
            "checkpoint": self.checkpoint,
        }
        return html_table(self.out, [], rows.items())


@coded
@keywords_of(ScoreOptions, SettingsError)
def score(options: ScoreOptions) -> ScoreResult:
    """Score every row of a store or array by the model of a run; write a Parquet file with a line for each row.

    Columns are `time` (UTC), `series`, `score`, and `error.` of each channel: its squared error, averaged over the
    windows that cover the row, as the number of standard deviations from the mean error of normal rows. Normal
    rows are those of the run's own store, or array, that were held out for validation, in windows without a
    label. `score` is the mean over the channels that are present, NaN in a row that no window covers.

    Works in a script, in a notebook, and under torchrun, where each process calls it, scores rows of its own, and
    gets the same result: the same, to rounding, for any number of processes and any batch size. Scores that `out`
    holds already, of the same rows of stores and by the same model and options, are not computed again.

    Raises SettingsError for an option that cannot work or a model that is not trusted, RunError where run and
    store do not fit, a file of the run is damaged or no row was held out, StoreError for a store that cannot be
    read or is damaged, LongstrideError where `out` cannot be written.
    """
    with start_ranks(options.device) as ranks:
        return _score(options, ranks)


def _score(options: ScoreOptions, ranks: Ranks) -> ScoreResult:
    out = local_path(options.out)
    # Whether a file is there that may not be replaced is seen when it is known what is to be written.
    ranks.on_first(lambda: check_output(out, overwrite=True))
    store = ranks.together(lambda: opened_data(options.store))
    trained = TrainedModel(local_path(options.run), ranks, trust=options.trust)
    trained.check(store)
    settings = trained.settings
    stride = options.stride or settings.data.stride
    normal_store = ranks.together(lambda: _store_of(trained, store, options))
    job = ranks.on_first(lambda: _job_of(store, normal_store, trained, options))
    done = None if options.overwrite else ranks.on_first(lambda: _scored_already(out, store, job))
    if done is not None:
        return done
    if options.verify:
        for one in {each.name: each for each in (store, normal_store)}.values():
            if isinstance(one, SeriesStore):  # an array has no checksums
                verify_store(one, ranks)
    begin, stop = _share(store.num_rows, ranks)
    whole = Split("all", store.segments)
    with ScoreFile(out, ranks, store, trained.channels, overwrite=options.overwrite) as file:
        normal, threshold = _normal(trained, normal_store, ranks, options)
        file.about = {
            "run": str(options.run),
            "checkpoint": trained.name,
            "model": settings.model.model,
            "window": settings.data.window,
            "stride": stride,
            "alarms": options.alarms,
            "threshold": threshold,
            "normal_rows": int(normal.count.max()),
            "job": job,
        }

        def score_rows() -> tuple[int, int]:
            rows = covered = 0
            for errors in _errors(trained, store, whole, begin, stop, stride, options.batch_size):
                scores, standard = row_scores(errors, normal)
                file.write(begin + rows, scores, standard)
                rows += len(scores)
                covered += int((~np.isnan(scores)).sum())
            return rows, covered

        rows, covered = ranks.together(score_rows)
    total, reached = ranks.sum(rows, covered)
    return ScoreResult(
        out=str(out),
        rows=int(total),
        covered=int(reached),
        checkpoint=trained.name,
        normal_rows=int(normal.count.max()),
        threshold=threshold,
    )


def _job_of(store: SeriesData, normal: SeriesData, trained: TrainedModel, options: ScoreOptions) -> str:
    """Name of a job: a hash of all that scores depend on, if only in their last digit.

    An array has no commit that would name all of its rows, times and labels, so no two jobs on one are the same.
    """
    if not (isinstance(store, SeriesStore) and isinstance(normal, SeriesStore)):
        return secrets.token_hex(8)
    given = [str(options.run), options.stride, options.batch_size, options.alarms, options.device]
    return name_of(store, [content_of(normal), *trained.identity(), *given])


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
        threshold=about["threshold"],
        was_there=True,
    )


def _store_of(trained: TrainedModel, store: SeriesData, options: ScoreOptions) -> SeriesData:
    """The store or array that the model was trained on. `store` is what is scored, which may be the same."""
    if options.normal is not None:
        return opened_data(options.normal)
    path = str(trained.settings.data.store)
    if _is_array(path):
        # Its file alone would not say which times, series and labels it was given.
        if trained.was_trained_on(store):
            return store
        raise RunError(
            f"{options.run} was trained on an array, {path}, and normal rows are taken from it; {store.name} is "
            "another one, or has other segments or labels: give that array by normal= (--normal), described as it "
            "was for training",
            code="run-differs",
        )
    if isinstance(store, SeriesStore) and place_of(path).name == store.name:
        return store
    remedy = ", or name the store with normal rows by --normal"
    check_address(path, trained.told_by, remedy, trust=options.trust)
    try:
        return opened(path)
    except LongstrideError as error:
        raise RunError(
            f"{error}. {options.run} was trained on this store, and normal rows are taken from it: if it lies "
            "somewhere else now, give its path by --normal",
            code=error.code,
        ) from error


def _is_array(path: str) -> bool:
    """Whether the settings of a run name an array: one in memory, or a file."""
    return path.startswith(IN_MEMORY) or (not is_url(path) and (is_array_file(path) or Path(path).is_file()))


def _normal(
    trained: TrainedModel, store: SeriesData, ranks: Ranks, options: ScoreOptions
) -> tuple[Statistics, float]:
    """Errors (N,) of the rows that training held out, by windows without a label, and the threshold."""
    data = trained.settings.data
    split = splits_of_run(store, data).validation
    begin, stop = _share(store.num_rows, ranks)

    def errors() -> Iterator[NDArray[np.float64]]:
        return _errors(trained, store, split, begin, stop, data.stride, options.batch_size, normal_only=True)

    def of_my_rows() -> Statistics:
        return Statistics.merge([Statistics.empty(len(trained.channels)), *map(Statistics.of, errors())])

    normal = Statistics.merge(ranks.gather(ranks.together(of_my_rows)))
    if not normal.count.any():
        raise RunError(
            f"no row of {store.name} was held out for validation, so there is no normal error to compare with: "
            "train with a larger --validation-share",
            code="no-normal-rows",
        )
    counts = ScoreCounts()
    for found in errors():  # again, since scores need the mean of all
        counts.add(row_scores(found, normal)[0])
    return normal, counts.exceeded_by(options.alarms, ranks)


def _errors(
    trained: TrainedModel,
    store: SeriesData,
    split: Split,
    begin: int,
    stop: int,
    stride: int,
    batch_size: int,
    *,
    normal_only: bool = False,
) -> Iterator[NDArray[np.float64]]:
    """Errors of rows begin:stop, by all windows of the split that cover any of them."""
    segments = _reaching(split.segments, begin, stop, trained.settings.data.window, stride)
    windows = trained.errors(store, Split(split.name, segments), stride, batch_size, normal_only=normal_only)
    return row_errors(windows, begin, stop, len(trained.channels))


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
