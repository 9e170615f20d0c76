"""Models that are fitted in one pass over the windows, instead of trained step by step."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

from torch import Tensor, nn

__all__ = ["Fitted", "Together"]

T = TypeVar("T")


class Together(Protocol):
    """The processes of a run, each of which has seen windows of its own; or the only one."""

    def add_up(self, tensor: Tensor) -> None:
        """Sum a tensor over all of them, in its place."""

    def gather(self, item: T) -> list[T]:
        """The item of each."""
        ...

    def on_first(self, function: Callable[[], T]) -> T:
        """What a function returns in the first of them."""
        ...


class Fitted(nn.Module, ABC):
    """Takes and returns windows (B, K, N) once it is fitted: `observe` each batch, then `settle` once."""

    @abstractmethod
    def observe(self, windows: Tensor, starts: Tensor) -> None:
        """Take notice of windows (b, K, N), whose first rows have these numbers (b,) in the store."""

    @abstractmethod
    def settle(self, ranks: Together) -> None:
        """Fit what all processes have seen: the same in each of them, for any number of them."""
