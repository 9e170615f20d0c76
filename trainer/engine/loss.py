"""The error over the values that are present."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from longstride.trainer.errors import SettingsError
from longstride.trainer.resolve import call_named, named
from longstride.trainer.settings import TaskSettings
from longstride.trainer.tasks.forecast import pinball

__all__ = ["LOSSES", "ErrorOfValues", "make_loss", "total_error"]

ErrorOfValues = Callable[[Tensor, Tensor], Tensor]
"""From predictions and what was expected, of one shape (b, ...), the error of each value, of the same shape."""

LOSSES: dict[str, ErrorOfValues] = {
    "mse": nn.MSELoss(reduction="none"),
    "mae": nn.L1Loss(reduction="none"),
    "huber": nn.HuberLoss(reduction="none"),
}
"""Built in, by name."""
LABEL_LOSS: ErrorOfValues = nn.BCEWithLogitsLoss(reduction="none")


def make_loss(name: str | None, task: TaskSettings, output: tuple[int, ...]) -> ErrorOfValues:
    """The loss of a name or import path, of predictions (b, *`output`); where there is none, what suits the task.

    Raises SettingsError where there is none, or it does not give an error for each value.
    """
    if name is None and task.quantiles:
        return partial(pinball, quantiles=tuple(task.quantiles))
    if name is None:
        return LABEL_LOSS if task.task == "classify" else LOSSES["mse"]
    if name in LOSSES and (task.task == "classify" or task.quantiles):
        raise SettingsError(
            f"--loss {name} is for values, not for labels or quantiles: leave it out, or give a function of yours",
            code="option-value",
        )
    loss: ErrorOfValues = named("--loss", name, LOSSES)
    if name not in LOSSES:
        shape = (2, *output)
        predicted = torch.zeros(shape, requires_grad=True)
        found = call_named("--loss", name, LOSSES, predicted, torch.zeros(shape))
        if not isinstance(found, Tensor) or found.shape != shape:
            what = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
            raise SettingsError(
                f"--loss {name} gave {what} for predictions of shape {shape}: it must give the error of each "
                "value, since those that are missing are left out afterwards (in torch, reduction='none')",
                code="option-value",
            )
        if not found.requires_grad:
            raise SettingsError(
                f"--loss {name} gave errors without a gradient by the predictions: it must compute them by "
                "functions of torch that have one, from the predictions that it is given",
                code="option-value",
            )
    return loss


def total_error(loss: ErrorOfValues, prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """Sum of the errors of the values where `mask` is True, a float64 scalar; all three are of one shape (b, ...).

    A sum, not a mean: ranks hold unequal numbers of valid values, so a mean of their means is not the mean.
    Divide by the count of all ranks. Where a value is missing, the loss sees two equal numbers, and what it makes
    of them counts neither in the sum nor in the gradient. Raises SettingsError where the first two differ in
    shape.
    """
    # Subtraction would broadcast shapes that differ, in silence.
    if prediction.shape != target.shape:
        raise SettingsError(
            f"the model gave {tuple(prediction.shape)} where {tuple(target.shape)} was expected: --model must "
            "name one that returns (b, *shape.output), of the shape that it is made for",
            code="option-value",
        )
    assert mask is None or mask.shape == target.shape, f"{tuple(mask.shape)} against {tuple(target.shape)}"
    if mask is None:
        return loss(prediction.float(), target).sum(dtype=torch.float64)
    # A choice, not a product: infinity times zero is NaN. Both are needed: of the loss, and of its gradient.
    error = loss(torch.where(mask, prediction.float(), target), target)
    return torch.where(mask, error, 0.0).sum(dtype=torch.float64)
