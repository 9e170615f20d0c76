"""A signal that ends a command is told in one line, ends it as ever, and costs nothing that was done."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from longstride.storage.store import SeriesStore
from tests.helpers.campaigns import count, trials
from tests.helpers.command_lines import COMMAND_LINES, line, make_plant
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.campaign

SIGNALLED = """
import os, sys
from longstride.__main__ import run
number, real, sent = int(sys.argv.pop(1)), os.fsync, []
def fsync(descriptor):
    if not sent:
        sent.append(os.kill(os.getpid(), number))
    real(descriptor)
os.fsync = fsync
run()
"""
"""A command that gets a signal when it first writes for good."""
INTERRUPTED = """
import os, signal, sys
from longstride.__main__ import run
event, left = sys.argv.pop(1), int(sys.argv.pop(1))
def at(name, arguments):
    global left
    if name == event:
        left -= 1
        if left == 0:
            exec("os.kill(os.getpid(), signal.SIGINT)")  # a text, as modules run some while they are imported
sys.addaudithook(at)
run()
"""
"""A command that gets Ctrl-C at a certain event, such as its hundredth import."""
MOMENTS = ["import 120", "exec 60", "import 1", "exec 150", "open 80"]
FORMS = {"append": ("ingest", ["--append"]), "rebuild": ("ingest", ["--rebuild"]),
         "workers": ("ingest", ["--recipe", "plant.toml", "--workers", "2"])}  # fmt: skip
SIGNALS = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(scope="module")
def made(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(make_store, tmp_path_factory.mktemp("made"))


@pytest.fixture
def plant(made: Path, tmp_path: Path) -> Path:
    """With a store that was made of the first rows of the log, and the log with more."""
    folder = tmp_path / "plant"
    shutil.copytree(made, folder)
    lines = (folder / "plant.csv").read_text().splitlines(keepends=True)
    (folder / "first.csv").write_text("".join(lines[:2001]))
    (folder / "plant.csv").write_text("".join([*lines[:1], *lines[2001:]]))
    ingest = ["ingest", "first.csv", "--out", "old.zarr", "--time", "time"]
    subprocess.run([sys.executable, "-m", "longstride", *ingest], cwd=folder, env=environment(), check=True)
    return folder


@pytest.fixture(autouse=True)
def as_by_default() -> Iterator[None]:
    """Commands inherit whether a signal is ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def words(form: str) -> list[str]:
    if form not in FORMS:
        return line(form)
    command, flags = FORMS[form]
    return [command, "plant.csv", "--out", "new.zarr" if form == "workers" else "old.zarr", *flags]


def run(folder: Path, start: list[str], arguments: list[str]) -> tuple[int, str]:
    command = [sys.executable, *start, *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as job:
        _, told = job.communicate(timeout=120)
    gone_by = time.monotonic() + 20
    while any(is_alive_in(process, job.pid) for process in psutil.process_iter()):
        assert time.monotonic() < gone_by, "a process is left"
        time.sleep(0.1)
    return job.returncode, told


def is_alive_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@pytest.mark.parametrize("number", SIGNALS[: trials(1, len(SIGNALS))], ids=lambda number: number.name)
@pytest.mark.parametrize(
    "form", ["ingest", "workers", "append", "rebuild", "pack", "unpack", "export", "deploy", "score", "plot"]
)
def test_it_says_so_and_ends_by_it(plant: Path, form: str, number: signal.Signals) -> None:
    command = words(form)
    code, told = run(plant, ["-c", SIGNALLED, str(int(number))], command)
    assert code == -number
    assert re.fullmatch(rf"Interrupted {command[0]} \({number.name}\): .*\n", told), told
    code, told = run(plant, ["-m", "longstride"], command)
    assert (code, told) == (0, "")
    assert {str(path.relative_to(plant)) for path in plant.rglob(".*")} == {"run/.lock"}
    count("commands that SIGTERM or SIGHUP ended")


def test_a_hang_up_that_is_ignored_stays_so(plant: Path) -> None:
    """As nohup has it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    code, told = run(plant, ["-c", SIGNALLED, str(int(signal.SIGHUP))], words("ingest"))
    assert (code, told) == (0, "")


@pytest.mark.parametrize("moment", MOMENTS[: trials(2, len(MOMENTS))])
@pytest.mark.parametrize("command", COMMAND_LINES)
def test_ctrl_c_ends_with_130(plant: Path, command: str, moment: str) -> None:
    """Whenever it comes: while a module is imported, Python would remember it and end the process by SIGINT."""
    (plant / "interrupted.py").write_text(INTERRUPTED)
    code, told = run(plant, ["-m", "interrupted", *moment.split()], line(command))
    assert code == 130
    assert re.fullmatch(r"Interrupted .*\(SIGINT\).*\n", told), told
    count("commands that Ctrl-C ended")
