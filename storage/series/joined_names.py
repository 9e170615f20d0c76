"""What stores are called where several are used together, and their series, of which two may have one name."""

import os
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["JOINED_BY", "names_in", "series_names_of", "short_names"]

JOINED_BY = " + "


def short_names(names: Sequence[str]) -> list[str]:
    """For each store the shortest end of its path that tells it apart from the others; numbers where none does."""
    ends = [_ends_of(name) for name in names]
    for number in range(max(map(len, ends))):
        found = [of_one[min(number, len(of_one) - 1)] for of_one in ends]
        if len(set(found)) == len(found):
            return found
    return [f"{number}: {of_one[0]}" for number, of_one in enumerate(ends, start=1)]


def series_names_of(series: Sequence[Sequence[str]], labels: Sequence[str]) -> tuple[str, ...]:
    """The names of the series of all stores; where two would have one name, the store is named before it."""
    counts = Counter(name for names in series for name in names)
    stores = list(zip(labels, series, strict=True))
    found = [_of_store(label, name) if counts[name] > 1 else name for label, names in stores for name in names]
    if len(set(found)) < len(found):  # a series is called as another one of a store
        found = [f"{number}: {name}" for number, (_, names) in enumerate(stores, start=1) for name in names]
    return tuple(found)


def names_in(store: str, series: str) -> tuple[str, ...]:
    """By which names a series of a store may be known where several stores are used together; its own first."""
    return series, *(_of_store(end, series) for end in reversed(_ends_of(store)))


def _of_store(label: str, series: str) -> str:
    return f"{label}: {series}" if series else label


def _ends_of(name: str) -> list[str]:
    """The last part of the path of a store, the last two, and so on."""
    is_path = "://" not in name and not name.startswith("the ")  # an array that has no file is called "the ..."
    return _ends(os.path.abspath(name) if is_path else name)  # noqa: PTH100 (links are kept)


@lru_cache(maxsize=1024)
def _ends(path: str) -> list[str]:
    parts = path.rstrip("/").split("/")
    return ["/".join(parts[-number:]) for number in range(1, len(parts) + 1)]
