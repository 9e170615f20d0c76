"""What is deployed: raw windows in, scores out, in the arithmetic of `longstride score`.

A row of a window gets the score that it has where this window alone covers it, as one covers the newest row of a
log.
"""

import numpy as np
import torch
from torch import Tensor, nn

from longstride.trainer.calibration.calibration import Calibration
from longstride.trainer.calibration.coverage import bits_of_positions
from longstride.trainer.calibration.trained_model import TrainedModel
from longstride.trainer.engine.model_runner import Outcome
from longstride.trainer.engine.normalisation import Normalisation
from longstride.trainer.scoring.normal import NormalRows
from longstride.trainer.scoring.settings import Aggregate

__all__ = ["OUTPUTS", "Graph"]


Figures = tuple[Tensor, Tensor, Tensor, Tensor]
"""Without names: what loads a file knows no class of ours."""
OUTPUTS = ("score", "alarm", "scores", "errors")
"""What the graph returns for windows (B, K, N), or samples of K + H rows for forecasts: of the newest row, its
score (B,) and whether that is above the threshold (B,); the score of each judged row (B, J), NaN where it has no
value; and the error of each of its outputs (B, J, T), as in the columns `error.` of a file of scores, NaN where a
value is missing."""


class Graph(nn.Module):
    """Normalises windows (B, K, N), runs the model, and compares its errors with those of normal rows."""

    series_numbers: dict[str, int]
    """The number of each series that is compared with its own normal rows. If there is one, the graph has a second
    input, `series` (B,); 0 stands for every other series, which is compared with all normal rows."""

    def __init__(
        self,
        trained: TrainedModel,
        calibration: Calibration,
        threshold: float,
        how: Aggregate,
        largest: int,
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.model, self.task, self.how, self.threshold = trained.model, trained.task, how, threshold
        self.largest = 1 if how == "max" else min(largest, len(trained.outputs))
        normalisation = trained.runner.normalisation
        # In the type in which `apply` computes: other runtimes need not know float64 for float32 windows.
        self._keep("mean", normalisation.mean.to(dtype))
        self._keep("scale", normalisation.scale.to(dtype))
        self._keep("normal_mean", calibration.mean)
        self._keep("normal_scale", calibration.scale)
        normal = NormalRows(calibration, how, largest)
        own = normal.series if len(set(calibration.series.tolist())) > 1 else {}
        self.series_numbers = {name: number + 1 for number, name in enumerate(own)}
        kinds, kind_of_row = np.unique(bits_of_positions(len(calibration.mean)), return_inverse=True)
        usual = [[normal.usual(bits, series) for bits in kinds.tolist()] for series in (-1, *own.values())]
        for name in ("mean", "spread", "middle", "high"):
            values = np.array([[getattr(one, name) for one in of_series] for of_series in usual])
            self._keep(f"usual_{name}", torch.from_numpy(values).float()[:, kind_of_row])

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of them."""
        return ("windows", "series") if self.series_numbers else ("windows",)

    def forward(self, windows: Tensor, series: Tensor | None = None) -> Figures:
        """Outputs for windows (B, K, N) in the channels' own units, NaN where a value is missing.

        `series` (B,) are numbers as in `series_numbers`.
        """
        return self._judged(self._run(windows), series)

    @torch.no_grad()
    def effect_of_rounding(self, share: float, windows: Tensor, series: Tensor | None = None) -> Figures:
        """How much farther off outputs are, if predictions are by a share of the largest value of a window.

        Values are those that the model sees, and 1 if all are smaller.
        """
        exact = self._run(windows)
        predicted, samples = exact.predicted, exact.samples
        step = share * samples.inputs.abs().amax((1, 2)).clamp(min=1.0).reshape(-1, *[1] * (predicted.ndim - 1))
        moved = predicted + torch.where(predicted < samples.expected, -step, step)
        outputs = zip(
            self._judged(exact._replace(predicted=moved), series), self._judged(exact, series), strict=True
        )
        score, alarm, scores, errors = [(after.float() - before.float()).abs() for after, before in outputs]
        return score, alarm, scores, errors

    def _run(self, windows: Tensor) -> Outcome:
        mask = ~windows.isnan()
        inputs = Normalisation(self.get_buffer("mean"), self.get_buffer("scale")).apply(windows, mask)
        samples = self.task.samples(inputs, mask, None)
        return Outcome(self.model(samples.inputs).float(), samples, self.task)

    def _judged(self, outcome: Outcome, series: Tensor | None) -> Figures:
        errors = (outcome.errors() - self.get_buffer("normal_mean")) / self.get_buffer("normal_scale")
        errors = (errors - self._usual("mean", series)) / self._usual("spread", series)
        scores = (self._together(errors) - self._usual("middle", series)) / self._usual("high", series)
        newest = scores[:, -1]
        return newest, newest > self.threshold, scores, errors

    def _keep(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.detach().clone())

    def _usual(self, name: str, series: Tensor | None) -> Tensor:
        """What is usual (J, ...) at each position; of a series (B, J, ...) where there are several."""
        values = self.get_buffer(f"usual_{name}")
        return values[0] if series is None else values[series.clamp(min=0)]

    def _together(self, errors: Tensor) -> Tensor:
        """As `scoring.aggregation`, of (B, J, T)."""
        is_there = ~errors.isnan()
        if self.how == "log":
            errors = errors.clamp(min=-0.9).log1p()
        if self.how in ("max", "largest"):
            errors = torch.where(is_there, errors, -torch.inf).topk(self.largest, dim=-1).values
            is_there = errors > -torch.inf
        return torch.where(is_there, errors, 0.0).sum(dim=-1) / is_there.sum(dim=-1)
