"""Making the next thing while the one before is used."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Prefetch"]

Item = TypeVar("Item")


class Prefetch(Generic[Item]):
    """The same items, each made by a thread while the one before is used."""

    def __init__(self, items: Iterator[Item]) -> None:
        """No item is made before the first is asked for."""
        self._items = items
        self._next: Future[Item | None] | None = None

    def __iter__(self) -> Iterator[Item]:
        with ThreadPoolExecutor(1, thread_name_prefix="longstride-prefetch") as thread:
            self._next = thread.submit(next, self._items, None)
            while (item := self._next.result()) is not None:
                self._next = thread.submit(next, self._items, None)
                yield item

    @property
    def is_making(self) -> bool:
        """Whether an item is being made now."""
        return self._next is not None and not self._next.done()
