"""Lines that doubts name are those of the file, also far behind its beginning."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.helpers.logs.small_logs import doubted, propose, times, wave

START = datetime(2025, 3, 1)
ROWS = 60_000


def rows(first: int, count: int, *columns: int) -> Iterable[str]:
    moments = times(count, start=START + timedelta(minutes=first))
    return (",".join(row) for row in zip(moments, *(wave(count, seed=seed) for seed in columns), strict=True))


@pytest.mark.parametrize("before", [30_000, 59_990])
def test_where_columns_change(tmp_path: Path, before: int) -> None:
    """In the middle of what is seen of the file, and at its end."""
    path = tmp_path / "log.csv"
    others = list(rows(before, 20, 0))
    behind = list(rows(before + 20, ROWS - before - 20, 0, 1)) if before < ROWS - 20 else []
    lines = ["time,level,speed", *rows(0, before, 0, 1), *others, *behind]
    path.write_text("\n".join(lines) + "\n")
    found = propose(path)
    assert doubted(found, f"lines {before + 2} to {before + 21}")
    assert doubted(found, f"split -l {before + 1}`")


def test_another_header_far_behind(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    lines = ["time,level,speed", *rows(0, ROWS, 0, 1), "time,speed,level", *rows(ROWS, ROWS, 1, 0)]
    path.write_text("\n".join(lines) + "\n")
    assert doubted(propose(path), f"line {ROWS + 2}: this seems to be another header")
