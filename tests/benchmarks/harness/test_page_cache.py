"""Files of which nothing is in memory."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.harness.page_cache import evict
from tests.helpers.disks import is_memory


def test_a_cold_turn_begins_with_nothing_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(os.urandom(2**22))
    if not shutil.which("fincore") or is_memory(path):
        pytest.skip("no fincore, or a disk that is memory")

    def resident() -> int:
        command = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(path)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert resident() == 2**22
    evict([path])
    assert resident() == 0
