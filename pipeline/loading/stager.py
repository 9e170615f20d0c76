"""Making the next thing while the one before is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made by a thread while the one before is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="longstride-stager") as stager:
        task = stager.submit(next, items, None)
        while (item := task.result()) is not None:
            task = stager.submit(next, items, None)
            yield item
