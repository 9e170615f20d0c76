"""What the commands of this package share."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from longstride.storage.cli.signals import end_at_once, stop
from longstride.storage.errors import LongstrideError

__all__ = ["echo_once", "report_once", "report_progress", "run_as_rank"]


def echo_once(text: str, *, err: bool = False) -> None:
    """Print a text on rank 0 alone."""
    if os.environ.get("RANK", "0") == "0":
        click.echo(text, err=err)


@contextmanager
def report_once(kept: str = "") -> Iterator[None]:
    """Every process of a machine meets the same error; let only one of them report it.

    `kept` says what becomes of the work when a signal ends it.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        # Not in the steps of a training, which end at the next one and save.
        stop(error, kept, quiet=os.environ.get("RANK", "0") != "0")
    except LongstrideError:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            sys.exit(1)
        raise


@contextmanager
def report_progress() -> Iterator[None]:
    """Print what the library logs, above the progress line."""
    handler, logger = _AboveProgress(), logging.getLogger("longstride")
    level, propagates = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagates


class _AboveProgress(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print a message on stderr."""
        from tqdm import tqdm

        tqdm.write(record.getMessage(), file=sys.stderr)


def run_as_rank(command: Callable[[], Any]) -> NoReturn:
    """Run a click command in a process that torchrun started, and end the process as soon as it is done.

    Threads of gloo outlive the group of a DistributedDataParallel, even if it is destroyed. If they are there when
    the interpreter takes itself apart, C++ sometimes ends the process with SIGABRT ("terminate called without an
    active exception"), and torchrun takes a finished run for a failed one. So it is not taken apart; nor is it
    after an error that nobody catches (`engine/lost_ranks.py`).
    """
    code: Any = 0
    try:
        command()
    except SystemExit as end:
        code = end.code
    end_at_once(code if isinstance(code, int) else int(code is not None))
