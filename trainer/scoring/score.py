"""Scores of every row of a store: how badly a trained model writes it again, beside normal rows.

Each rank scores rows of its own, from the windows that cover them, and holds no more of them than a batch spans.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.loading.splits import Split, split_by_time
from longstride.storage.open import open_store
from longstride.storage.segments import Segments
from longstride.storage.statistics import Statistics
from longstride.storage.store import SeriesStore
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.errors import RunError
from longstride.trainer.scoring.row_errors import mean_errors
from longstride.trainer.scoring.score_file import ScoreFile
from longstride.trainer.scoring.threshold import ScoreCounts, row_scores
from longstride.trainer.scoring.trained_model import TrainedModel

__all__ = ["ALARMS", "Scored", "score"]

ALARMS = 0.001
"""Share of normal rows that score above the threshold."""


class Scored(NamedTuple):
    """What was scored."""

    rows: int
    covered: int
    """Rows that a window covers, in which a value is there."""
    checkpoint: str
    normal_rows: int
    """Held-out rows by which errors were standardised."""
    threshold: float
    """Score that a share of `alarms` of those exceeds."""


def score(
    run: Path,
    store: SeriesStore,
    out: Path,
    ranks: Ranks,
    *,
    normal: SeriesStore | None = None,
    stride: int | None = None,
    batch_size: int = 1024,
    alarms: float = ALARMS,
) -> Scored:
    """Write the score of every row of a store to a Parquet file; call it on every rank.

    Columns are the time, the series, `score` and `error.` of each channel: its squared error, averaged over the
    windows (`stride` apart, by default as in training) that cover the row, less the mean and in the standard
    deviations of that of normal rows: those of the run's own store that were held out for validation, by windows
    without a label. `score` is the mean over the channels that are there; NaN where no window reaches. `normal` is
    the run's store, where it lies elsewhere now.

    The result is the same, to rounding, for any number of ranks and any batch size. Raises LongstrideError where
    run and store do not fit, or no row was held out.
    """
    trained = TrainedModel(run, ranks.device)
    trained.check(store)
    stride = stride or trained.settings.data.stride
    normal = normal or open_store(trained.settings.data.store)
    usual, threshold = _usual(trained, normal, ranks, batch_size, alarms)
    begin, stop = _share(store.num_rows, ranks)
    whole = Split("all", store.segments)
    rows = covered = 0
    about = {
        "run": str(run),
        "checkpoint": trained.name,
        "model": trained.settings.model.model,
        "window": trained.settings.data.window,
        "stride": stride,
        "alarms": alarms,
        "threshold": threshold,
    }
    with ScoreFile(out, ranks, store, trained.channels, about) as file:
        for errors in _errors(trained, store, whole, begin, stop, stride, batch_size):
            scores, standard = row_scores(errors, usual)
            file.write(begin + rows, scores, standard)
            rows += len(scores)
            covered += int((~np.isnan(scores)).sum())
    total, reached = ranks.sum(rows, covered)
    return Scored(int(total), int(reached), trained.name, int(usual.count.max()), threshold)


def _usual(
    trained: TrainedModel, store: SeriesStore, ranks: Ranks, batch_size: int, alarms: float
) -> tuple[Statistics, float]:
    """Errors (N,) of the rows that training held out, by windows without a label, and the threshold."""
    data = trained.settings.data
    split = split_by_time(
        store, window=data.window, train=data.train_share, validation=data.validation_share
    ).validation
    begin, stop = _share(store.num_rows, ranks)

    def errors() -> Iterator[NDArray[np.float64]]:
        return _errors(trained, store, split, begin, stop, data.stride, batch_size, normal_only=True)

    parts = [Statistics.empty(len(trained.channels)), *map(Statistics.of, errors())]
    usual = Statistics.merge(ranks.gather(Statistics.merge(parts)))
    if not usual.count.any():
        raise RunError(
            f"no row of {store.name} was held out for validation, so there is no usual error to compare with: "
            "train with a larger --validation-share"
        )
    counts = ScoreCounts()
    for found in errors():  # again, since scores need the mean of all
        counts.add(row_scores(found, usual)[0])
    return usual, counts.exceeded_by(alarms, ranks)


def _errors(
    trained: TrainedModel,
    store: SeriesStore,
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
    return mean_errors(windows, begin, stop, len(trained.channels))


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
