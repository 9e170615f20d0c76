import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused


@pytest.fixture
def path(make_store: Callable[..., SeriesStore], tmp_path: Path) -> Path:
    return make_store(tmp_path / "plant.zarr", rows=3000, channels=2, chunk_rows=1024).path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def run_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "longstride", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["inspect", "--help"], ["verify", "-h"]])
def test_help_is_quick(arguments: list[str]) -> None:
    """What takes time to import is left alone until there is work to do."""
    command = [sys.executable, "-X", "importtime", "-m", "longstride", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage: python -m longstride" in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert not imported & {"numpy", "zarr", "xarray", "torch", "polars", "pyarrow", "dask", "tqdm"}


def test_help_names_the_commands_and_shows_an_example() -> None:
    text = run("--help").output
    assert "inspect" in text
    assert "verify" in text
    assert "longstride inspect plant.zarr --window 512 --stride 64" in run("inspect", "--help").output


def test_inspect(path: Path) -> None:
    done = run("inspect", path, "--window", 100, "--stride", 50)
    assert done.exit_code == 0
    assert "rows x channels   3,000 x 2 float32" in done.output
    assert "windows           59 of K=100, stride 50" in done.output


def test_inspect_json(path: Path) -> None:
    done = run("inspect", path, "-k", 100, "-s", 50, "--json")
    document = json.loads(done.output)
    assert (document["num_rows"], document["num_windows"]) == (3000, 59)
    assert [channel["name"] for channel in document["channels"]] == ["c0", "c1"]


@pytest.mark.parametrize("arguments", [["--window", "0"], ["--stride", "0"], ["--window", "x"]])
def test_inspect_refuses_what_is_no_window(path: Path, arguments: list[str]) -> None:
    assert run("inspect", path, *arguments).exit_code == 2


def test_verify_a_whole_store(path: Path) -> None:
    done = run_process("verify", path)
    assert done.returncode == 0
    assert done.stdout == f"{path}: all 29 files are whole (0.1 MiB)\n"


def test_verify_names_broken_chunks(path: Path) -> None:
    file = path / "values" / "c.1.0"
    data = bytearray(file.read_bytes())
    data[500] ^= 1
    file.write_bytes(data)
    (path / "time" / "c.0").unlink()
    done = run_process("verify", path)
    assert done.returncode == 1
    assert f"broken: {file} has checksum" in done.stdout
    assert f"broken: {path / 'time' / 'c.0'} cannot be read: No such file or directory" in done.stdout
    assert_refused(done.stderr, "store-damaged", "2 of 29 files")
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_what_a_user_can_mend_ends_without_a_traceback(path: Path, command: str) -> None:
    (path / "zarr.json").write_text("{")
    for place, code in {path: "store-damaged", path / "nowhere": "store-missing"}.items():
        done = run_process(command, place)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert_refused(done.stderr, code, place)


def test_inspect_of_a_store_with_a_missing_chunk(path: Path) -> None:
    (path / "values" / "c.2.0").unlink()
    done = run("inspect", path)
    assert done.exit_code == 1
    assert_refused(done.output, "store-damaged", path / "values/c.2.0", "missing")


def test_a_closed_pipe_is_no_error(path: Path) -> None:
    command = f"{sys.executable} -m longstride inspect {path} --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
