"""The epoch that a trainer is in, as Lightning tells it: to the sampler of a loader, before each epoch."""

from collections.abc import Callable, Iterator

from torch.utils.data import Sampler

__all__ = ["TrainerEpoch"]


class TrainerEpoch(Sampler[None]):
    """Stands where a loader of torch has its sampler, and hands on the epoch."""

    def __init__(self, take: Callable[[int], None]) -> None:
        """`take` is called with the number of each epoch."""
        self._take = take

    def __iter__(self) -> Iterator[None]:
        """As torch's own sampler of an iterable dataset: nothing is chosen by it."""
        while True:
            yield None

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch begins."""
        self._take(epoch)
