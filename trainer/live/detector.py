"""`longstride.Detector`: scores of rows as they come."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.storage.arrays.frames import array_of
from longstride.storage.arrays.times import instants
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import coded
from longstride.storage.location import local_path
from longstride.storage.text import counted, iso_time
from longstride.trainer.calibration.calibration import read_calibration
from longstride.trainer.calibration.coverage import weights_of
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.distributed import Ranks, choose_device
from longstride.trainer.errors import ScoresError, SettingsError
from longstride.trainer.live.arrivals import Arrivals, arrivals_of, steps_of
from longstride.trainer.live.kept_rows import KeptRows
from longstride.trainer.live.live_scores import LiveScores
from longstride.trainer.live.newest import Ended, NewestScores, Places
from longstride.trainer.live.rows import Rows, rows_of
from longstride.trainer.live.settings import DetectorOptions
from longstride.trainer.live.state import pack_state, unpack_state

__all__ = ["Detector"]

logger = logging.getLogger(__name__)


class Detector:
    """Scores rows as they come, of one series or several, in constant memory.

        detector = longstride.Detector("runs/plant")
        found = detector.score({"temperature": 21.5, "level": 1.01}, time="2024-03-01T08:00:00")
        print(found.score[0], found.alarm[0])

    A row is scored by the window of K rows that it ends: the score is that which `longstride.score` gives to the
    last row of a segment, with the same threshold. The first K - 1 rows of a segment have no score. A segment
    begins with a series, and after a gap in time; rows without times follow each other without a gap.
    """

    @coded
    @keywords_of(DetectorOptions, SettingsError)
    def __init__(self, options: DetectorOptions) -> None:
        """Read the model of a run and its calibration.

        Raises SettingsError for an option that cannot work or a model that is not trusted, RunError where a file
        of the run is damaged or it has no calibration of this model.
        """
        run = local_path(options.run)
        self._options = options
        self._trained = TrainedModel(run, Ranks(0, 1, choose_device(options.device)), trust=options.trust)
        self._calibration = self._trained.fitting(read_calibration(run, self._trained.digest))
        data = self._trained.settings.data
        self.window = data.span
        """Rows by which a row is scored: of a window, K, and of the horizon behind it."""
        self.channels = self._trained.channels
        """N names; an array has a column for each, in this order."""
        self.outputs = self._trained.outputs
        """What errors are of: the channels, those that are predicted, or labels."""
        self.max_gap_ns = options.max_gap_ns or self._calibration.max_gap_ns
        """A longer step in time begins a new segment; 0 where it is not known."""
        self.dtype = self._calibration.held_as
        """Type to which values are rounded, as in the store of the calibration."""
        self.largest = float(np.finfo(self.dtype).max)
        """The largest number of that type."""
        self._stride = options.stride or self._trained.stride
        self._newest = NewestScores(self._calibration, self.window, self._stride, options)
        for doubt in filter(None, (self._newest.doubt, self._calibration.dtype_doubt)):
            logger.warning(doubt)
        self.threshold = self._newest.threshold
        """A higher score is an alarm."""
        self._kept = KeptRows(self.window, len(self.channels), options.max_series, self._newest.empty)
        self._is_whole = True

    def __repr__(self) -> str:
        return (
            f"Detector({str(self._options.run)!r}, {counted(len(self.channels), 'channel')}, "
            f"windows of {self.window} rows, {len(self._kept.names):,} series)"
        )

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the series of which there were rows."""
        return tuple(self._kept.names)

    @coded
    def score(self, rows: Any, *, series: Any = None, time: Any = None) -> LiveScores:
        """Scores of the next rows, in order of arrival.

        - rows: a dict of channels to numbers, or to columns of numbers; an array (N,) or (B, N), of all channels
          in the order of `channels`; a batch or a table of Arrow, or a frame of Polars or pandas. NaN and None are
          missing, and so is a channel that a dict or a table lacks.
        - series: the name of the series of the rows, or a name for each; by default the field `series`, and one
          series where there is none.
        - time: of each row, rising within a series: datetime, datetime64, ISO 8601, or whole nanoseconds since
          1970 UTC; by default the field `time`. Rows without times follow each other without a gap.

        Nothing is taken of rows that are refused. Raises ScoresError for rows that do not fit the model, that come
        late, or hold an infinite number, and for more series than are allowed.
        """
        given = rows_of(rows, self.channels, series, time)
        values = self._held(given.values)
        with self._kept.forgetting():
            numbers = self._kept.numbers(given.series)
            restart = self._restarts(given, numbers)
        scores = np.full(len(values), np.nan)
        errors, waiting = np.full((len(values), len(self.outputs)), np.nan), np.zeros(len(values), np.int64)
        self._check_whole()
        self._is_whole = False
        for first in range(0, len(values), self._options.batch_size):
            part = slice(first, first + self._options.batch_size)
            time_of_part = None if given.time is None else given.time[part]
            found = self._scored(values[part], numbers[part], restart[part], time_of_part)
            scores[part], errors[part], waiting[part] = found
        self._is_whole = True
        return LiveScores(
            score=scores,
            alarm=scores > self.threshold,
            errors=errors,
            waiting=waiting,
            channels=self.outputs,
            threshold=self.threshold,
        )

    @coded
    def late(self, series: Sequence[str], time: Any) -> NDArray[np.bool_]:
        """Which of some rows (B,) would be refused since their time is not after that of a row before them.

        Rows that are not late may follow a late one.
        """
        times = instants("time", array_of("time", time))
        found = np.zeros(len(times), bool)
        with self._kept.forgetting(always=True):
            rows = arrivals_of(self._kept.numbers(series))
            found[rows.order] = self._steps(rows, times)[1]
        return found

    @coded
    def state(self) -> bytes:
        """What the detector knows of the rows so far, for `restore` in another process.

        Its size depends on the number of series alone.
        """
        self._check_whole()
        return pack_state(self._identity, list(self._kept.names), self._kept.used())

    @coded
    def restore(self, state: bytes) -> None:
        """Continue where another detector of the same model was when it gave this state.

        Raises LongstrideError for what is not a state, or is one of another model or of another smoothing.
        """
        names, arrays = unpack_state(state, self._identity, self._kept.arrays)
        self._kept.replace(names, arrays)
        self._is_whole = True

    @property
    def _identity(self) -> dict[str, Any]:
        """What a state depends on."""
        smoothed = {"stride": self._stride, "calibration": self._calibration.digest}
        return {
            "model": self._trained.digest,
            "smooth": self._options.smooth,
            **(smoothed if self._options.smooth > 1 else {}),
        }

    def _check_whole(self) -> None:
        """Raise ScoresError where an error or an interrupt came while rows were taken."""
        if not self._is_whole:
            raise ScoresError(
                "the detector was interrupted while it took rows, and knows only some of them: restore a state "
                "from before, or begin with a new detector",
                code="detector-interrupted",
            )

    def _held(self, values: NDArray[np.float64]) -> NDArray[np.floating]:
        """As a store would hold them. Raises ScoresError for an infinite value."""
        with np.errstate(over="ignore"):
            held: NDArray[np.floating] = values.astype(self.dtype)
        if (found := np.argwhere(np.isinf(held))).size:
            row, channel = found[0].tolist()
            raise ScoresError(
                f"row {row} has {values[row, channel]:g} in {self.channels[channel]}: expected a number that "
                f"{self.dtype} holds, or NaN where it is missing",
                code="row-format",
            )
        return held

    def _restarts(self, given: Rows, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows (B,) begin a segment although their series has rows.

        Raises ScoresError for late rows, and for times that some rows have and others not.
        """
        kept, rows = self._kept.arrays, arrivals_of(numbers)
        restart = np.zeros(len(numbers), bool)
        mixed = (kept["length"][rows.series] > 0) & (kept["has_time"][rows.series] != (given.time is not None))
        if mixed.any():
            name = self._kept.name_of(int(rows.series[mixed.argmax()]))
            change = "had times, and now have none" if given.time is None else "had no times, and now have some"
            raise ScoresError(
                f"rows of series {name!r} {change}: give times to all rows or to none", code="row-format"
            )
        if given.time is None:
            return restart
        steps, late = self._steps(rows, given.time)
        if late.any():
            at = int(rows.order[late.argmax()])
            raise ScoresError(
                f"row {at} of series {given.series[at]!r} has the time {iso_time(int(given.time[at]))}, which is "
                "not after that of the row before it: give the rows of a series in order of time",
                code="rows-not-newer",
            )
        restart[rows.order] = steps > np.uint64(self.max_gap_ns)
        return restart

    def _steps(self, rows: Arrivals, time: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """As `steps_of`. Raises ScoresError where it is not known which step is a gap."""
        if not self.max_gap_ns:
            raise ScoresError(
                "the rows have times, and the run does not know how far apart rows are: give max_gap (--max-gap), "
                "the longest step that is not a gap",
                code="option-value",
            )
        kept = self._kept.arrays
        return steps_of(rows, time, kept["time"][rows.series], kept["has_time"][rows.series])

    def _scored(
        self,
        values: NDArray[np.floating],
        numbers: NDArray[np.int64],
        restart: NDArray[np.bool_],
        time: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Scores (B,), errors (B, T) and rows to wait for (B,) of rows that are known to fit."""
        rows = arrivals_of(numbers)
        restart = restart[rows.order]
        length = rows.lengths(restart, self._kept.arrays["length"][rows.series])
        waiting = np.where(
            length < self.window, self.window - length, (self.window - length) % self._options.every
        )
        series = self._newest.series(self._kept.names_of(rows.series))[rows.group]
        inputs, mask, start = self._kept.joined(rows, *self._seen(values[rows.order]))
        (needed,) = np.nonzero(self._newest.needs(length, waiting))
        ended = Ended(needed, *self._judged(inputs, mask, start[needed]))
        at = Places(length, waiting, series)
        scores, standard = self._newest.scores(self._kept.arrays, rows, at, ended)
        self._kept.keep(rows, inputs, mask, length, None if time is None else time[rows.order])
        back = np.argsort(rows.order)
        return scores[back], standard[back], waiting[back]

    def _seen(self, values: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Rows (B, N) as the model sees them, and their mask."""
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(self._trained.device)
        mask = ~tensor.isnan()
        return self._trained.runner.normalisation.apply(tensor, mask).cpu().numpy(), mask.cpu().numpy()

    def _judged(
        self, inputs: NDArray[np.float32], mask: NDArray[np.bool_], start: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Errors (b, S, T) of the last S rows of windows that begin at these places, and their weights (b,)."""
        if not len(start):
            return np.zeros((0, self._newest.rows, len(self.outputs)), np.float32), np.zeros(0)
        windows = _windows(torch.from_numpy(inputs), start, self.window)
        if mask.all():
            return self._trained.errors_of(windows, None, self._newest.rows), np.ones(len(start))
        is_there = _windows(torch.from_numpy(mask), start, self.window)
        return self._trained.errors_of(windows, is_there, self._newest.rows), weights_of(is_there.numpy())


def _windows(rows: Tensor, start: NDArray[np.int64], window: int) -> Tensor:
    """Windows (b, K, N) of rows, which are not copied where the windows are equally far apart."""
    steps = np.diff(start)
    if (steps == steps[:1]).all():
        step, width = int(steps[0]) if len(steps) else 1, rows.shape[1]
        return rows.as_strided((len(start), window, width), (step * width, width, 1), int(start[0]) * width)
    return rows[torch.from_numpy(start)[:, None] + torch.arange(window)]
