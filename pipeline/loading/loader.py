"""The loader that a training loop iterates."""

import os
from collections.abc import Iterator

from torch.utils.data import DataLoader

from pipeline.loading.dataset import WindowBatch, WindowDataset
from pipeline.loading.order import BLOCK_ROWS, POOL_ROWS
from pipeline.loading.splits import Split
from storage.store import SeriesStore

__all__ = ["WindowLoader"]


class WindowLoader(DataLoader[WindowBatch]):
    """A torch `DataLoader` of `WindowBatch`es, each (B, K, N).

        loader = WindowLoader(store, window=K, stride=s, batch_size=B, seed=0, rank=rank, world_size=world_size)
        for epoch in range(epochs):
            loader.set_epoch(epoch)
            for batch in loader:
                ...

    A batch is gathered once, in the process that uses it: the store is mapped memory, and one `index_select`
    into a buffer that is used again is as fast as a copy can be. A buffer is never used again while the batch,
    or any view of it, is still referred to.
    """

    dataset: WindowDataset

    def __init__(
        self,
        store: SeriesStore | str | os.PathLike[str],
        *,
        window: int,
        stride: int = 1,
        horizon: int = 0,
        batch_size: int,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        split: Split | None = None,
        lanes: int | None = None,
        pool_rows: int = POOL_ROWS,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        """Take the arguments of `WindowDataset`; `store` may be a path. `batch_size` counts over all ranks."""
        dataset = WindowDataset(
            store if isinstance(store, SeriesStore) else SeriesStore.open(store),
            window=window,
            stride=stride,
            horizon=horizon,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            rank=rank,
            world_size=world_size,
            split=split,
            lanes=lanes,
            pool_rows=pool_rows,
            block_rows=block_rows,
        )
        super().__init__(dataset, batch_size=None)

    @property
    def num_windows(self) -> int:
        """Windows of the split, W."""
        return len(self.dataset.index)

    @property
    def num_dropped(self) -> int:
        """Windows that a shuffled epoch leaves out: fewer than one global batch."""
        return self.dataset.order.num_dropped

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the batches depend on, epoch and step apart."""
        return self.dataset.fingerprint

    def set_epoch(self, epoch: int, step: int = 0) -> None:
        """Let the next iteration serve `epoch` from `step` on."""
        self.dataset.set_epoch(epoch, step)

    def __iter__(self) -> Iterator[WindowBatch]:  # type: ignore[override]
        # torch's own iterator would only add its overhead to each batch: there is no worker to ask.
        return iter(self.dataset)
