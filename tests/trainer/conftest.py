"""A small store, and training in processes of its own, as a user starts it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from longstride.storage.store import SeriesStore
from longstride.trainer.reporting import reporter
from tests.helpers.runs.training import waves

DRAWN = ("test_report", "test_processes", "test_functions")


@pytest.fixture(autouse=True, scope="module")
def no_report(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drawing it takes longer than training such small models; a few modules have it drawn."""
    with pytest.MonkeyPatch.context() as patch:
        # Of a module, not of a test: runs that a module shares are trained before its tests begin.
        if not request.module.__name__.endswith(DRAWN):
            patch.setattr(reporter, "write_report", lambda *arguments: None)
        yield


@pytest.fixture(scope="session")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "waves.zarr"
    make_store(path, waves(6000, 4), segments=[(0, 4000, 0), (4000, 6000, 0)], units=["bar"] * 4)
    return path
