"""The last rows of reconstructed windows alone: some models need not compute the others."""

from torch import Tensor, nn

__all__ = ["last_rows"]


def last_rows(model: nn.Module, windows: Tensor, number: int) -> Tensor:
    """What a model makes of the last rows (b, number, N) of windows (b, K, N).

    A model may have a method `last_rows(windows, number)`, which gives what the end of its whole output is. Of any
    other model, that end is taken.
    """
    own = getattr(model, "last_rows", None)
    found: Tensor = model(windows)[:, -number:] if own is None else own(windows, number)
    return found
