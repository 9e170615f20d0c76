"""What a run keeps of its store, besides its channels: not needed to score, but to tell what a model is of."""

from dataclasses import dataclass
from typing import Any

from longstride.storage.series.data import SeriesData

__all__ = ["StoreFacts"]


@dataclass(frozen=True)
class StoreFacts:
    """Units and step; None where they are not known, as in runs of older versions."""

    units: list[str | None]
    """(N,)"""
    cadence_ns: int | None
    """The usual step, in nanoseconds."""

    @staticmethod
    def of(store: SeriesData, channels: tuple[str, ...]) -> "StoreFacts":
        """Those of some channels of a store or array."""
        cadence = int(store.cadence_ns) if store.has_cadence else None
        return StoreFacts([store.units[store.channels.index(name)] for name in channels], cadence)

    @staticmethod
    def from_saved(fields: dict[str, Any] | None, num_channels: int) -> "StoreFacts":
        """Inverse of `vars`, all unknown for None. Raises ValueError for what cannot be of N channels."""
        if fields is None:
            return StoreFacts([None] * num_channels, None)
        found = StoreFacts(fields["units"], fields["cadence_ns"])
        is_right = isinstance(found.units, list) and len(found.units) == num_channels
        is_right &= is_right and all(unit is None or isinstance(unit, str) for unit in found.units)
        is_right &= found.cadence_ns is None or (isinstance(found.cadence_ns, int) and found.cadence_ns > 0)
        if not is_right:
            raise ValueError(f"the facts of the store are not of {num_channels} channels")
        return found
