"""A command that is killed at each of its steps to the disk: `python killed_commands.py FOLDER COMMAND...`.

FOLDER/before is copied for each step, and is the working directory. The command is killed with SIGKILL in front of
step n, and run again in the same place. A line of JSON on stdout tells, for each n, how the second run ended: its
exit code, what it printed, and all files that are there then.
"""

import contextlib
import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from unittest import mock

from longstride.__main__ import COMMANDS, main
from longstride.storage.format import StoreLayout
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
    report.write_text(json.dumps({"code": code, "printed": printed.getvalue()}))


def die_at(step: int) -> None:
    """Have this process killed in front of its n-th step to the disk."""
    left = step

    def mortal(function):  # type: ignore[no-untyped-def]
        def call(*arguments, **keywords):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **keywords)

        return call

    for name in STEPS:
        setattr(os, name, mortal(getattr(os, name)))


def campaign(folder: Path, arguments: list[str]) -> None:
    """Kill it at every step, until it comes to its end."""
    os.fsync = lambda descriptor: None
    main.get_command(None, arguments[0])  # type: ignore[arg-type]
    for step in range(1000):
        place, report = folder / f"step-{step}", folder / f"step-{step}.json"
        shutil.copytree(folder / "before", place, symlinks=True)

        def first(step: int = step, place: Path = place, report: Path = report) -> None:
            die_at(step)
            run(place, arguments, report)

        _, status = os.waitpid(in_child(first), 0)
        if not os.WIFSIGNALED(status):
            return
        report.unlink(missing_ok=True)
        os.waitpid(in_child(lambda place=place, report=report: run(place, arguments, report)), 0)
        found = json.loads(report.read_text()) if report.exists() else {"code": "died", "printed": ""}
        files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir())
        print(json.dumps({"step": step, **found, "files": files}), flush=True)
        shutil.rmtree(place)


if __name__ == "__main__":
    assert sys.argv[2] in COMMANDS
    campaign(Path(sys.argv[1]), sys.argv[2:])
