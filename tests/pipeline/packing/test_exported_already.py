"""An export that was done is not done again; any other file in its place is an error, and stays."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from longstride import export, pack
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.ingest_jobs import contents
from tests.helpers.paths import ROOT

Make = Callable[..., SeriesStore]


@pytest.fixture
def store(make_store: Make, tmp_path: Path) -> SeriesStore:
    return make_store(tmp_path / "s.zarr", rows=3000, channels=2)


@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_the_same_again(store: SeriesStore, tmp_path: Path, to: str) -> None:
    out = tmp_path / f"f.{to}"
    first = export(store, out, to)
    before = contents(tmp_path)
    assert export(store, out, to, rows=(0, 3000)) == first._replace(was_there=True)
    pack(store, tmp_path / "p.zarr", codec="zstd")
    shutil.rmtree(store.path)
    assert export(tmp_path / "p.zarr", out, to).was_there  # the same rows
    assert not export(tmp_path / "p.zarr", out, to, overwrite=True).was_there
    after = contents(tmp_path)
    assert {name: after[name] for name in (out.name, f"{out.name}.toml")}.items() <= before.items()


def test_the_command_says_that_nothing_was_done(store: SeriesStore) -> None:
    told = []
    for _ in range(2):
        result = CliRunner().invoke(main, ["export", store.name, "--to", "parquet"])
        assert result.exit_code == 0, result.output
        told.append("nothing was done" in result.output)
    assert told == [False, True]


@pytest.mark.parametrize("to", ["parquet", "arrow"])
def test_what_is_of_another_export(store: SeriesStore, make_store: Make, tmp_path: Path, to: str) -> None:
    out = tmp_path / f"f.{to}"
    export(store, out, to, rows=(0, 2000))
    other = make_store(tmp_path / "o.zarr", np.asarray(store.values[:]) + 1)
    before = contents(tmp_path)
    for of, rows in ((store, (0, 1999)), (store, None), (other, (0, 2000))):
        with raises("path-taken", out):
            export(of, out, to, rows=rows)
    with raises("path-taken", out):
        export(store, out, "arrow" if to == "parquet" else "parquet", rows=(0, 2000))
    assert contents(tmp_path) == before
    out.with_name(f"{out.name}.toml").write_text("")
    with raises("path-taken", out):
        export(store, out, to, rows=(0, 2000))


@pytest.mark.parametrize("to", ["parquet", "arrow"])
@pytest.mark.parametrize("kept", [0, 8, 0.5, -1])
def test_half_a_file_is_none_of_ours(store: SeriesStore, tmp_path: Path, to: str, kept: float) -> None:
    out = tmp_path / f"f.{to}"
    export(store, out, to)
    data = out.read_bytes()
    out.write_bytes(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)])
    with raises("path-taken", out):
        export(store, out, to)


def test_a_file_that_may_not_be_so_large_is_named(store: SeriesStore, tmp_path: Path) -> None:
    """It is that of the rows, not the small one of the recipe."""
    out = tmp_path / "f.parquet"
    # -B: Python would keep compiled modules of that size, cut off, for all that come after.
    command = [
        sys.executable,
        "-B",
        "-m",
        "longstride",
        "export",
        store.name,
        "--to",
        "parquet",
        "--out",
        str(out),
    ]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))  # noqa: E731
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit, timeout=60)
    assert done.returncode == 1
    assert_refused(done.stderr, "file-system", f"{out}: File too large")
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]
