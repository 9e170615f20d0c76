"""A small store, and training in processes of its own, as a user starts it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longstride.storage.store import SeriesStore
from longstride.trainer.reporting import reporter
from tests.helpers.runs.training import waves


@pytest.fixture(autouse=True)
def no_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing it takes longer than training such small models; a few modules have it drawn."""
    if not request.module.__name__.endswith(("test_report", "test_processes", "test_functions")):
        monkeypatch.setattr(reporter, "write_report", lambda *arguments: None)


@pytest.fixture(scope="session")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "waves.zarr"
    make_store(path, waves(6000, 4), segments=[(0, 4000, 0), (4000, 6000, 0)], units=["bar"] * 4)
    return path
