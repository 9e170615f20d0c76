"""Logs on disk, and proposals for them."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import ingest, log, propose


@pytest.fixture
def look(write_log: Callable[..., Path]) -> Callable[..., Proposal]:
    """`look("time,v", times, values)`: write a log and propose a recipe."""

    def look(header: str, *columns: Iterable[object], mark: str = ",") -> Proposal:
        return propose(write_log("a.csv", log(header, *columns, mark=mark)))

    return look


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., SeriesStore]:
    """`store()`: ingest the log of `look`, or other files, with the proposal."""

    def store(*sources: Path, edits: str = "") -> SeriesStore:
        return ingest(*(sources or [tmp_path / "a.csv"]), out=tmp_path / "made.zarr", edits=edits)

    return store
