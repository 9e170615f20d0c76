"""What a run reports while it trains, on rank 0 alone: messages, metrics, and at the end a picture and a page."""

import io
import logging
import resource
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Never

import torch
from tqdm import tqdm

from longstride.storage.atomic import write_file
from longstride.storage.packages import PackageError, needs
from longstride.trainer.engine.metrics import MetricsLog, read_metrics
from longstride.trainer.engine.state import RunState
from longstride.trainer.reporting.callback import Listener
from longstride.trainer.reporting.examples import read_examples, split_of_examples, typical_row
from longstride.trainer.reporting.report import write_report
from longstride.trainer.reporting.window_plot import draw_window
from longstride.trainer.saved.rundir import RunDirectory
from longstride.trainer.train_result import TrainResult

__all__ = ["Reporter"]

logger = logging.getLogger(__name__)


class Reporter:
    """Entered for as long as a run trains."""

    def __init__(
        self, state: RunState, directory: RunDirectory, listener: Listener, *, brief: bool = False
    ) -> None:
        """Nothing is written yet. A run that is `brief` is one of many: it keeps its metrics and says nothing."""
        self.state = state
        self.brief = brief
        self.directory = directory
        self.listener = listener
        self._stack = ExitStack()
        self._log: MetricsLog | None = None
        self._worst_rows: list[int] = []

    def __enter__(self) -> "Reporter":
        settings, progress = self.state.settings, self.state.progress
        is_first, batch_size = self.state.ranks.is_first, settings.data.batch_size
        self._bar: tqdm[Never] = self._stack.enter_context(
            tqdm(
                total=self.state.last_step * batch_size,
                initial=progress.step * batch_size,
                unit=" windows",
                unit_scale=True,
                desc="train",
                disable=None if is_first and not self.brief else True,  # None: only at a terminal
            )
        )
        if is_first:
            self._log = self._stack.enter_context(
                MetricsLog(
                    self.directory.metrics,
                    None if self.brief else self.directory.tensorboard,
                    epoch=progress.epoch,
                    step=progress.interval.start,
                )
            )
        self._say_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.listener.tell_failure(self.state.progress.step, error)
        self._stack.close()

    def tell_start(self) -> None:
        """Tell the callback that the run begins or resumes. Raises RunError where that fails."""
        state = self.state
        settings, channels = state.settings.as_json(), list(state.task.channels)
        self.listener.tell(
            "start", state.progress.step, out=str(self.directory.path), channels=channels, settings=settings
        )
        self.listener.check("no step was taken: mend it, and run the same command again")

    def check_callback(self) -> None:
        """Raise RunError where the callback has failed and the run has been saved."""
        step = self.state.progress.step
        self.listener.check(f"the run is saved after step {step:,}: mend it, and resume the run by --resume")

    def say(self, message: str) -> None:
        """Log a message, once for all ranks."""
        if self.state.ranks.is_first:
            logger.log(logging.DEBUG if self.brief else logging.INFO, message)

    def step(self, loss: float) -> None:
        """Count a step on the progress line."""
        self._bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
        self._bar.update(self.state.settings.data.batch_size)

    def interval(self, gradient_norm: torch.Tensor) -> None:
        """Log the interval that ends now."""
        if self._log is None:
            return
        state, interval = self.state, self.state.progress.interval
        self._write(
            "train",
            epoch=state.progress.epoch,
            loss=interval.loss,
            lr=interval.lr,
            grad_norm=float(gradient_norm),
            windows_per_second=interval.windows_per_second,
            rows_per_second=interval.windows_per_second * state.settings.data.span,
            data_wait_seconds=interval.wait_seconds,
            data_wait_share=interval.data_wait_share,
            **interval.step_milliseconds,
            peak_memory_mb=self._peak_memory(),
        )

    def validation(self, loss: float, worst_rows: list[int]) -> None:
        """Report the loss of the validation split, and keep the first rows of its worst windows."""
        self._worst_rows = worst_rows
        progress = self.state.progress
        self.say(f"epoch {progress.epoch + 1}, step {progress.step:,}: validation loss {loss:.6g}")
        if self._log:
            self._write("validation", epoch=progress.epoch, loss=loss)

    def finish(self) -> TrainResult:
        """Draw the picture, sum up and write the report; on rank 0 alone.

        Nothing is drawn of a brief run, and without what draws.
        """
        assert self._log is not None
        state, directory, progress = self.state, self.directory, self.state.progress
        can_draw = not self.brief and _can_draw()
        if can_draw:
            typical, *worst_windows = read_examples(state, [typical_row(state), *self._worst_rows])
            split = split_of_examples(state).capitalize()
            row = state.store.row_text(typical.row)
            title = f"{split} window at row {row}, after {progress.step:,} steps{typical.told_labels}"
            picture = io.BytesIO()
            draw_window(typical, title).savefig(picture, format="png")
            write_file(directory.picture, [picture.getbuffer()])
        result = self._result(drawn=can_draw)
        summary = self._log.write("summary", progress.step, **result.as_metrics())
        if can_draw:
            write_report(directory.report, state, result, read_metrics(directory.metrics), typical, worst_windows)
        self.listener.tell(**summary)
        self.listener.check(f"the run has finished, and {directory.path} is whole")
        return result

    def stop(self, number: int) -> TrainResult:
        """Tell the callback that this signal has stopped the run; on rank 0 alone."""
        self.listener.tell("stopped", self.state.progress.step, signal=number)
        self.check_callback()
        return self._result(stopped_by=number)

    def _result(self, *, stopped_by: int | None = None, drawn: bool = False) -> TrainResult:
        """The result of the run so far; on rank 0 alone."""
        progress = self.state.progress
        return TrainResult.of(self.directory, progress.total, progress.step, stopped_by=stopped_by, drawn=drawn)

    def _write(self, kind: str, **figures: float) -> None:
        """Log a line, and tell the callback of it, unless a run before this restart has."""
        assert self._log is not None
        step = self.state.progress.step
        line = self._log.write(kind, step, **figures)
        if not self._log.had(kind, step):
            self.listener.tell(**line)

    def _peak_memory(self) -> float:
        """Megabytes: of the device on CUDA, of this process otherwise."""
        device = self.state.ranks.device
        if device.type == "cuda":
            return torch.cuda.max_memory_allocated(device) / 1e6
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

    def _say_start(self) -> None:
        batches, validation, step = self.state.batches, self.state.validation_batches, self.state.progress.step
        if step:
            self.say(f"resuming after step {step:,}")
        self.say(
            f"training on {batches.num_windows:,} windows, {len(batches):,} steps an epoch"
            + (f"; {batches.num_dropped:,} windows that fill no batch are left out" if batches.num_dropped else "")
        )
        if validation is None:
            self.say("no validation: its split is shorter than a window (raise --validation-share)")


def _can_draw() -> bool:
    """Whether the packages are installed that pictures and reports need."""
    try:
        needs("matplotlib")
        needs("jinja2")
    except PackageError as error:
        logger.warning("no picture and no report: %s", error)
        return False
    return True
