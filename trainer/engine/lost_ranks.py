"""When one rank fails, the others lose the connection to it: what they then say, and how they end."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any

import torch.distributed as dist
from torch.distributed.distributed_c10d import Store

from longstride.storage.cli.signals import end_at_once
from longstride.storage.errors import LongstrideError
from longstride.trainer.errors import RunError

__all__ = ["end_by_errors_at_once", "told_to_others"]

KEY = "failed"
PATIENCE = timedelta(seconds=3)
"""For the message of a rank that failed; one that was killed leaves none."""
MAX_LENGTH = 2000

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


@contextmanager
def told_to_others(store: Store, rank: int) -> Iterator[None]:
    """Leave the error of this rank in the store of all; where it is a lost connection, raise what was left there.

    Raises the LongstrideError of the rank that failed, or RunError with what is known of its end.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, RuntimeError) and ("gloo" in str(error) or isinstance(error, dist.DistError)):
            raise _heard(store) from None  # pages of C++
        told = {"rank": rank, "text": " ".join(str(error).split())[:MAX_LENGTH]}
        told |= {"kind": type(error).__name__, "code": error.code if isinstance(error, LongstrideError) else None}
        with suppress(RuntimeError):  # whoever keeps the store may have ended
            store.compare_set(KEY, "", json.dumps(told))
        raise


def _heard(store: Store) -> RunError:
    try:
        store.wait([KEY], PATIENCE)
        told = json.loads(store.get(KEY))
    except RuntimeError:
        return RunError(
            "another process of this training ended without a word, as if it was killed: look for its end in the "
            "log of the system (it may have been out of memory), then run the same command with --resume",
            code="rank-lost",
        )
    if told["code"]:
        return RunError(told["text"], code=told["code"])
    return RunError(
        f"process {told['rank']} of this training failed ({told['kind']}: {told['text']}): see what it printed",
        code="rank-lost",
    )


def end_by_errors_at_once() -> None:
    """Let an error that nobody catches end this process with code 1, after its traceback, and nothing else.

    Threads of gloo outlive a DistributedDataParallel. Where they are left when the interpreter takes itself apart,
    C++ may end the process with SIGABRT and pages of its own. So it is not taken apart.
    """
    if not isinstance(sys.excepthook, _EndAtOnce):
        sys.excepthook = _EndAtOnce(sys.excepthook)


class _EndAtOnce:
    def __init__(self, before: Hook) -> None:
        self._before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._before(kind, error, trace)
        end_at_once(1)
