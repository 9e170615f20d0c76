"""The type of the fixture `store_of`."""

from collections.abc import Callable

from longstride.storage.store import SeriesStore

StoreOf = Callable[..., SeriesStore]
