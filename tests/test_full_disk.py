"""Commands on a disk that is full: one line, nothing half, and the same command succeeds when there is room."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.campaigns import count, is_soak
from tests.helpers.command_lines import COMMAND_LINES, line, make_plant
from tests.helpers.errors import assert_refused

pytestmark = pytest.mark.campaign

WRITERS = [name for name, names in COMMAND_LINES.items() if "--out" in names or "dest" in names]


@pytest.fixture(scope="module")
def plant(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(make_store, tmp_path_factory.mktemp("plant"))


def mount(folder: Path, size: str, *how: str) -> None:
    options = ",".join([*how, f"size={size}"])
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("no file system can be mounted here")


@pytest.fixture(params=range(0, 60, 2) if is_soak() else [0, 12, 48])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system with room for so many pages."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount(disk, "256k")
    try:
        filler = disk / "filler"
        with open(filler, "wb") as file:
            file.truncate(256 * 1024 - request.param * os.sysconf("SC_PAGE_SIZE"))
            os.posix_fallocate(file.fileno(), 0, 256 * 1024 - request.param * os.sysconf("SC_PAGE_SIZE"))
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def hidden(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(".")}


@pytest.mark.parametrize("command", WRITERS)
def test_a_full_disk_is_one_line_and_the_work_is_resumed(plant: Path, small_disk: Path, command: str) -> None:
    target = "dest" if "dest" in COMMAND_LINES[command] else "--out"
    out = small_disk / "deep" / COMMAND_LINES[command][target]
    events = {"--events": str(out.with_suffix(".json"))} if "--events" in COMMAND_LINES[command] else {}
    arguments = line(command, plant, **{target: str(out), **events})
    result = CliRunner().invoke(main, arguments)
    if result.exit_code:
        assert_refused(result.output, "file-system", "No space left on device", small_disk)
        if command in ("export", "score", "plot"):
            assert [path.name for path in small_disk.iterdir()] == ["filler"]
        if command in ("ingest", "pack", "unpack"):
            assert re.search("resumes it", result.output) or not out.exists()
        mount(small_disk, "64m", "remount")
        more = ["--resume"] if command == "train" else []
        result = CliRunner().invoke(main, [*arguments, *more])
        assert result.exit_code == 0, result.output
    count("full disks")
    assert out.exists()
    assert {name for name in hidden(small_disk) if not name.endswith("/.lock")} == set()
