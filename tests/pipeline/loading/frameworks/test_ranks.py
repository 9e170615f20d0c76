"""A loader without rank and world_size serves the share of the process that iterates it, whenever it was made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch.distributed as dist
import torch.multiprocessing
from torch.utils.data import DataLoader

from longstride import WindowDataset, WindowLoader
from longstride.storage.store import SeriesStore
from tests.helpers.errors import raises
from tests.helpers.stores.store_of import StoreOf

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 48}
TORCHRUN = {"TORCHELASTIC_RUN_ID": "run", "RANK": "1", "WORLD_SIZE": "2"}


@pytest.fixture
def store(store_of: StoreOf) -> SeriesStore:
    return store_of(np.random.default_rng(0).standard_normal((2000, 2)).astype(np.float32))


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What a process group says, of more ranks than a test can start."""
    ranks = {"rank": 0, "world_size": 1}
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_rank", lambda: ranks["rank"])
    monkeypatch.setattr(dist, "get_world_size", lambda: ranks["world_size"])
    return ranks


def starts_of(batches: Any) -> list[list[int]]:
    return [batch.start.tolist() for batch in batches]


def expected(store: SeriesStore, rank: int, world_size: int, **options: Any) -> list[list[int]]:
    return starts_of(WindowLoader(store, rank=rank, world_size=world_size, **OPTIONS, **options))


@pytest.mark.parametrize("world_size", [2, 3, 16])
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_group_that_is_set_up_later_is_followed(
    store: SeriesStore, group: dict[str, int], world_size: int, shuffle: bool
) -> None:
    loader = WindowLoader(store, shuffle=shuffle, **OPTIONS)
    dataset = WindowDataset(store, shuffle=shuffle, **OPTIONS)
    assert starts_of(loader) == starts_of(dataset) == expected(store, 0, 1, shuffle=shuffle)
    for rank in range(world_size):
        group.update(rank=rank, world_size=world_size)
        share = expected(store, rank, world_size, shuffle=shuffle)
        loader.set_epoch(0)
        assert starts_of(loader) == starts_of(dataset) == share
        assert starts_of(WindowLoader(store, shuffle=shuffle, **OPTIONS)) == share
        assert (dataset.rank, dataset.world_size) == (rank, world_size)


def test_given_ranks_win(store: SeriesStore, group: dict[str, int]) -> None:
    group.update(rank=1, world_size=2)
    assert starts_of(WindowLoader(store, world_size=1, **OPTIONS)) == expected(store, 0, 1)
    assert starts_of(WindowLoader(store, rank=2, world_size=3, **OPTIONS)) == expected(store, 2, 3)


def test_ranks_that_cannot_share_what_was_planned_are_refused(store: SeriesStore, group: dict[str, int]) -> None:
    loader = WindowLoader(store, **{**OPTIONS, "batch_size": 50})
    group.update(rank=4, world_size=5)
    with raises("ranks-unclear", "5 ranks", "2 lanes"):
        next(iter(loader))
    assert len(next(iter(WindowLoader(store, **{**OPTIONS, "batch_size": 50}))).start) == 10
    group.update(rank=0, world_size=7)
    with raises("option-value", "7 ranks", 49):
        WindowLoader(store, **OPTIONS)


def test_the_environment_of_torchrun_is_taken(store: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = WindowLoader(store, **OPTIONS)
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    assert starts_of(before) == starts_of(WindowLoader(store, **OPTIONS)) == expected(store, 1, 2)
    monkeypatch.setenv("RANK", "first")
    with raises("ranks-unclear", "'first'"):
        WindowLoader(store, **OPTIONS)


def test_an_environment_that_is_not_clear_is_refused(store: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    for batches in (WindowLoader(store, **OPTIONS), WindowDataset(store, **OPTIONS)):
        with raises("ranks-unclear", "RANK=1", "WORLD_SIZE=4", "world_size=1"):
            next(iter(batches))
    assert starts_of(WindowLoader(store, world_size=1, **OPTIONS)) == expected(store, 0, 1)


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_workers_of_a_plain_dataloader_serve_the_rank_of_their_process(
    store: SeriesStore, group: dict[str, int], method: str
) -> None:
    dataset = WindowDataset(store, **OPTIONS)
    group.update(rank=1, world_size=2)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context=method)
    assert starts_of(loader) == expected(store, 1, 2)


def serve(rank: int, loader: WindowLoader, folder: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    (folder / f"{rank}.json").write_text(json.dumps(starts_of(loader)))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_loader_is_taken_along_to_processes_that_become_ranks(
    store: SeriesStore, tmp_path: Path, method: str
) -> None:
    loader = WindowLoader(store, **OPTIONS)
    next(iter(loader))
    loader.set_epoch(0)
    torch.multiprocessing.start_processes(serve, (loader, tmp_path), nprocs=2, start_method=method)
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == expected(store, rank, 2)
