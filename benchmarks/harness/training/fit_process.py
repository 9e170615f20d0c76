"""One way of training in a process of its own: asked from here, watched from here."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil

from benchmarks.harness.way_process import WayProcess

__all__ = ["FitProcess", "Taken"]


@dataclass(frozen=True)
class Taken:
    """Steps of one turn."""

    windows: int
    seconds: float
    cpu_seconds_of_window: float
    """Processor time of all its processes; steps of the lead-in count here too."""
    others_share: float
    """Processor time that other work of the machine took meanwhile, of all that there is, 0 to 1."""

    def seconds_for(self, num_windows: int) -> float:
        """At the rate of this turn."""
        return self.seconds * num_windows / self.windows


class FitProcess(WayProcess):
    """Trains as `benchmarks.harness.training.paced` does, while it is asked to."""

    SERVER: ClassVar[str] = "benchmarks.harness.training.paced"

    def take(self, *, seconds: float = 0, lead_in: float = 0, num_steps: int = 0) -> Taken:
        """Train for about so many seconds, and at least so many steps, after some that are not counted."""
        before, busy_before = self._spent()[0], _busy_and_idle()
        answer = self._ask("take", watched=False, seconds=seconds, lead_in=lead_in, steps=num_steps)
        own = self._spent()[0] - before
        busy, idle = (after - before for after, before in zip(_busy_and_idle(), busy_before, strict=True))
        others = max(0.0, busy - own) / max(busy + idle, 1e-9)
        return Taken(answer["windows"], answer["seconds"], own / answer["all_windows"], others)

    def most_megabytes(self) -> float:
        """Largest resident memory of the training's process so far, and what its workers hold now.

        Pages of mapped files count where it has touched them; what workers share counts once.
        """
        process, *workers = self._tree()
        kib = _field(process, "status", "VmHWM:")
        return 1024 / 1e6 * (kib + sum(_field(worker, "smaps_rollup", "Pss:") for worker in workers))


def _busy_and_idle() -> tuple[float, float]:
    """Processor seconds of the machine since it started: worked, or taken by its host, and idle."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # What guests take is in `user` as well.
    return sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0), idle


def _field(process: psutil.Process, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
