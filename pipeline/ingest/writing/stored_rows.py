"""Rows on their way into a store: merged ones by the rules of a recipe, series by series, to the writer."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType

from longstride.pipeline.ingest.plan import Plan
from longstride.pipeline.ingest.writing.buckets import Bucket
from longstride.pipeline.ingest.writing.merge import MergedRows
from longstride.pipeline.ingest.writing.row_rules import RowRules
from longstride.pipeline.ingest.writing.target import NewStore
from longstride.storage.format import StoreLayout
from longstride.storage.writing.lock import StoreLock

__all__ = ["StoredRows"]


class StoredRows:
    """Writes rows; all that is written is gone in the end, unless it was committed."""

    def __init__(self, plan: Plan, lock: StoreLock, target: NewStore, sensors: Sequence[str] | None) -> None:
        """`sensors` are the names that a pivot makes channels of. Raises RecipeError for settings of others."""
        recipe = plan.recipe
        plan = replace(plan, union=target.columns(plan.union, pivot=recipe.pivot is not None))
        channels = plan.store_channels(sensors)
        plan.check_settings(channels)
        layout = StoreLayout(
            channels=tuple(channel.name for channel in channels),
            units=tuple(recipe.unit_of(channel.name, channel.column) for channel in channels),
            labels=plan.labels,
            dtype=recipe.dtype,
        )
        self._target = target
        self._looks_for_missing = recipe.split_on_missing is not None
        self._series: str | None = None
        self.shape = plan.shape(sensors)
        self.writer = target.writer(lock, layout)
        self.rules = RowRules(self.writer, channels, recipe, len(plan.sources))

    def __enter__(self) -> "StoredRows":
        self.writer.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.__exit__(kind, error, trace)

    def add(self, bucket: Bucket, merged: MergedRows) -> None:
        """Take the rows of the next bucket, in the order of series and time."""
        if self._series is None:
            self._target.resume(self.rules, bucket.series, look_for_missing=self._looks_for_missing)
        if bucket.series != self._series:
            self._series = bucket.series
            self.rules.begin_series(bucket.series)
        self.rules.add(merged)
        if bucket.ends_series:
            self.rules.end_series()
