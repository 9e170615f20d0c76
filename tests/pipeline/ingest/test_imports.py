"""Commands on a small log import nothing that they do not need: users wait for it each time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from longstride.pipeline.ingest.sources.tables.kinds import TABLES
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.paths import ROOT

UNUSED = {"dask", "distributed", "fsspec", "matplotlib", "obstore", "pandas", "pyarrow", "torch", "zarr"}
UNUSED_BY_INGEST = UNUSED | {"asyncio", "multiprocessing", "ssl", "tqdm", "xml"}
SOURCES = ("columnar", "intervals", "json", "recorded", "records.keyed", "row_labels", "rows.batches")
ROOMS = (
    *("trainer", "storage.packed", "storage.places.bucket", "storage.verify"),
    *("pipeline.cluster", "pipeline.loading", "pipeline.packing", "pipeline.profile"),
    *("pipeline.ingest.append", "pipeline.ingest.done_already", "pipeline.ingest.query"),
    *(f"pipeline.ingest.sources.{source}" for source in SOURCES),
)
"""What a new store of one CSV file does not need."""
CODE = """
import json, sys
from longstride.__main__ import main

for arguments in json.loads(sys.argv[1]):
    main(arguments, standalone_mode=False)
print(json.dumps(list(sys.modules)))
"""


def test_a_csv_needs_polars_alone(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("\n".join(log_lines(50)))
    commands = [
        ["profile", "log.csv"],
        ["ingest", "log.csv", "--out", "store", "--time", "time"],
        ["inspect", "store"],
        ["verify", "store"],
    ]
    modules = imported_by(commands, tmp_path)
    assert "polars" in modules
    readers = {f"longstride.pipeline.ingest.sources.tables.{kind.module}" for kind in TABLES}
    assert not modules & (UNUSED | readers)


def test_an_ingest_of_a_small_csv_imports_only_its_own_rooms(tmp_path: Path) -> None:
    """Half of its time is imports, so each package or room that comes in by another is felt."""
    (tmp_path / "log.csv").write_text("\n".join(log_lines(50)))
    modules = imported_by([["ingest", "log.csv", "--out", "store", "--time", "time"]], tmp_path)
    assert {"longstride.pipeline.ingest.sources.csv.source", "longstride.storage.writing.writer"} <= modules
    assert not modules & UNUSED_BY_INGEST
    rooms = tuple(f"longstride.{room}" for room in ROOMS)
    assert not [name for name in modules if name.startswith(rooms)]


def test_a_parquet_file_does_not_bring_pandas_in(tmp_path: Path) -> None:
    """Where it is installed, pyarrow imports it for some calls: half a second before the first row is read."""
    times = pl.Series(range(50)).cast(pl.Datetime("ms"))
    pl.DataFrame({"time": times, "a": range(50)}).write_parquet(tmp_path / "log.parquet")
    modules = imported_by([["ingest", "log.parquet", "--out", "store", "--time", "time"]], tmp_path)
    assert "pyarrow.parquet" in modules
    assert not modules & {"pandas", "dask", "torch", "zarr"}


def imported_by(commands: list[list[str]], folder: Path) -> set[str]:
    """The modules that a process has imported after some commands."""
    result = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return set(json.loads(result.stdout.splitlines()[-1]))
