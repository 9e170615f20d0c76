"""The last rows that are predicted, without the others: some models need not compute those."""

from torch import Tensor, nn

__all__ = ["last_rows"]


def last_rows(model: nn.Module, windows: Tensor, number: int) -> Tensor:
    """The last rows (b, number, ...) of what a model predicts from windows (b, K, N).

    A model may have a method `last_rows(windows, number)`, which gives the end of its whole output. Of any other
    model, that end is taken.
    """
    own = getattr(model, "last_rows", None)
    found: Tensor = model(windows)[:, -number:] if own is None else own(windows, number)
    return found
