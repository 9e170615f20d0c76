"""Windows of several lengths: each batch has one, drawn by seed, epoch and step."""

from collections.abc import Iterator

import torch

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.geometry.lengths import RowsOf
from longstride.pipeline.loading.geometry.sizes import Geometry
from longstride.pipeline.loading.options import DatasetOptions
from longstride.pipeline.loading.ordering.hashing import derive
from longstride.storage.series.data import SeriesData

__all__ = ["DrawnLengths", "drawn_lengths"]

PURPOSE = 0x6C656E
"""Keeps these draws apart from those of the order."""


class DrawnLengths:
    """Draws a length for each step, and gives so many last rows of its windows, which are of the longest."""

    def __init__(self, rows: tuple[int, ...], geometry: Geometry, seed: int) -> None:
        """`rows` are the lengths; `geometry` is that of the longest."""
        self.rows = rows
        self._geometry = geometry
        self._seed = seed

    def at(self, epoch: int, step: int) -> int:
        """Rows of the windows of this step, the same on every rank."""
        return self.rows[derive(PURPOSE, self._seed, epoch, step) % len(self.rows)]

    def over(self, batches: Iterator[WindowBatch], epoch: int, step: int, every: int = 1) -> Iterator[WindowBatch]:
        """The batches of every so many-th step from `step` on, each with windows of its length."""
        for number, batch in enumerate(batches):
            yield self._last(batch, self.at(epoch, step + number * every))

    def _last(self, batch: WindowBatch, rows: int) -> WindowBatch:
        skip = self._geometry.window - rows
        if not skip:
            return batch
        of_rows = ["values", "mask", "time", "calendar", "label"]
        if not self._geometry.horizon:
            of_rows += ["target", "target_mask"]
        fields = {name: getattr(batch, name) for name in of_rows}
        per_row = {name: field for name, field in fields.items() if field is not None and field.ndim > 1}
        if batch.label is not None and batch.label.ndim == 2:
            del per_row["label"]  # that of the last row
        cut = {name: field[:, skip:].contiguous() for name, field in per_row.items()}
        start = torch.where(batch.start < 0, batch.start, batch.start + skip * self._geometry.dilation)
        return batch._replace(start=start, **cut)


def drawn_lengths(options: DatasetOptions, geometry: Geometry, store: SeriesData) -> DrawnLengths | None:
    """What draws lengths, where the options name several; None otherwise.

    Raises LongstrideError for a duration that is not a whole number of steps of the store.
    """
    rows_of = RowsOf(store)
    rows = tuple(rows_of("window", length, geometry.dilation) for length in options.windows)
    return DrawnLengths(rows, geometry, options.seed) if rows else None
