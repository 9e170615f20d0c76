"""xbatcher's `BatchGenerator` and torch `MapDataset` over a Zarr group that xarray opens, by torch's `DataLoader`.

Each item is one window, as batches of xbatcher's own are of windows that follow one another. Opened without Dask
(`chunks=None`), which for reads as small as a window takes longer than the reads.
"""

import xarray
from torch import Tensor
from torch.utils.data import DataLoader
from xbatcher import BatchGenerator
from xbatcher.loaders.torch import MapDataset

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader"]

DISTRIBUTION = "xbatcher"


def loader(case: Case) -> DataLoader[Tensor]:
    """Shuffled batches (B, K, N)."""
    values = xarray.open_zarr(case.store, chunks=None)["values"]
    windows = BatchGenerator(
        values,
        input_dims={"time": case.window},
        input_overlap={"time": case.window - case.stride},
    )
    return shuffled(MapDataset(windows), case)
