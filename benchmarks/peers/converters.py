"""How people turn a log into columns on disk today, each as its own documentation does it."""

from collections.abc import Callable
from pathlib import Path

__all__ = ["CONVERTERS"]

ROWS_PER_CHUNK = 100_000


def polars_sink_parquet(source: Path, folder: Path) -> None:
    """Stream a CSV or Parquet file to Parquet."""
    import polars as pl

    if source.suffix == ".parquet":
        pl.scan_parquet(source).sink_parquet(folder / "polars.parquet")
    else:
        pl.scan_csv(source, try_parse_dates=True).sink_parquet(folder / "polars.parquet")


def duckdb_copy(source: Path, folder: Path) -> None:
    """Copy a CSV or Parquet file to Parquet."""
    import duckdb

    duckdb.sql(f"COPY (FROM '{source}') TO '{folder / 'duckdb.parquet'}' (FORMAT parquet)")


def pyarrow_open_csv(source: Path, folder: Path) -> None:
    """Read record batches as they come and write each to Parquet."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    if source.suffix == ".parquet":
        file = pq.ParquetFile(source)
        schema, batches = file.schema_arrow, file.iter_batches()
    else:
        batches = pyarrow.csv.open_csv(source)
        schema = batches.schema
    with pq.ParquetWriter(folder / "pyarrow.parquet", schema) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]))


def pandas_and_zarr(source: Path, folder: Path) -> None:
    """Read the file by chunks and append each to a Zarr array."""
    import pandas as pd
    import zarr

    if source.suffix == ".parquet":
        chunks = [pd.read_parquet(source)]
    else:
        chunks = pd.read_csv(source, parse_dates=["time"], chunksize=ROWS_PER_CHUNK)
    group = zarr.open_group(folder / "pandas.zarr", mode="w")
    time = values = None
    for chunk in chunks:
        stamps = chunk["time"].to_numpy().astype("datetime64[ns]").astype("int64")
        numbers = chunk.drop(columns="time").to_numpy("float32")
        if time is None or values is None:
            time = group.create_array("time", data=stamps, chunks=(ROWS_PER_CHUNK,))
            values = group.create_array("values", data=numbers, chunks=(ROWS_PER_CHUNK, numbers.shape[1]))
        else:
            time.append(stamps)
            values.append(numbers)


CONVERTERS: dict[str, tuple[Callable[[Path, Path], None], list[str]]] = {
    "polars": (polars_sink_parquet, ["polars"]),
    "duckdb": (duckdb_copy, ["duckdb"]),
    "pyarrow": (pyarrow_open_csv, ["pyarrow.csv", "pyarrow.parquet"]),
    "pandas + zarr": (pandas_and_zarr, ["pandas", "zarr"]),
}
"""By the name that tables show: what takes a source and a folder for what it writes, and what it imports."""
