"""A store to batches of windows (B, K, N)."""

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.dataset import WindowDataset
from longstride.pipeline.loading.loader import WindowLoader
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.pipeline.loading.splits import Split, Splits, split_by_time

__all__ = ["Split", "Splits", "WindowBatch", "WindowDataset", "WindowIndex", "WindowLoader", "split_by_time"]
