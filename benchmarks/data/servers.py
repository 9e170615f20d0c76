"""`python -m benchmarks servers`: what servers measure of themselves, as text without names and times.

Sets of this shape have a folder of files to train on, one to test on, and one of labels, each with a file for each
machine. The same seed gives the same bytes.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.noise import persistent

__all__ = ["NUM_CHANNELS", "server_log", "write_servers"]

NUM_CHANNELS = 12
DAY = 1440
"""Rows of a day, one a minute."""
NUM_FAULTS = 5
IDLE = (4, 11)
"""Channels that stay at zero while nothing is wrong, as counters of errors do."""

Rows = NDArray[np.float64]


def write_servers(folder: Path, *, machines: int, rows: int, seed: int) -> list[Path]:
    """Write train/NAME.txt, test/NAME.txt and test_label/NAME.txt of each machine, and return their paths."""
    paths = []
    for number in range(machines):
        name = f"rack-{number // 4 + 1}-{number % 4 + 1}.txt"
        values, is_fault = server_log(2 * rows, seed=[seed, number])
        parts = {"train": values[:rows], "test": values[rows:], "test_label": is_fault[rows:, None]}
        for part, table in parts.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savetxt(path, table, fmt="%d" if table.dtype == bool else "%.6f", delimiter=",")
            paths.append(path)
    return paths


def server_log(rows: int, *, seed: list[int]) -> tuple[Rows, NDArray[np.bool_]]:
    """Values (rows, N) from 0 to 1 of one machine, and which rows have a fault: none in the first half."""
    random = np.random.default_rng(seed)
    minute = np.arange(rows)
    day = 0.5 + 0.4 * np.sin(2 * np.pi * (minute / DAY + random.random()))
    load = day + 0.1 * persistent(random.standard_normal(rows), 0.95)
    jobs = (minute % int(random.integers(50, 70)) < 6) * 0.5  # a job that comes again and again
    values = np.empty((rows, NUM_CHANNELS))
    for channel in range(NUM_CHANNELS):
        weight, job = random.uniform(0.4, 1.0), random.uniform(0, 0.6) * (channel % 3 == 0)
        values[:, channel] = 0.5 * weight * load + job * jobs
        values[:, channel] += 0.02 * persistent(random.standard_normal(rows), 0.7)
    values[:, IDLE] = 0.0
    is_fault = _with_faults(values, random)
    return np.clip(values, 0, 1), is_fault


def _with_faults(values: Rows, random: np.random.Generator) -> NDArray[np.bool_]:
    """Put faults into the second half: a leak, a hung process, a burst, counted errors, and lost traffic."""
    rows, half = len(values), len(values) // 2
    is_fault = np.zeros(rows, bool)
    room = (rows - half) // NUM_FAULTS
    for fault in range(NUM_FAULTS):
        length = int(random.integers(max(2, room // 16), max(3, room // 4)))
        begin = half + fault * room + int(random.integers(0, room - length))
        hit = slice(begin, begin + length)
        busy = [channel for channel in range(NUM_CHANNELS) if channel not in IDLE]
        channels = random.choice(busy, 3, replace=False)
        is_fault[hit] = True
        match fault:
            case 0:
                values[hit, channels] += np.linspace(0, 0.3, length)[:, None]
            case 1:
                values[hit, channels] = values[begin, channels] + 0.1
            case 2:
                values[hit, channels] += 0.15 * random.random((length, 3))
            case 3:
                values[hit, IDLE] = 0.2 * random.random((length, len(IDLE)))
            case _:
                values[hit, channels] *= 0.5
    return is_fault
