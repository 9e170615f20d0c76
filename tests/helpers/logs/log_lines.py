"""A small log, as text."""

import numpy as np

HEADER = "time,a,b,fault"
START = np.datetime64("2024-03-01T00:00:00", "s")
SECOND = np.timedelta64(1, "s")


def log_lines(rows: int, *, start: int = 0, step: int = 60) -> list[str]:
    """A header and rows at a fixed step; row i is `start + i`: time, i / 4, -i, fault every tenth row."""
    lines = [HEADER]
    for index in range(start, start + rows):
        time = str(START + index * step * SECOND).replace("T", " ")
        lines.append(f"{time},{index / 4},{-index},{int(index % 10 == 0)}")
    return lines
