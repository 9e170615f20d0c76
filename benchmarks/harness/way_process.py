"""One way of serving windows in a process of its own: asked from here, watched from here."""

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import psutil

from benchmarks.harness.case import Case
from benchmarks.harness.registry import Way

__all__ = ["CannotServe", "Served", "WayProcess"]

WATCH_SECONDS = 0.2


class CannotServe(Exception):
    """Why a way does not serve a case, as a cell of a table says it."""


@dataclass(frozen=True)
class Served:
    """What a way did in one turn."""

    windows: int
    seconds: float
    cpu_seconds: float
    """Processor time of all its processes, the lead-in included."""
    disk_megabytes: float
    """That they read from the disk itself, the lead-in included."""

    @property
    def windows_per_second(self) -> float:
        """Rate of the counted part."""
        return self.windows / self.seconds


class WayProcess:
    """Serves the windows of one case after the other, as `benchmarks.harness.serve` does.

    It runs while it is asked something, and is stopped in between: workers that read ahead would take the time of
    the next way.

    Where it takes longer than `most_seconds` over what it is asked, or more than `most_megabytes` of memory of its
    own, it is ended, and `CannotServe` raised; the next case finds a new process.
    """

    SERVER: ClassVar[str] = "benchmarks.harness.serve"
    """What the process runs."""

    def __init__(self, way: Way, *, most_seconds: float, most_megabytes: float, log: Path) -> None:
        self.way = way
        self._most_seconds = most_seconds
        self._most_megabytes = most_megabytes
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._hello: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    @property
    def version(self) -> str | None:
        """Version of the library."""
        version: str | None = self._hello.get("version")
        return version

    @property
    def workers(self) -> Sequence[int]:
        """Numbers of workers worth trying."""
        return tuple(self._hello["workers"])

    @property
    def writes(self) -> str | None:
        """What is written out beforehand: `windows`, `log` or None."""
        writes: str | None = self._hello["writes"]
        return writes

    def begin(self) -> None:
        """Start the process, unless it runs."""
        if self._process is None:
            with open(self._log, "a") as log:
                self._process = subprocess.Popen(
                    [self.way.python, "-m", self.SERVER, self.way.module],
                    cwd=self.way.checkout,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
            self._hello = self._ask("hello")

    def end(self) -> None:
        """End the process and those that it started."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def open(self, case: Case) -> dict[str, Any]:
        """Begin a case: `first_batch_seconds`, and `written_bytes` of windows written out beforehand, or None."""
        self.begin()
        return self._ask("open", case=asdict(case))

    def serve(self, seconds: float, lead_in: float) -> Served:
        """Serve for about so many seconds."""
        before = self._spent()
        answer = self._ask("serve", watched=False, seconds=seconds, lead_in=lead_in)
        cpu, disk = (after - begin for after, begin in zip(self._spent(), before, strict=True))
        return Served(answer["windows"], answer["seconds"], cpu, disk / 1e6)

    def peak_megabytes(self, seconds: float) -> float:
        """Memory of its own that its processes hold at most while they serve for some seconds."""
        assert self._process is not None
        self._send("serve", seconds=seconds, lead_in=0.0)
        return self._receive(watched=True)[1]

    def starts(self, num_batches: int | None = None) -> tuple[list[int], list[int]]:
        """First rows of the windows of some batches, or of an epoch, and how many each batch held."""
        answer = self._ask("starts", num_batches=num_batches)
        return answer["starts"], answer["sizes"]

    def close(self) -> None:
        """Let go of the case."""
        if self._process is not None:
            self._ask("close")

    def _ask(self, what: str, *, watched: bool = True, **arguments: Any) -> dict[str, Any]:
        self._send(what, **arguments)
        answer, _ = self._receive(watched=watched)
        return answer

    def _send(self, what: str, **arguments: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._gone()

    def _receive(self, *, watched: bool) -> tuple[dict[str, Any], float]:
        """The answer, and the most memory seen until then; looking takes time, so that timed turns do not."""
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + self._most_seconds
        peak = 0.0
        while not select.select([self._process.stdout], [], [], WATCH_SECONDS)[0]:
            if watched:
                peak = max(peak, self._megabytes())
            if peak > self._most_megabytes:
                self.end()
                raise CannotServe(f"more than {self._most_megabytes / 1e3:g} GB of memory")
            if time.monotonic() > deadline:
                self.end()
                raise CannotServe(f"not done after {self._most_seconds:g} s")
        line = self._process.stdout.readline()
        if not line:
            self._gone()
        self._signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        for key in ("cannot", "error"):
            if key in answer:
                raise CannotServe(answer[key])
        return answer, max(peak, self._megabytes() if watched else 0)

    def _gone(self) -> None:
        assert self._process is not None
        code = self._process.wait()
        self.end()
        said = self._log.read_text().splitlines() or [""]
        raise CannotServe(f"its process ended with exit code {code}: {said[-1]}")

    def _signal(self, number: signal.Signals) -> None:
        """Send to all its processes."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _tree(self) -> list[psutil.Process]:
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        return [process, *process.children(recursive=True)]

    def _spent(self) -> tuple[float, float]:
        """Processor seconds, and bytes read from the disk itself, of all processes so far."""
        seconds, num_bytes = 0.0, 0.0
        for process in self._tree():
            try:
                times, read = process.cpu_times(), process.io_counters()
            except psutil.NoSuchProcess:
                continue
            seconds += times.user + times.system
            num_bytes += read.read_bytes
        return seconds, num_bytes

    def _megabytes(self) -> float:
        """Anonymous and shared memory; pages of mapped files are the system's. A shared page counts once."""
        total = 0
        for process in self._tree():
            try:
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        return total * 1024 / 1e6
