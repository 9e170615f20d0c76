"""What a run keeps of its store, besides its channels: not needed to score, but to tell what a model is of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from longstride.storage.series.data import SeriesData
from longstride.trainer.engine.normalisation import WIDE

__all__ = ["StoreFacts"]

WIDE_NAMES = [str(dtype).removeprefix("torch.") for dtype in WIDE]


@dataclass(frozen=True)
class StoreFacts:
    """Units, step and type of values; None where they are not known, as in runs of older versions."""

    units: list[str | None]
    """(N,)"""
    cadence_ns: int | None
    """The usual step, in nanoseconds."""
    dtype: str | None

    @property
    def is_wide(self) -> bool:
        """Whether values have more digits than float32."""
        return self.dtype in WIDE_NAMES

    @staticmethod
    def of(store: SeriesData) -> "StoreFacts":
        """Those of a store or array."""
        cadence = int(store.cadence_ns) if store.has_cadence else None
        return StoreFacts(list(store.units), cadence, np.dtype(store.dtype).name)

    @staticmethod
    def from_saved(fields: dict[str, Any] | None, num_channels: int) -> "StoreFacts":
        """Inverse of `vars`, all unknown for None. Raises ValueError for what cannot be of N channels."""
        if fields is None:
            return StoreFacts([None] * num_channels, None, None)
        found = StoreFacts(**fields)
        is_right = isinstance(found.units, list) and len(found.units) == num_channels
        is_right &= is_right and all(unit is None or isinstance(unit, str) for unit in found.units)
        is_right &= found.cadence_ns is None or (isinstance(found.cadence_ns, int) and found.cadence_ns > 0)
        if not is_right or not (found.dtype is None or isinstance(found.dtype, str)):
            raise ValueError(f"the facts of the store are not of {num_channels} channels")
        return found
