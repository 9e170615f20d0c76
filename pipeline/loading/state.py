"""Where a loader is in its epochs: a few numbers at any step, and what they are true of."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.errors import LongstrideError
from longstride.storage.series.data import SeriesData

__all__ = ["LoaderState", "Position", "data_hash", "hashes_of_tables"]

FORMAT = 1
MAX_SHOWN = 80
MEANING = {
    "data": "other rows: the store was made again or appended to, or another split or selection is taken",
    "static": "other values of static",
    "rows of labels": "other labels: the same rows are labelled in another way",
    "rows of time": "other times of the same rows",
    "rows of series": "the same rows belong to other series",
    "normalise": "values are normalised by other numbers, or in another way",
}
"""What differs, where a name and two values do not say it."""


@dataclass
class Position:
    """Where an iteration is."""

    epoch: int
    step: int
    """The step that is served next."""


@dataclass(frozen=True)
class LoaderState:
    """Batches consumed, of which order."""

    epoch: int
    step: int
    """Batches of the epoch that were consumed."""
    order: Mapping[str, Any]
    """Everything that the batches depend on, except epoch and step."""
    every: int = 1
    """A worker process of a plain `DataLoader` serves every so many steps, `step` next."""

    def as_plain(self) -> dict[str, Any]:
        """For a checkpoint: plain values of constant size."""
        plain = {"format": FORMAT, "epoch": self.epoch, "step": self.step, "order": dict(self.order)}
        return plain if self.every == 1 else {**plain, "every": self.every}

    @staticmethod
    def from_plain(plain: Mapping[str, Any], order: Mapping[str, Any], every: int = 1) -> "LoaderState":
        """Inverse of `as_plain`. Raises LongstrideError unless it is a state of this very order."""
        if not _is_state(plain):
            shown = " ".join(repr(plain).split())[:MAX_SHOWN]
            raise LongstrideError(
                f"the state is {shown}: expected what `state_dict` of a loader returned", code="state-format"
            )
        if plain["format"] != FORMAT:
            raise LongstrideError(
                f"the state has format {plain['format']}, this version reads {FORMAT}: resume with the version "
                "that made it",
                code="state-format",
            )
        before: Mapping[str, Any] = plain["order"]
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
        epoch, step = plain["epoch"], plain["step"]
        if not all(type(number) is int and 0 <= number < 2**63 for number in (epoch, step)):
            raise LongstrideError(
                f"the state has epoch {epoch!r:.80} and step {step!r:.80}: expected two whole numbers",
                code="state-format",
            )
        if plain.get("every", 1) != every:
            raise LongstrideError(
                f"the state is of one of {plain.get('every', 1)!r:.80} processes that share the steps, "
                f"and here are {every}: resume with as many workers, and give the state to what returned it",
                code="state-differs",
            )
        return LoaderState(epoch, step, order, every)


def _is_state(plain: object) -> bool:
    """Whether it has the parts of a state, all of them plain values: a checkpoint may hold anything."""
    if not (isinstance(plain, Mapping) and plain.keys() >= {"format", "epoch", "step", "order"}):
        return False
    try:
        json.dumps(dict(plain))
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(plain["order"], Mapping) and all(isinstance(name, str) for name in plain["order"])


def data_hash(stores: Sequence[SeriesData], index: WindowIndex) -> str:
    """Hash of the rows that windows are taken from, and of where they begin."""
    digest = hashlib.sha256()
    for store in stores:
        digest.update(store.fingerprint)
    for bounds in (index.segments.start, index.segments.stop):
        digest.update(bounds.astype("<i8").tobytes())
    return digest.hexdigest()


def hashes_of_tables(stores: Sequence[SeriesData], index: WindowIndex, tables: Collection[str]) -> dict[str, str]:
    """Hashes of what else batches hold or are drawn by: labels, time or series of all rows."""
    found = {}
    for table in sorted(tables):
        digest = hashlib.sha256()
        for store in stores:
            told = repr(store.series).encode() if table == "series" else store.fingerprint_of(table)
            digest.update(told)
        if table == "series":
            digest.update(index.segments.series.astype("<i8").tobytes())
        found[f"rows of {table}"] = digest.hexdigest()[:16]
    return found
