"""The result of a training run, in a few figures."""

from dataclasses import asdict, dataclass
from typing import Any

from longstride.storage.html.table import html_table
from longstride.trainer.engine.metrics import Interval, read_metrics
from longstride.trainer.saved.rundir import RunDirectory

__all__ = ["TrainResult"]

UNWRITTEN = ("out", "finished", "stopped_by")
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

    @property
    def _title(self) -> str:
        stopped = "" if self.finished else ", then stopped by a signal"
        return f"{self.steps:,} steps in {self.seconds:,.1f} s of training{stopped}"

    @property
    def _figures(self) -> dict[str, str]:
        figures = {
            "windows/s": f"{self.windows_per_second:,.0f}",
            "waited for data": f"{self.data_wait_share:.1%} of the time",
            "training loss": f"{_loss(self.first_loss)} at first, {_loss(self.last_loss)} at last",
            "validation loss": f"{_loss(self.validation_loss)} (best {_loss(self.best_validation_loss)})",
        }
        if self.picture and self.report:
            return figures | {"picture": self.picture, "report": self.report}
        return figures | {"run": self.out}


def _loss(loss: float | None) -> str:
    return "-" if loss is None else f"{loss:.6g}"
