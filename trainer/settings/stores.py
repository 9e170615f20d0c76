"""What a run keeps of the stores that it is trained on: their names."""

import math
import os
from collections.abc import Sequence
from typing import Any

from longstride.storage.location import place_of
from longstride.storage.places.folder import Folder
from longstride.trainer.checks import check

__all__ = ["IN_MEMORY", "check_weights", "kept_names"]

IN_MEMORY = "memory://"
"""With what it is called, all that a run keeps of an array that has no path."""


def kept_names(store: Any) -> str | tuple[str, ...]:
    """The name of a store, its path being absolute; of a list of several stores, those of each.

    Raises SettingsError for what is not a store, an array, or the path or URL of one.
    """
    if not isinstance(store, list | tuple):
        return _kept(store)
    check(len(store) > 0, "store", store, "at least one store")
    return _kept(store[0]) if len(store) == 1 else tuple(_kept(one) for one in store)


def check_weights(weights: Sequence[float] | None, names: str | tuple[str, ...], series: str | None) -> None:
    """Raise SettingsError for shares of stores that are not one for each of several, all above 0."""
    if weights is None:
        return
    number = 1 if isinstance(names, str) else len(names)
    shown = ",".join(f"{weight:g}" for weight in weights)
    check(number > 1, "weights", shown, "left out for a single store")
    check(series is None, "weights", shown, "left out where a model has one series alone")
    is_right = len(weights) == number and all(0 < weight < math.inf for weight in weights)
    check(is_right, "weights", shown, f"{number} numbers above 0, one for each store")


def _kept(store: Any) -> str:
    if not isinstance(store, str | os.PathLike):
        store = _name_of(store)
    if isinstance(place := place_of(store), Folder):
        # A run is scored from other folders than it was trained in.
        store = os.path.abspath(place.path)  # noqa: PTH100 (links are kept)
    return str(os.fspath(store))


def _name_of(data: Any) -> str:
    """What a run keeps of a store that is open, or of an array. Raises SettingsError for anything else."""
    is_array = hasattr(data, "__array__")
    name = type(data).__name__ if is_array else getattr(data, "name", None)
    check(isinstance(name, str), "store", data, "an open store, the path or URL of one, or an array")
    # What lies in memory has no path: `from_array` calls it "the ndarray".
    in_memory = is_array or str(name).startswith("the ")
    return IN_MEMORY + str(name).removeprefix("the ") if in_memory else str(name)
