"""Ways of having batches on a device: made there of pools or of the whole log, or made by the host and sent."""

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.harness.case import Case
from benchmarks.harness.results import SEED
from benchmarks.harness.sizes import Sizes
from benchmarks.peers.in_place.memmap import loader as memmap_loader
from benchmarks.peers.longstride import loader_of
from longstride import WindowDataset
from longstride.storage.open import open_store

__all__ = ["DeviceWays"]


class DeviceWays:
    """Endless batches (B, K, N) on a device, by way, and what was sent for them."""

    def __init__(self, store: Path, raw: Path, case: Sizes, device: torch.device) -> None:
        self._store = store
        self._raw = raw
        self.case = case
        self.device = device
        self._pools = loader_of(store, case, device=device)
        self._num_expanded = 0

    @property
    def bytes_per_expanded_window(self) -> float:
        """Sent so far."""
        assert self._pools.pools
        return self._pools.pools.bytes_sent / max(self._num_expanded, 1)

    def expanded(self) -> Iterator[Tensor]:
        """Made on the device of the rows of a pool."""
        for epoch in itertools.count():
            self._pools.set_epoch(epoch)
            for batch in self._pools:
                self._num_expanded += len(batch.values)
                yield batch.values

    def host(self) -> Iterator[Tensor]:
        """Made on the host, page-locked and sent: our dataset in a plain `DataLoader`."""
        sizes = self.case
        dataset = WindowDataset(
            self._store, window=sizes.window, stride=sizes.stride, batch_size=sizes.batch, seed=SEED
        )
        batches = DataLoader(dataset, batch_size=None, pin_memory=self.device.type == "cuda")
        for epoch in itertools.count():
            dataset.set_epoch(epoch)
            for batch in batches:
                yield batch.values.to(self.device, non_blocking=True)

    def plain(self, workers: int) -> Iterator[Tensor]:
        """A `Dataset` over `np.memmap` in a `DataLoader` with workers."""
        num_rows, num_channels = open_store(self._store).values.shape
        asked = Case(
            store=str(self._store),
            raw=str(self._raw),
            num_rows=num_rows,
            num_channels=num_channels,
            workers=workers,
            seed=SEED,
            **asdict(self.case),
        )
        batches = memmap_loader(asked, pin_memory=self.device.type == "cuda")
        while True:
            for values in batches:
                yield values.to(self.device, non_blocking=True)

    def resident(self) -> Iterator[Tensor]:
        """Gathered at random from a log that lies on the device whole."""
        values = torch.from_numpy(open_store(self._store).values[:].copy()).to(self.device)
        num_rows, num_channels = values.shape
        window, batch = self.case.window, self.case.batch
        view = values.as_strided((num_rows - window + 1, window, num_channels), (num_channels, num_channels, 1))
        while True:
            for starts in torch.randint(len(view), (256, batch), device=self.device):
                yield view.index_select(0, starts)
