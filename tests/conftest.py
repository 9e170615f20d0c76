"""What tests of every package share."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from packaging.version import Version

from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from longstride.storage.series.segments import Segments
from longstride.storage.store import SeriesStore
from longstride.storage.writing.writer import StoreWriter

settings.register_profile("longstride", deadline=None)  # a busy machine is no failure
settings.load_profile("longstride")

# Commands that tests start read what was compiled before, as those of users do; each would compile it otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# What a shell starts in the background ignores Ctrl-C, and under nohup the end of the terminal as well. So would
# the commands that tests stop by these signals; they get the usual way back where this process has one of its own.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# Worker processes are forked from one that has imported torch; each would take a second for it otherwise.
multiprocessing.set_forkserver_preload(["torch"])

FIRST = (
    "test_docs",
    "test_wheel",
    "test_training_node",
    "test_processes",
    "test_killed_commands",
    "test_figures",
    "test_gecco",
    "test_executor",
    "test_cluster_watch",
    "test_ingest_killed",
    "test_run",
)
"""Modules of minutes: started last, one would go on alone, and half of the machine be idle."""

LOWEST_TORCH = "2.13"
"""As in `trainer/deploy/formats.py`, which would bring torch to every process of a test: `test_deploy.py` compares
them."""

START_NS = int(np.datetime64("2024-03-01T00:00:00", "ns").astype(np.int64))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if Version(version("torch")) < Version(LOWEST_TORCH):  # Longstride itself takes older ones
        for item in items:
            if "deploy" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason=f"deploy takes torch {LOWEST_TORCH} or newer"))
    items.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Syncing is most of the time of a small store; that it is asked for in the right order has a test."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True, scope="module")
def little_to_collect() -> None:
    """A collection looks through what tests make: through all modules and tests, it takes a third of a second."""
    gc.collect()
    gc.freeze()


def _make_store(
    path: str | os.PathLike[str],
    values: NDArray[Any] | None = None,
    *,
    rows: int = 5000,
    channels: int | Sequence[str] = 3,
    missing: float = 0.0,
    seed: int = 0,
    dtype: str = "float32",
    units: Sequence[str | None] = (),
    time: NDArray[np.int64] | None = None,
    cadence_ns: int = 10**9,
    segments: Iterable[tuple[int, int, int]] | None = None,
    series: Sequence[str] = ("",),
    labels: NDArray[np.int8] | None = None,
    label_names: Sequence[str] = (),
    chunk_rows: int | None = None,
    **commit: Any,
) -> SeriesStore:
    """Write a store and open it.

    `values` (T, N) are random if not given: `rows` of `channels` (a number, or names), a share of them `missing`.
    `segments` are (start, stop, series index), by default one over all rows. `labels` is (T, L). `chunk_rows` (a
    multiple of 1,024) makes a store of many chunks without the megabytes that a real one has.
    """
    if values is None:
        names = channels if not isinstance(channels, int) else [f"c{index}" for index in range(channels)]
        random = np.random.default_rng(seed)
        values = random.standard_normal((rows, len(names))).astype(dtype)
        values[random.random(values.shape) < missing] = np.nan
    else:
        names = [f"c{i}" for i in range(values.shape[1])] if isinstance(channels, int) else channels
        dtype = str(values.dtype)
    if labels is not None and not label_names:
        label_names = [f"l{index}" for index in range(labels.shape[1])]
    layout = StoreLayout(channels=tuple(names), units=tuple(units), labels=tuple(label_names), dtype=dtype)
    if time is None:
        time = START_NS + cadence_ns * np.arange(len(values), dtype=np.int64)
    bounds = np.array([(0, len(values), 0)] if segments is None else list(segments), np.int64).reshape(-1, 3)
    small = mock.patch.object(StoreLayout, "chunk_rows", chunk_rows) if chunk_rows else nullcontext()
    no_sync = mock.patch.object(os, "fsync")  # a store of a test need not survive a power failure
    with small, no_sync, StoreWriter(path, layout) as writer:
        writer.append(time, values, labels)
        writer.commit(Segments(*bounds.T.copy()), tuple(series), cadence_ns=cadence_ns, **commit)
    return open_store(path)


@pytest.fixture(scope="session")
def make_store() -> Callable[..., SeriesStore]:
    """`make_store(path, values, ...)`: write a small store and open it."""
    return _make_store
