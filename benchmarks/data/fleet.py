"""Short logs of many machines with labelled faults, a file each, as test benches and fleets write them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.noise import persistent

__all__ = ["NUM_CHANNELS", "fleet_log", "write_fleet"]

NUM_CHANNELS = 8
KINDS = ("cycles", "factors", "duty", "noise")
"""What machines do, one after the other."""


def write_fleet(folder: Path, *, files: int, rows: int, seed: int) -> list[Path]:
    """Write the CSV files, each at a time of its own, one row a second; the same bytes for the same seed."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(files):
        values, is_fault = fleet_log(KINDS[number % len(KINDS)], rows, seed=seed + number)
        begin = np.datetime64("2024-01-01T00:00:00") + np.timedelta64(number * 2 * rows, "s")
        path = folder / f"machine-{number:02d}.csv"
        path.write_text("".join(_lines(values, is_fault, begin)))
        paths.append(path)
    return paths


def fleet_log(kind: str, rows: int, *, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values (rows, N) of one machine, and which rows have a fault: none in the first half."""
    random = np.random.default_rng((KINDS.index(kind), seed))
    time = np.arange(rows)
    match kind:
        case "cycles":
            periods = random.uniform(20, 90, NUM_CHANNELS)
            values = np.sin(2 * np.pi * (time[:, None] / periods + random.random(NUM_CHANNELS)))
            values += 0.15 * random.standard_normal(values.shape)
        case "factors":
            factors = persistent(random.standard_normal((rows, 2)), 0.95)
            values = 0.4 * factors @ random.standard_normal((2, NUM_CHANNELS))
            values += 0.3 * random.standard_normal(values.shape)
        case "duty":
            period = int(random.integers(30, 60))
            is_on = ((time % period) < 0.4 * period).astype(float)
            delays = [np.exp(-np.arange(30) / delay) / delay for delay in random.uniform(2, 12, NUM_CHANNELS)]
            values = np.stack([np.convolve(is_on, delay)[:rows] for delay in delays], axis=1)
            values = values * random.uniform(1, 4, NUM_CHANNELS) + 0.08 * random.standard_normal(values.shape)
        case _:
            values = 0.4 * persistent(random.standard_normal((rows, NUM_CHANNELS)), 0.7)
            values += np.sin(2 * np.pi * time / 120)[:, None] * random.uniform(0.3, 1.5, NUM_CHANNELS)
    return values, _with_faults(values, random)


def _with_faults(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.bool_]:
    """Put four faults of two channels into the second half: a shift, a stuck value, noise, and a reversal."""
    rows, half = len(values), len(values) // 2
    is_fault, usual = np.zeros(rows, bool), values[:half].std(axis=0)
    room = (rows - half) // 4
    for fault in range(4):
        length = int(random.integers(max(1, room // 16), max(2, room // 4)))
        begin = half + fault * room + int(random.integers(room // 4, max(room // 4 + 1, room - length)))
        hit, channels = slice(begin, begin + length), random.choice(NUM_CHANNELS, 2, replace=False)
        is_fault[hit] = True
        match fault:
            case 0:
                values[hit, channels] += 1.5 * usual[channels]
            case 1:
                values[hit, channels] = values[begin, channels]
            case 2:
                values[hit, channels] += 1.2 * usual[channels] * random.standard_normal((length, 2))
            case _:
                values[hit, channels] = values[begin - length : begin, channels][::-1] + 0.5 * usual[channels]
    return is_fault


def _lines(values: NDArray[np.float64], is_fault: NDArray[np.bool_], begin: np.datetime64) -> Iterator[str]:
    yield ",".join(["time", *(f"channel{number}" for number in range(values.shape[1])), "fault"]) + "\n"
    for row, (of_row, fault) in enumerate(zip(values.tolist(), is_fault.tolist(), strict=True)):
        time = begin + np.timedelta64(row, "s")
        yield f"{time}," + ",".join(f"{value:.5f}" for value in of_row) + f",{int(fault)}\n"
