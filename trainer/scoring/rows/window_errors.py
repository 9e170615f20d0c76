"""The windows that cover some rows of a store, and their errors, by a calibration.

Windows start every `stride` rows of a segment. The last row of a segment is covered as well: where no window of
the stride ends there, one more does.

Which rows are asked for changes no digit of their errors: windows are put into the same batches as if all rows
were.
"""

from collections.abc import Iterator

import numpy as np

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.splits import Split
from longstride.storage.series.data import SeriesData
from longstride.storage.series.segments import Segments
from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import JudgedWindows, bits_of_positions
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.scoring.row_errors import RowErrors, in_order, row_errors

__all__ = ["WindowErrors"]


class WindowErrors:
    """Errors of rows of a store, by the windows of a model."""

    def __init__(
        self,
        trained: TrainedModel,
        calibration: Calibration,
        store: SeriesData,
        *,
        stride: int,
        batch_size: int,
        raw: bool,
    ) -> None:
        """With `raw`, the columns of standardised errors are followed by those of errors as they are."""
        self._trained = trained
        self._mean, self._scale = calibration.mean.numpy(), calibration.scale.numpy()
        self._store = store
        self._span, self._judged = trained.task.span, trained.task.judged
        self._stride = stride
        self._batch_size = batch_size
        self._raw = raw

    def of_rows(self, begin: int, stop: int) -> Iterator[RowErrors]:
        """Standardised errors of rows begin:stop, block by block, by all windows that cover any of them."""
        windows = in_order(
            self._errors(self._reaching(begin, stop), self._stride),
            self._errors(self._last_windows(begin, stop), 1),
        )
        width = len(self._trained.outputs) * (2 if self._raw else 1)
        return row_errors(windows, begin, stop, width, bits_of_positions(self._judged))

    def _errors(self, segments: Segments, stride: int) -> Iterator[JudgedWindows]:
        split = Split("all", segments)
        for judged in self._trained.errors(self._store, split, stride, self._batch_size):
            standard = (judged.errors - self._mean) / self._scale
            columns = np.concatenate([standard, judged.errors], axis=2) if self._raw else standard
            yield judged._replace(errors=columns)

    def _reaching(self, begin: int, stop: int) -> Segments:
        """Cut segments to the windows that cover a row of begin:stop, and those before them in the same batch."""
        segments = self._store.segments
        index = WindowIndex(segments, self._span, self._stride)
        skipped = -(-(begin - self._span + 1 - segments.start) // self._stride)
        number = int(np.clip(skipped, 0, index.counts).sum())
        number -= number % self._batch_size
        skipped = np.clip(number - index.offsets[:-1], 0, index.counts)
        start = segments.start + skipped * self._stride
        last = np.minimum(segments.stop, stop - 1 + self._span)  # the last window begins before `stop`
        kept = (skipped < index.counts) & (start < stop)
        return Segments(start[kept], last[kept], segments.series[kept])

    def _last_windows(self, begin: int, stop: int) -> Segments:
        """The last windows of segments that no window of the stride is, chosen in the same way."""
        segments = self._store.segments
        start = segments.stop - self._span
        (own,) = np.nonzero((start > segments.start) & ((start - segments.start) % self._stride != 0))
        first = int(np.searchsorted(segments.stop[own], begin, side="right"))
        own = own[first - first % self._batch_size : np.searchsorted(start[own], stop)]
        return Segments(start[own], segments.stop[own], segments.series[own])
