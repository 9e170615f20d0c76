"""The log of the ingest benchmark."""

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from benchmarks.data.sensor_log import write_log


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_log_of_the_ingest_benchmark(tmp_path: Path, shuffled: bool) -> None:
    frames = []
    for suffix in (".csv", ".csv.gz", ".parquet"):
        rows = write_log(tmp_path / f"log{suffix}", 2_000_000, 5, shuffled=shuffled)
        read = pl.read_parquet if suffix == ".parquet" else partial(pl.read_csv, try_parse_dates=True)
        frames.append(read(tmp_path / f"log{suffix}"))
        assert frames[-1].shape == (rows, 6)
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])
    assert frames[0]["time"].is_sorted() is not shuffled
    assert frames[0]["time"].n_unique() == rows
    assert (tmp_path / "log.csv").stat().st_size == pytest.approx(2_000_000, rel=0.05)
