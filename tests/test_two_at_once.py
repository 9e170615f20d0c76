"""Two of each command at once, to the same place: one does the work, the other is refused in one line."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_store
from tests.helpers.campaigns import count, trials
from tests.helpers.command_lines import COMMAND_LINES, line, make_plant

pytestmark = pytest.mark.campaign

WRITERS = [name for name, names in COMMAND_LINES.items() if "--out" in names or "dest" in names]
REFUSED = {"store-locked", "store-exists", "path-taken", "output-locked", "run-locked", "run-exists"}


@pytest.fixture(scope="module")
def plant(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(make_store, tmp_path_factory.mktemp("plant"))


def start(arguments: list[str]) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "longstride", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("command", WRITERS)
def test_one_writes_and_the_other_is_refused(plant: Path, tmp_path: Path, command: str) -> None:
    target = "dest" if "dest" in COMMAND_LINES[command] else "--out"
    for number in range(trials(1, 14)):
        out = tmp_path / f"{number}" / COMMAND_LINES[command][target]
        both = [start(line(command, plant, **{target: str(out)})) for _ in range(2)]
        ended = [(process, *process.communicate(timeout=120)) for process in both]
        assert any(process.returncode == 0 for process, _, _ in ended), ended
        for process, _, errors in ended:
            if process.returncode:
                found = re.search(r"^Error: .* \[([a-z-]+)\]$", errors, re.MULTILINE)
                assert found is not None, errors
                assert found[1] in REFUSED, errors
        if out.suffix == ".zarr":
            assert not [check for check in check_store(open_store(out)) if check.fault]
        left = [path for path in out.parent.rglob("*") if path.name.startswith(".") and path.name != ".lock"]
        assert out.exists()
        assert left == []
        count(f"two of {command} at once")
