"""A command that is killed at each of its steps to the disk: `python killed_commands.py FOLDER TRIALS COMMAND...`.

FOLDER/before is copied for each step, and is the working directory. Not every step has its turn where there are
more than TRIALS. The command is killed with SIGKILL in front of step n, and run again in the same place. A line of
JSON on stdout tells, for each n, how the second run ended: its exit code, what it printed, and all files that are
there then.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import sys
from importlib import import_module
from pathlib import Path
from unittest import mock

import numpy as np

from longstride.__main__ import COMMANDS, main
from longstride.storage.errors import StoreError
from longstride.storage.format import StoreLayout
from longstride.storage.open import open_store
from tests.helpers.stores.crashes import in_child

STEPS = ("replace", "rename", "mkdir", "unlink", "rmdir", "link")


def run(folder: Path, arguments: list[str], report: Path) -> None:
    """Run a command, and write how it ended."""
    os.chdir(folder)
    printed = io.StringIO()
    code: object = 0
    small = mock.patch.object(StoreLayout, "chunk_rows", 1024)
    with small, contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    modules = [name for name in sys.modules if name.startswith("longstride.")]
    report.write_text(json.dumps({"code": code, "printed": printed.getvalue(), "modules": modules}))


def die_at(last: int, counted: Path) -> None:
    """Have this process killed in front of its n-th step to the disk; write how many there were."""
    step = -1

    def mortal(function):  # type: ignore[no-untyped-def]
        def call(*arguments, **keywords):  # type: ignore[no-untyped-def]
            nonlocal step
            step += 1
            if step == last:
                os.kill(os.getpid(), signal.SIGKILL)
            os.truncate(counted, step + 1)
            return function(*arguments, **keywords)

        return call

    counted.touch()
    for name in STEPS:
        setattr(os, name, mortal(getattr(os, name)))


def killed(folder: Path, arguments: list[str], step: int) -> tuple[Path, int]:
    """Run a command in a copy of FOLDER/before until a step; the copy, and the number of steps that were taken."""
    place, counted = folder / f"step-{step}", folder / f"steps-{step}"
    shutil.copytree(folder / "before", place, symlinks=True)

    def work() -> None:
        die_at(step, counted)
        run(place, arguments, folder / "first.json")

    os.waitpid(in_child(work), 0)
    return place, counted.stat().st_size


def rows_of(folder: Path) -> dict[str, str]:
    """A digest of the rows of each store in a folder."""
    digests = {}
    for path in folder.rglob("*.zarr"):
        with contextlib.suppress(StoreError):
            store = open_store(path)
            rows = (np.asarray(store.time[0 : store.num_rows]), np.asarray(store.values[0 : store.num_rows]))
            digests[path.name] = hashlib.sha256(b"".join(array.tobytes() for array in rows)).hexdigest()
    return digests


def campaign(folder: Path, arguments: list[str], at_most: int) -> None:
    """Kill it at every step, or at so many that lie apart, and at the last ones, where the commit is."""
    os.fsync = lambda descriptor: None
    whole, num_steps = killed(folder, arguments, -2)
    for name in json.loads((folder / "first.json").read_text())["modules"]:
        import_module(name)  # once, and not in each of the forked processes
    expected = rows_of(whole)
    steps = range(num_steps)
    for step in sorted({*steps[:: -(-num_steps // at_most)], *steps[-min(6, 1 + at_most) :]}):
        place, _ = killed(folder, arguments, step)
        report = folder / f"step-{step}.json"
        os.waitpid(in_child(lambda place=place, report=report: run(place, arguments, report)), 0)
        found = json.loads(report.read_text()) if report.exists() else {"code": "died", "printed": ""}
        found.pop("modules", None)
        found["has_same_rows"] = rows_of(place) == expected
        files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir())
        print(json.dumps({"step": step, **found, "files": files}), flush=True)
        shutil.rmtree(place)


if __name__ == "__main__":
    assert sys.argv[3] in COMMANDS
    campaign(Path(sys.argv[1]), sys.argv[3:], int(sys.argv[2]))
