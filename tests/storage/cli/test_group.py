"""Whatever the surroundings lack, a command ends with one line and the right exit code, never with a traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from longstride.storage.cli.group import CommandGroup
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused
from tests.helpers.paths import ROOT


@pytest.fixture
def small_store(make_store: Callable[..., SeriesStore], tmp_path: Path) -> SeriesStore:
    return make_store(tmp_path / "plant.zarr", rows=100)


def in_shell(line: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in which $0 is Python and $1... are the arguments."""
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("flags", ["--version", "--help", "inspect --help", "inspect"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
def test_output_that_cannot_be_written(small_store: SeriesStore, flags: str) -> None:
    store = f"'{small_store.path}'" if flags == "inspect" else ""
    done = in_shell(f'"$0" -m longstride {flags} {store} >/dev/full')
    assert done.returncode == 1
    assert_refused(done.stderr, "file-system", "No space left")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(small_store: SeriesStore, closed: str) -> None:
    done = in_shell(f'"$0" -m longstride inspect "$1" {closed}', small_store.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (closed in ("<&-", "2>&-"))


def test_what_reads_the_output_has_had_enough(small_store: SeriesStore) -> None:
    done = in_shell('"$0" -m longstride inspect "$1" | head -c 0', small_store.path)
    assert done.stderr == ""


def test_a_working_directory_that_is_gone(small_store: SeriesStore, tmp_path: Path) -> None:
    line = 'mkdir "$2"; cd "$2"; rmdir "$2"; "$0" -m longstride inspect "$1"'
    done = in_shell(line, small_store.path, tmp_path / "gone")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (MemoryError(), "memory-short", 1),
        (RuntimeError("can't start new thread"), "memory-short", 1),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory-short", 1),
        (ImportError("libtorch.so: failed to map segment from shared object"), "memory-short", 1),
        (OSError(12, "Cannot allocate memory"), "memory-short", 1),
        (RecursionError("maximum recursion depth exceeded"), "nested-too-deep", 1),
        (PermissionError(13, "Permission denied", "/x"), "file-system", 1),
        (KeyboardInterrupt(), None, 130),
    ],
)
def test_an_error_of_the_system_is_told(error: BaseException, code: str | None, exit_code: int) -> None:
    @click.group(cls=CommandGroup)
    def group() -> None:
        """Hold one command."""

    @group.command()
    def fail() -> None:
        raise error

    result = CliRunner().invoke(group, ["fail"])
    assert result.exit_code == exit_code
    assert result.output.count("\n") == 1
    if code:
        assert_refused(result.output, code)


def test_a_fault_of_the_program_is_not_hidden() -> None:
    @click.group(cls=CommandGroup)
    def group() -> None:
        """Hold one command."""

    @group.command()
    def fail() -> None:
        raise RuntimeError("a fault")

    assert isinstance(CliRunner().invoke(group, ["fail"]).exception, RuntimeError)
