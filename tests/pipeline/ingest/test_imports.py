"""Commands on a small log import nothing that they do not need: users wait for it each time."""

import json
import os
import subprocess
import sys
from pathlib import Path

from longstride.pipeline.ingest.sources.tables.kinds import TABLES
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.paths import ROOT

UNUSED = {"dask", "distributed", "fsspec", "matplotlib", "obstore", "pandas", "pyarrow", "torch", "zarr"}
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
    result = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    modules = set(json.loads(result.stdout.splitlines()[-1]))
    assert "polars" in modules
    readers = {f"longstride.pipeline.ingest.sources.tables.{kind.module}" for kind in TABLES}
    assert not modules & (UNUSED | readers)
