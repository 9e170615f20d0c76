"""A store to batches of windows (B, K, N)."""

from pipeline.loading.batch import WindowBatch
from pipeline.loading.dataset import WindowDataset
from pipeline.loading.loader import WindowLoader
from pipeline.loading.splits import Split, Splits, split_by_time
from pipeline.loading.windows import WindowIndex

__all__ = ["Split", "Splits", "WindowBatch", "WindowDataset", "WindowIndex", "WindowLoader", "split_by_time"]
