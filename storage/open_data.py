"""Whatever windows can be served of, opened: a store, or an array that others made; or several of them."""

import os
from typing import Any, Protocol

from numpy.typing import NDArray

from longstride.storage.arrays.files import is_array_file
from longstride.storage.arrays.from_array import from_array
from longstride.storage.errors import LongstrideError
from longstride.storage.location import is_url
from longstride.storage.open import open_store
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import JoinedData

__all__ = ["DataOrPath", "opened_data", "opened_together"]


class Arraylike(Protocol):
    """An array of numpy, a tensor of torch, or anything else that numpy takes as an array."""

    def __array__(self) -> NDArray[Any]: ...


DataOrPath = SeriesData | Arraylike | str | os.PathLike[str]


def opened_data(source: Any) -> SeriesData:
    """Series as they are, the store or array at a path, or an array as `from_array` takes it without options.

    Raises StoreError as `open_store`, and LongstrideError as `from_array`.
    """
    if isinstance(source, SeriesData):
        return source
    if isinstance(source, str | os.PathLike) and (is_url(source) or not is_array_file(source)):
        return open_store(source)
    return from_array(source)


def opened_together(source: Any) -> SeriesData:
    """One of those, or a list of several, joined. Raises as `opened_data`, and LongstrideError as JoinedData."""
    if not isinstance(source, list | tuple):
        return opened_data(source)
    if not source:
        raise LongstrideError("no store is given: expected at least one", code="option-value")
    opened = [opened_data(one) for one in source]
    return opened[0] if len(opened) == 1 else JoinedData(opened)
