"""A plain log to measure ingest with: random walks of many sensors, a row a second, sorted or shuffled."""

import gzip
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.harness.results import SEED

__all__ = ["write_log"]

START = np.datetime64("2005-01-06T00:00:00", "ms")
ROWS_PER_PIECE = 50_000
GZIP_LEVEL = 1


def write_log(path: Path, num_bytes: int, num_columns: int, *, shuffled: bool) -> int:
    """Write about `num_bytes` of CSV, random walks rounded to 3 decimals, and return its rows.

    Shuffled, the rows stand in true random order. The suffix says the format: .csv, .csv.gz or .parquet (of as
    many rows as the CSV would have). The walks are held in memory: 4 bytes a value.
    """
    random = np.random.Generator(np.random.PCG64(SEED))
    walks = _walks(random, ROWS_PER_PIECE, num_columns)
    sample = io.BytesIO()
    _write_csv(sample, walks, np.arange(ROWS_PER_PIECE), header=False)
    num_rows = round(num_bytes / (len(sample.getvalue()) / ROWS_PER_PIECE))
    walks = _walks(random, num_rows, num_columns)
    order = random.permutation(num_rows) if shuffled else np.arange(num_rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path if path.suffix == ".csv" else path.with_name("plain.csv")
    with (
        open(plain, "wb") as file,
        tqdm(total=num_rows, desc=f"write {path.name}", unit=" rows", disable=None) as bar,
    ):
        for number, rows in enumerate(_pieces(order)):
            _write_csv(file, walks[rows], rows, header=number == 0)
            bar.update(len(rows))
    if path.name.endswith(".gz"):
        with open(plain, "rb") as text, gzip.open(path, "wb", GZIP_LEVEL) as compressed:
            shutil.copyfileobj(text, compressed, 2**20)
    elif path.suffix == ".parquet":
        import polars as pl

        pl.scan_csv(plain, try_parse_dates=True).sink_parquet(path)
    if path != plain:
        plain.unlink()
    return num_rows


def _walks(random: np.random.Generator, num_rows: int, num_columns: int) -> NDArray[np.float32]:
    steps = random.standard_normal((num_rows, num_columns), np.float32)
    steps *= 0.05
    steps[0] += random.uniform(10, 90, num_columns)
    return np.cumsum(steps, axis=0, out=steps)


def _pieces(order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (order[row : row + ROWS_PER_PIECE] for row in range(0, len(order), ROWS_PER_PIECE))


def _write_csv(file: io.IOBase, values: NDArray[np.float32], rows: NDArray[np.int64], *, header: bool) -> None:
    import polars as pl

    stamps = pl.Series(START + (1000 * rows).astype("timedelta64[ms]")).dt.strftime("%Y-%m-%d %H:%M:%S")
    columns = {f"sensor_{index}": np.round(values[:, index].astype(float), 3) for index in range(values.shape[1])}
    pl.DataFrame({"time": stamps, **columns}).write_csv(file, include_header=header)  # type: ignore[call-overload]
