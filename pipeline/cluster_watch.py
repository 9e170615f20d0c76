"""A Dask cluster that is asked now and then: a scheduler or a worker that is silent keeps no job waiting.

One that died is noticed by Dask. One that is frozen, or on a machine that is cut off, keeps its connections, and
Dask would wait for the scheduler for ever.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from longstride.storage.errors import LongstrideError
from longstride.storage.packages import needs

__all__ = ["ClusterWatch", "WorkersError"]

log = logging.getLogger(__name__)

WAKE_SECONDS = 0.5
"""How long Ctrl-C may go unseen. It does not wake a thread that waits: Polars handles the signal first."""
CHECK_SECONDS = 2
"""How often a scheduler is asked, while no task ends."""
WORKERS_SECONDS = 10
"""How long a cluster may have no workers."""
WARN_SECONDS = 15
"""How long a scheduler may be silent before the user hears of it."""
SILENT_SECONDS = 60
"""How long a scheduler or a worker may be silent before it counts as lost."""
RESTART_SECONDS = 10
"""How long the nanny of a worker may take to replace it."""


class WorkersError(LongstrideError):
    """Workers do not come, die, or are lost."""


class ClusterWatch:
    """Waits for the tasks of one job."""

    def __init__(self, client: Any, address: str) -> None:
        """Look at the workers of a connected client. Raises WorkersError where there is none."""
        self._client = client
        self._address = address
        self._heard: dict[str, tuple[float, float]] = {}
        """For each worker its last heartbeat, by the scheduler's clock, and when we first saw that, by ours."""
        self._asked = 0.0
        self.num_threads = 1
        """Tasks that run at the same time; at least one."""
        self._ask()

    def first_done(self, pending: set[Any]) -> tuple[set[Any], set[Any]]:
        """Wait for a task. Gives those that are done and the rest; raises WorkersError where none can be."""
        while True:
            self._check()
            with suppress(TimeoutError):
                done, rest = needs("distributed").wait(
                    pending, timeout=WAKE_SECONDS, return_when="FIRST_COMPLETED"
                )
                return done, rest

    def result(self, future: Any) -> Any:
        """What a task that is done has given; it may lie on a worker. Raises what it raised, and WorkersError."""
        while True:
            try:
                return future.result(timeout=CHECK_SECONDS)
            except TimeoutError:
                if future.status == "error":  # the task's own
                    raise
            self._check()

    def _check(self) -> None:
        if time.monotonic() > self._asked + CHECK_SECONDS:
            self._ask()

    def _ask(self) -> None:
        workers = self._some_workers()
        self._asked = now = time.monotonic()
        self.num_threads = max(1, sum(worker["nthreads"] for worker in workers.values()))
        heard = {name: (float(worker["last_seen"]), now) for name, worker in workers.items()}
        self._heard = {
            name: before if (before := self._heard.get(name, new))[0] == new[0] else new
            for name, new in heard.items()
        }
        for name, (_, since) in self._heard.items():
            if now - since > SILENT_SECONDS:
                log.warning(
                    "the Dask worker %s is silent for %d s: its tasks are given to others", name, SILENT_SECONDS
                )
                with suppress(TimeoutError, OSError, KeyError, ValueError):  # or it has left by itself
                    self._replace(name, has_nanny=workers[name]["nanny"] is not None)

    def _replace(self, worker: str, has_nanny: bool) -> None:
        """Let a nanny kill its worker and start another; without one that answers, the worker is forgotten."""
        if has_nanny:
            self._client.restart_workers([worker], timeout=RESTART_SECONDS, raise_for_error=False)
        else:
            forget = self._client.scheduler.unregister
            self._client.sync(
                forget, address=worker, stimulus_id=f"longstride-{worker}", callback_timeout=RESTART_SECONDS
            )

    def _some_workers(self) -> Mapping[str, Any]:
        give_up = time.monotonic() + WORKERS_SECONDS
        while not (workers := self._workers()):
            if time.monotonic() > give_up:
                raise WorkersError(
                    f"the Dask scheduler at {self._address} has no workers: start some with "
                    f"`dask worker {self._address}`",
                    code="workers-missing",
                )
            time.sleep(WAKE_SECONDS)
        return workers

    def _workers(self) -> Mapping[str, Any]:
        for seconds in (WARN_SECONDS, SILENT_SECONDS - WARN_SECONDS):
            try:
                identity = self._client.sync(self._client.scheduler.identity, callback_timeout=seconds)
            except TimeoutError:
                log.warning("the Dask scheduler at %s does not answer (%d s)", self._address, seconds)
            else:
                workers: Mapping[str, Any] = identity["workers"]
                return workers
        raise WorkersError(
            f"the Dask scheduler at {self._address} is silent for {SILENT_SECONDS} s, and its work is lost: look "
            "whether it runs, start it again if it does not, and run the same command again",
            code="workers-lost",
        )
