import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.data.synth import CADENCE_SECONDS, CHANNELS, MACHINES, synthesise


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    paths = synthesise(tmp_path_factory.mktemp("logs"), rows=60_000, seed=3)
    return pl.concat([pl.read_csv(path, try_parse_dates=True) for path in paths])


def digest(folder: Path) -> str:
    files = sorted(folder.iterdir())
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthesise(tmp_path / name, rows=5000, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_rows_machines_and_channels(log: pl.DataFrame) -> None:
    assert log.height == 60_000
    assert log["machine"].value_counts().sort("machine").rows() == [(name, 30_000) for name in MACHINES]
    assert log.columns == ["time", "machine", *(channel.name for channel in CHANNELS), "fault"]


def test_values_are_quantised_plausible_and_sometimes_missing(log: pl.DataFrame) -> None:
    for channel in CHANNELS:
        values = log[channel.name]
        assert 0 < values.null_count() < 0.02 * log.height
        present = values.drop_nulls().cast(pl.Float64).to_numpy()
        assert np.array_equal(present, np.round(present, channel.decimals))
        assert abs(present.mean() - channel.mean) < channel.daily + channel.cycle
        assert present.std() > channel.noise


def test_channels_move_together_and_in_a_daily_cycle(log: pl.DataFrame) -> None:
    machine = log.filter(pl.col("machine") == MACHINES[0]).drop_nulls()
    assert machine.select(pl.corr("pressure_bar", "current_a")).item() > 0.3
    hours = machine.group_by(pl.col("time").dt.hour()).agg(pl.col("temperature_c").mean())
    assert hours["temperature_c"].max() - hours["temperature_c"].min() > CHANNELS[0].daily  # type: ignore[operator]


def test_time_has_gaps_and_faults_are_labelled(log: pl.DataFrame) -> None:
    for _, machine in log.group_by("machine"):
        steps = machine["time"].diff().drop_nulls().dt.total_seconds()
        assert (steps >= CADENCE_SECONDS).all()
        assert 1 <= (steps > CADENCE_SECONDS).sum() <= 5
        assert 0.002 < machine["fault"].mean() < 0.1  # type: ignore[operator]


def test_a_fault_shows_in_the_values(log: pl.DataFrame) -> None:
    """Some channel strays further in the rows of faults than anywhere else."""
    strays = []
    for channel in CHANNELS:
        values = pl.col(channel.name)
        spread = log.group_by("fault").agg(values.diff().abs().max().alias("step")).sort("fault")["step"]
        strays.append(spread[1] > 1.2 * spread[0])
    assert any(strays)
