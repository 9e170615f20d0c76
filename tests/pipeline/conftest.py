"""Small logs on disk, and clusters that read them."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.dask_cluster import Cluster
from tests.helpers.paths import SHARED


def _write(path: Path, lines: Sequence[str | bytes], *, end: str = "\n") -> Path:
    data = b"".join((line.encode() if isinstance(line, str) else line) + end.encode() for line in lines)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[..., Path]:
    """`write_log("a.csv", lines)`: write lines into the test's folder, compressed where the name ends with .gz."""

    def write(name: str, lines: Sequence[str | bytes], **options: Any) -> Path:
        return _write(tmp_path / name, lines, **options)

    return write


@pytest.fixture(scope="session")
def logs() -> Iterator[Path]:
    """The folder of the real logs, described in its INDEX.md; nothing may be left in it."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"the logs are not here: {folder}")
    before = sorted(folder.rglob("*"))
    yield folder
    assert sorted(folder.rglob("*")) == before


@pytest.fixture(scope="session")
def gecco(logs: Path) -> Path:
    """The folder of the water quality logs."""
    return logs / "gecco"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    found = Cluster(folder)
    yield found
    found.stop()
