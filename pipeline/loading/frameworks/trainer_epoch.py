"""The epoch that a trainer is in, as Lightning tells it: to the sampler of a loader, before each epoch."""

from collections.abc import Iterator

from torch.utils.data import Sampler

__all__ = ["TrainerEpoch"]


class TrainerEpoch(Sampler[None]):
    """Stands where a loader of torch has its sampler, and keeps the epoch.

    It knows nothing of its loader: in a circle, workers of a loader that is dropped would live on.
    """

    def __init__(self) -> None:
        """No trainer has told it anything yet."""
        self.epoch = 0

    def __iter__(self) -> Iterator[None]:
        """As torch's own sampler of an iterable dataset: nothing is chosen by it."""
        while True:
            yield None

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins."""
        self.epoch = epoch
