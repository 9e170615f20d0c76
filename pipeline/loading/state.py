"""Where a loader is in its epochs: a few numbers at any step, and what they are true of."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore

__all__ = ["LoaderState", "data_hash"]

FORMAT = 1
MEANING = {
    "data": "other rows: the store was made again or appended to, or another split or selection is taken",
}
"""What differs, where a name and two values do not say it."""


@dataclass(frozen=True)
class LoaderState:
    """Batches consumed, of which order."""

    epoch: int
    step: int
    """Batches of the epoch that were consumed."""
    order: Mapping[str, Any]
    """Everything that the batches depend on, except epoch and step."""

    def as_plain(self) -> dict[str, Any]:
        """For a checkpoint: plain values of constant size."""
        return {"format": FORMAT, "epoch": self.epoch, "step": self.step, "order": dict(self.order)}

    @staticmethod
    def from_plain(plain: Mapping[str, Any], order: Mapping[str, Any]) -> "LoaderState":
        """Inverse of `as_plain`. Raises LongstrideError unless it is a state of this very order."""
        found = plain.get("format") if isinstance(plain, Mapping) else type(plain).__name__
        if found != FORMAT:
            raise LongstrideError(
                f"the state has format {found}, this version reads {FORMAT}: resume with the version that made it",
                code="state-format",
            )
        before: Mapping[str, Any] = plain.get("order", {})
        different = [
            MEANING.get(name, f"{name} is {order.get(name)!r} here and was {before.get(name)!r}")
            for name in sorted({*before, *order})
            if before.get(name) != order.get(name)
        ]
        if different:
            raise LongstrideError(
                f"the state belongs to other batches: {'; '.join(different)}. Resume with the options of that "
                "state, or begin a new run",
                code="state-differs",
            )
        epoch, step = plain.get("epoch"), plain.get("step")
        if not (isinstance(epoch, int) and isinstance(step, int)):
            raise LongstrideError(
                f"the state has epoch {epoch!r} and step {step!r}: expected two whole numbers", code="state-format"
            )
        return LoaderState(epoch, step, order)


def data_hash(stores: Sequence[SeriesStore], index: WindowIndex) -> str:
    """Hash of the rows that windows are taken from, and of where they begin."""
    digest = hashlib.sha256()
    for store in stores:
        digest.update(np.array(store.attributes["checksums_crc32c"]["values"], "<u4").tobytes())
    for bounds in (index.segments.start, index.segments.stop):
        digest.update(bounds.astype("<i8").tobytes())
    return digest.hexdigest()
