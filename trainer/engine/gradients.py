"""The gradient of a batch: that of the mean error over the values that are there, on all ranks, in any parts."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from longstride.trainer.engine.loss import ErrorOfValues, total_error

__all__ = ["add_gradients", "rescale_gradients"]


def add_gradients(
    model: nn.Module,
    loss: ErrorOfValues,
    inputs: Tensor,
    mask: Tensor | None,
    *,
    parts: int,
    scale: float,
    scaler: torch.amp.GradScaler,
    autocast: Callable[[], AbstractContextManager[Any]],
) -> Tensor:
    """Add to each weight the gradient of `scale` times the error of this rank's windows (b, K, N).

    The windows are taken in so many parts, one after the other, so that only one of them is in memory; ranks wait
    for each other in the last alone. Returns the error, not scaled, a float64 scalar.
    """
    error = torch.zeros((), dtype=torch.float64, device=inputs.device)
    pieces = inputs.chunk(parts)
    masks = [None] * len(pieces) if mask is None else mask.chunk(parts)
    for number, (piece, present) in enumerate(zip(pieces, masks, strict=True), start=1):
        is_last = number == len(pieces)
        with model.no_sync() if isinstance(model, DistributedDataParallel) and not is_last else nullcontext():
            with autocast():
                prediction = model(piece)
            of_piece = total_error(loss, prediction, piece, present)
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
