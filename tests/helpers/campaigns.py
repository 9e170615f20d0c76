"""Campaigns: trials of one kind, some of them in `make test` and many in `make soak`, which counts them.

As `python -m tests.helpers.campaigns FILE` it prints what was counted.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

__all__ = ["count", "is_soak", "trials"]

COUNTS = "LONGSTRIDE_SOAK"
"""Names the file of the counts, where it is `make soak` that runs."""


def is_soak() -> bool:
    """Whether many trials are wanted."""
    return COUNTS in os.environ


def trials(few: int, many: int) -> int:
    """How many."""
    return many if is_soak() else few


def count(kind: str, number: int = 1) -> None:
    """Count trials that were passed."""
    if is_soak():
        with open(os.environ[COUNTS], "a", encoding="utf-8") as file:
            file.write(json.dumps([kind, number]) + "\n")


def main(path: Path) -> None:
    """Print a table of what was counted."""
    counted: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, number = json.loads(line)
        counted[kind] += number
    print("| trials | number |\n| --- | --- |")
    for kind, number in sorted(counted.items()):
        print(f"| {kind} | {number:,} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
