"""What a folder lies on."""

import subprocess
from pathlib import Path

__all__ = ["is_memory"]


def is_memory(path: Path) -> bool:
    """Whether it is a disk that is memory: its files have no page cache, and holes that are read are filled."""
    found = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True)
    return found.stdout.strip() == "tmpfs"
