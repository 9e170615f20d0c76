"""The result of a training run, in a few figures."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from longstride.storage.html.table import html_table
from longstride.trainer.engine.metrics import Interval, read_metrics
from longstride.trainer.saved.rundir import RunDirectory

__all__ = ["TrainResult", "loss_text"]

UNWRITTEN = ("out", "finished", "stopped_by", "series", "skipped")
"""What `metrics.jsonl` does not say: its folder, and that a run with a last line has finished."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A run in a few figures; losses are None where there is none yet."""

    out: str
    """Path of the run directory, for `longstride.score`."""
    finished: bool
    """False where a signal stopped the run. It is saved, and `resume=True` resumes it."""
    steps: int
    first_loss: float | None
    """Mean over the first interval of `metrics.jsonl`."""
    last_loss: float | None
    """Mean over the last."""
    validation_loss: float | None
    """After the last step."""
    best_validation_loss: float | None
    windows_per_second: float
    """Windows per second of all ranks, while training."""
    data_wait_share: float
    """Share of the time of training in which the loop waited for the loader, 0 to 1."""
    seconds: float
    """Seconds of training, without validation and checkpoints."""
    picture: str | None
    """Path of the picture of a typical window; None where the run has not finished, or cannot draw."""
    report: str | None
    """Path of the report; None as for the picture."""
    stopped_by: int | None = None
    """Number of the signal that stopped the run; None where it has finished."""
    series: "Mapping[str, TrainResult]" = field(default_factory=dict)
    """With `per_series`, the result of each series by its name. Losses above are then means over series, and steps
    and seconds are sums."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """With `per_series`, the series that have no model, and why."""

    @staticmethod
    def of_finished(directory: RunDirectory) -> "TrainResult | None":
        """The result of a run that has ended before, by the last line of its metrics; None where it has not."""
        last = next(reversed(read_metrics(directory.metrics)), None)
        if last is None or last["kind"] != "summary":
            return None
        seconds, speed, waited = (
            float(value) if isinstance(value := last.get(name), int | float) else 0.0
            for name in ("seconds", "windows_per_second", "data_wait_share")
        )
        total = Interval(num_windows=round(speed * seconds), seconds=seconds, wait_seconds=waited * seconds)
        return TrainResult.of(directory, total, last["step"], stopped_by=None, drawn=False)

    @staticmethod
    def of_series(
        out: Path,
        series: "Mapping[str, TrainResult]",
        skipped: Mapping[str, str],
        *,
        report: Path | None = None,
        stopped_by: int | None = None,
    ) -> "TrainResult":
        """Sum up the runs of several series."""
        runs = list(series.values())

        def mean(name: str) -> float | None:
            found = [value for run in runs if (value := getattr(run, name)) is not None]
            return sum(found) / len(found) if found else None

        seconds = sum(run.seconds for run in runs)
        windows = sum(run.windows_per_second * run.seconds for run in runs if run.seconds)
        waited = sum(run.data_wait_share * run.seconds for run in runs if run.seconds)
        return TrainResult(
            out=str(out),
            finished=stopped_by is None,
            steps=sum(run.steps for run in runs),
            first_loss=mean("first_loss"),
            last_loss=mean("last_loss"),
            validation_loss=mean("validation_loss"),
            best_validation_loss=mean("best_validation_loss"),
            windows_per_second=windows / seconds if seconds else math.nan,
            data_wait_share=waited / seconds if seconds else math.nan,
            seconds=seconds,
            picture=None,
            report=None if report is None else str(report),
            stopped_by=stopped_by,
            series=series,
            skipped=skipped,
        )

    @staticmethod
    def of(
        directory: RunDirectory, total: Interval, steps: int, *, stopped_by: int | None, drawn: bool
    ) -> "TrainResult":
        """Sum up the lines of `metrics.jsonl` and the totals of the run."""
        lines = read_metrics(directory.metrics)
        losses = [line["loss"] for line in lines if line["kind"] == "train"]
        validation = [line["loss"] for line in lines if line["kind"] == "validation"]
        return TrainResult(
            out=str(directory.path),
            finished=stopped_by is None,
            steps=steps,
            first_loss=losses[0] if losses else None,
            last_loss=losses[-1] if losses else None,
            validation_loss=validation[-1] if validation else None,
            best_validation_loss=min((loss for loss in validation if loss is not None), default=None),
            windows_per_second=total.windows_per_second,
            data_wait_share=total.data_wait_share,
            seconds=total.seconds,
            picture=str(directory.picture) if drawn else None,
            report=str(directory.report) if drawn else None,
            stopped_by=stopped_by,
        )

    def as_metrics(self) -> dict[str, Any]:
        """The figures of the last line of `metrics.jsonl`."""
        return {name: value for name, value in asdict(self).items() if name not in UNWRITTEN}

    def __str__(self) -> str:
        return "\n".join([self._title, *(f"  {name:<17} {figure}" for name, figure in self._figures.items())])

    def _repr_html_(self) -> str:
        return html_table(self._title, [], self._figures.items())

    def told_training_loss(self, digits: int) -> dict[str, str]:
        """The loss at first and at last; one figure where both are of the same steps, none where there is none."""
        if self.first_loss is None or self.last_loss is None:
            return {}
        first, last = (loss_text(loss, digits) for loss in (self.first_loss, self.last_loss))
        same = self.first_loss == self.last_loss
        return {"training loss": f"{first} in the mean" if same else f"{first} at first, {last} at last"}

    @property
    def _title(self) -> str:
        stopped = "" if self.finished else ", then stopped by a signal"
        models = f"{len(self.series):,} models, " if self.series else ""
        return f"{models}{self.steps:,} steps in {self.seconds:,.1f} s of training{stopped}"

    @property
    def _figures(self) -> dict[str, str]:
        figures = {
            "windows/s": f"{self.windows_per_second:,.0f}",
            "waited for data": f"{self.data_wait_share:.1%} of the time",
            **self.told_training_loss(digits=6),
            "validation loss": f"{loss_text(self.validation_loss)} (best {loss_text(self.best_validation_loss)})",
        }
        if self.skipped:
            figures["without a model"] = f"{len(self.skipped):,} series: see .skipped, or the report"
        drawn = {"picture": self.picture, "report": self.report}
        return figures | ({name: path for name, path in drawn.items() if path} or {"run": self.out})


def loss_text(loss: float | None, digits: int = 6) -> str:
    """A loss for people; a dash where there is none."""
    return "-" if loss is None else f"{loss:.{digits}g}"
