"""The gradient of a batch: of the mean error over the values present on all ranks, in any number of parts."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from longstride.trainer.engine.loss import ErrorOfValues
from longstride.trainer.engine.model_runner import ModelRunner
from longstride.trainer.tasks.task import Samples

__all__ = ["add_gradients", "rescale_gradients"]


def add_gradients(
    runner: ModelRunner,
    model: nn.Module,
    loss: ErrorOfValues,
    samples: Samples,
    *,
    parts: int,
    scale: float,
    scaler: torch.amp.GradScaler,
) -> Tensor:
    """Add to each weight the gradient of `scale` times the error of this rank's samples.

    They are taken in `parts`, one after the other, so that only one part is in memory; ranks wait for each
    other only in the last one. Returns the error, not scaled, a float64 scalar.
    """
    error = torch.zeros((), dtype=torch.float64, device=samples.inputs.device)
    pieces = list(samples.chunk(parts))
    for number, piece in enumerate(pieces, start=1):
        is_last = number == len(pieces)
        with model.no_sync() if isinstance(model, DistributedDataParallel) and not is_last else nullcontext():
            of_piece = runner.run(model, piece).total_error(loss)
            scaler.scale(of_piece * scale).backward()  # type: ignore[no-untyped-call]
        error += of_piece.detach()
    return error


def rescale_gradients(model: nn.Module, factor: float) -> None:
    """Multiply all gradients: how many values there are on all ranks is known only when all have counted."""
    if factor == 1:
        return
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
