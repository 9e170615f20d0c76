"""`python -m benchmarks synth`: a realistic log of two machines, as CSV files, with labelled faults.

Eight channels with daily cycles, noise that is correlated in time and between channels, quantised values, missing
values, gaps in time, and four kinds of faults. The same seed gives the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["CHANNELS", "MACHINES", "synthesise"]

MACHINES = ("press-1", "press-2")
START = np.datetime64("2025-01-06T00:00:00", "ms")
CADENCE_SECONDS = 10
ROWS_PER_DAY = 86_400 // CADENCE_SECONDS
FILES_PER_MACHINE = 4
NUM_GAPS = 5
FAULT_SHARE = 0.01
MISSING_SHARE = 0.002

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """What a sensor shows when nothing is wrong."""

    name: str
    mean: float
    daily: float
    """Amplitude of the daily cycle."""
    cycle: float
    """Amplitude of the machine's own cycle, of some minutes."""
    noise: float
    """Standard deviation of the noise."""
    decimals: int


CHANNELS = (
    Channel("temperature_c", 61.0, 6.0, 1.5, 0.40, 1),
    Channel("oil_temperature_c", 47.0, 4.0, 0.8, 0.30, 1),
    Channel("pressure_bar", 142.0, 3.0, 9.0, 1.20, 1),
    Channel("flow_l_min", 38.0, 1.0, 4.0, 0.50, 2),
    Channel("vibration_mm_s", 2.4, 0.2, 0.5, 0.12, 3),
    Channel("current_a", 17.5, 0.8, 3.0, 0.35, 2),
    Channel("speed_rpm", 1480.0, 4.0, 22.0, 3.00, 0),
    Channel("power_kw", 11.2, 0.5, 1.9, 0.22, 2),
)


def synthesise(
    folder: Path, *, rows: int = 1_200_000, seed: int = 0, progress: Callable[[int], object] = lambda rows: None
) -> list[Path]:
    """Write `rows` rows of both machines together as CSV files into `folder`, and return their paths.

    `progress` is called with the rows of each file as it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, machine in enumerate(MACHINES):
        num_rows = rows // len(MACHINES) + (number < rows % len(MACHINES))
        log = _machine_log(machine, num_rows, np.random.Generator(np.random.PCG64([seed, number])))
        bounds = np.linspace(0, num_rows, FILES_PER_MACHINE + 1).astype(int)
        for part, (start, stop) in enumerate(pairwise(bounds.tolist())):
            path = folder / f"{machine}-{part + 1}.csv"
            log[start:stop].write_csv(path)
            paths.append(path)
            progress(stop - start)
    return paths


def _machine_log(machine: str, num_rows: int, random: np.random.Generator) -> pl.DataFrame:
    values = _normal_operation(num_rows, random)
    fault = _add_faults(values, random)
    decimals = [channel.decimals for channel in CHANNELS]
    rounded = [np.round(values[:, index], places) for index, places in enumerate(decimals)]
    missing = _missing(num_rows, random)
    columns = {
        channel.name: pl.Series(np.where(missing[:, index], np.nan, rounded[index])).fill_nan(None)
        for index, channel in enumerate(CHANNELS)
    }
    stamps = pl.Series(_stamps(num_rows, random)).dt.strftime("%Y-%m-%d %H:%M:%S")
    return pl.DataFrame({"time": stamps, "machine": [machine] * num_rows, **columns, "fault": fault})


def _normal_operation(num_rows: int, random: np.random.Generator) -> Rows:
    """Values (rows, N) of a sound machine: channels share its cycle and a slow load, each has its own noise."""
    row = np.arange(num_rows)
    day = np.sin(2 * np.pi * row / ROWS_PER_DAY + random.uniform(0, 2 * np.pi))
    period = random.uniform(30, 45)
    phase = 2 * np.pi * row / period + 0.3 * _correlated_noise(num_rows, 1, 0.9995, random)[:, 0]
    load = _correlated_noise(num_rows, 1, 0.999, random)[:, 0]
    noise = _correlated_noise(num_rows, len(CHANNELS), 0.6, random)
    values = np.empty((num_rows, len(CHANNELS)))
    for index, channel in enumerate(CHANNELS):
        lag = random.uniform(0, np.pi / 2)
        cycle = np.sin(phase - lag) + 0.3 * np.sin(2 * phase - lag)
        values[:, index] = channel.mean + channel.daily * day + channel.cycle * (0.85 * cycle + 0.4 * load)
        values[:, index] += channel.noise * noise[:, index]
    return values


def _correlated_noise(num_rows: int, width: int, memory: float, random: np.random.Generator) -> Rows:
    """Noise (rows, width) of variance 1 in which a value keeps `memory` of the one before: an AR(1) process."""
    shocks = random.standard_normal((num_rows, width)) * np.sqrt(1 - memory**2)
    shocks[0] *= (1 - memory) / np.sqrt(1 - memory**2)  # the first is not weighted as the others are
    smoothed = [
        pl.Series(shocks[:, column]).ewm_mean(alpha=1 - memory, adjust=False).to_numpy() / (1 - memory)
        for column in range(width)
    ]
    return np.stack(smoothed, axis=1)


def _add_faults(values: Rows, random: np.random.Generator) -> NDArray[np.int8]:
    """Put faults of four kinds into the values (rows, N); return which rows (rows,) hold one."""
    num_rows = len(values)
    fault = np.zeros(num_rows, np.int8)
    kinds = (_drift, _spikes, _stuck, _unrelated)
    length = min(240, max(1, num_rows // 50))
    for number in range(max(len(kinds), round(num_rows * FAULT_SHARE / length))):
        start = int(random.integers(0, num_rows - length + 1))
        rows = slice(start, start + length)
        chosen = random.choice(len(CHANNELS), 3, replace=False)
        for index in chosen:
            channel = CHANNELS[index]
            size = channel.cycle + 3 * channel.noise
            values[rows, index] = kinds[number % len(kinds)](values[rows, index], size, random)
        fault[rows] = 1
    return fault


def _drift(values: Rows, size: float, random: np.random.Generator) -> Rows:
    slope: Rows = np.linspace(0, 3 * size, len(values))
    return values + float(random.choice([-1, 1])) * slope


def _spikes(values: Rows, size: float, random: np.random.Generator) -> Rows:
    spikes: Rows = np.where(random.random(len(values)) < 0.15, random.choice([-3, 3]) * size, 0.0)
    return values + spikes


def _stuck(values: Rows, size: float, random: np.random.Generator) -> Rows:
    return np.full_like(values, values[0])


def _unrelated(values: Rows, size: float, random: np.random.Generator) -> Rows:
    noise: Rows = random.standard_normal(len(values))
    return float(values.mean()) + size * noise


def _missing(num_rows: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which values (rows, N) are missing: single ones, and rows on end without any."""
    missing = random.random((num_rows, len(CHANNELS))) < MISSING_SHARE
    for start in random.integers(0, num_rows, max(1, num_rows // 50_000)):
        missing[start : start + int(random.integers(3, 60))] = True
    return missing


def _stamps(num_rows: int, random: np.random.Generator) -> NDArray[np.datetime64]:
    """Times (rows,), every 10 s but for a few gaps of a quarter of an hour to six hours."""
    steps = np.full(num_rows, CADENCE_SECONDS)
    steps[0] = 0
    if num_rows > NUM_GAPS:
        after = random.choice(np.arange(1, num_rows), NUM_GAPS, replace=False)
        steps[after] = random.integers(900, 21_600, NUM_GAPS)
    return START + (1000 * np.cumsum(steps)).astype("timedelta64[ms]")
