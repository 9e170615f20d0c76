"""Hugging Face datasets: windows written out as Arrow, of fixed shape, memory-mapped and served by a `DataLoader`.

As its guide to PyTorch has it: `Array2D` features, which spare comparisons of shapes, `save_to_disk` and
`load_from_disk`; `DataLoader` then asks for each batch by one list of indices. The format is "numpy", of which
`DataLoader` makes tensors: "torch" copies once more, and serves a third fewer windows.
"""

import shutil
from collections.abc import Iterator
from typing import Any

from datasets import Array2D, Dataset, Features, load_from_disk
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.harness.case import Case
from benchmarks.peers.data_loader import WORKERS, shuffled

__all__ = ["DISTRIBUTION", "WORKERS", "loader", "values", "write"]

DISTRIBUTION = "datasets"


def _windows(case: Case) -> Iterator[dict[str, Any]]:
    rows = case.rows()
    for start in case.written.tolist():
        yield {"window": rows[start : start + case.window]}


def write(case: Case) -> None:
    """Windows as one column, made by a generator: `from_dict` would hold them all, several times over."""
    features = Features({"window": Array2D(shape=(case.window, case.num_channels), dtype="float32")})
    cache = f"{case.folder}/cache"
    dataset = Dataset.from_generator(_windows, features, cache_dir=cache, gen_kwargs={"case": case})
    dataset.save_to_disk(case.folder)
    shutil.rmtree(cache)


def loader(case: Case) -> DataLoader[Any]:
    """Shuffled batches (B, K, N), each in a dictionary."""
    return shuffled(load_from_disk(case.folder).with_format("numpy"), case)


def values(batch: dict[str, Tensor]) -> Tensor:
    """The windows of a batch."""
    return batch["window"]
