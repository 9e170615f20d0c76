"""A real Dask cluster on loopback: a scheduler and workers, each a process that can die or be frozen."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

__all__ = ["Cluster"]

LOGGING = """
import os
import signal
from pathlib import Path
from longstride.pipeline.ingest.staging import task as staging


def log_and_die(call, write_part, log, die_at, written=0):
    def logged_call(self):
        with log.open("a") as file:
            file.write(f"{self.reading.number}-{self.section.number}\\n")
        return call(self)

    def mortal_write_part(*args):
        nonlocal written
        written += 1
        if written == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        folder, *rest = args
        if SEES == "nothing":
            folder = folder / "elsewhere"
        part = write_part(folder, *rest)
        if SEES == "another folder":
            (folder / f"{part.source}-{part.section}-{part.piece}.part").unlink()
        return part

    staging.ReadSection.__call__, staging.write_part = logged_call, mortal_write_part


if staging.write_part.__name__ == "write_part":  # Dask loads it twice
    log_and_die(staging.ReadSection.__call__, staging.write_part, Path("LOG"), DIE_AT)
"""
"""What a worker loads before it works: it logs the tasks that it begins, and dies in one of them."""


class Cluster:
    """A scheduler and workers, each a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        contact = folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(contact)]
        self.scheduler = self._start("scheduler", *options)
        while not (contact.exists() and contact.read_text()):
            time.sleep(0.05)
        self.address = json.loads(contact.read_text())["address"]

    def add_worker(
        self, name: str, *, die_at: int = 0, sees: str = "all", nanny: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a worker that logs its tasks, and may die in one, or not see the files of this machine.

        Gives its process, or that of its nanny.
        """
        preload = self.folder / f"{name}.py"
        settings = {"LOG": str(self.folder / f"{name}.log"), "DIE_AT": str(die_at), "SEES": repr(sees)}
        text = LOGGING
        for setting, value in settings.items():
            text = text.replace(setting, value)
        preload.write_text(text)
        options = [
            "--nthreads",
            "1",
            "--nanny" if nanny else "--no-nanny",
            "--no-dashboard",
            "--preload",
            str(preload),
        ]
        return self._start("worker", self.address, *options, "--name", name)

    def tasks(self, name: str) -> list[str]:
        """What a worker has begun."""
        log = self.folder / f"{name}.log"
        return log.read_text().splitlines() if log.exists() else []

    def stop(self) -> None:
        """End them all."""
        self._stack.close()

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(self.folder)}
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments]
        with (self.folder / f"{what}.out").open("ab") as out:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=out, stderr=out)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process
