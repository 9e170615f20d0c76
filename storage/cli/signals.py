"""Signals that end a command: it says in one line what becomes of its work, and still ends by the signal."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import click

__all__ = ["INTERRUPTED", "RESUMES", "SIGNALLED", "WHOLE", "end_at_once", "heard", "stop", "stoppable"]

RESUMES = ": what was done is kept; run the same command again, and it resumes where it was"
WHOLE = ": no file is left half-written; run the same command again"
SIGNALLED = 128
"""Added to the number of a signal, the exit code of a command that it ended, as shells have it."""
INTERRUPTED = SIGNALLED + signal.SIGINT
"""The exit code after Ctrl-C."""


class _Ended(KeyboardInterrupt):
    """SIGTERM or SIGHUP: everything that Ctrl-C tidies, they tidy too."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def heard() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what is within as Ctrl-C does; they would end the process without a word.

    One that is ignored, as by nohup, stays so, and so does one for which a program has a handler of its own.
    """
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_DFL]
    # Ranks of torchrun wait for each other in C++, where no exception reaches them: there it ends them as ever.
    if threading.current_thread() is not threading.main_thread() or "RANK" in os.environ:
        numbers = []
    process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)  # a second one does not wait for what is being tidied
        if os.getpid() != process:  # a fork, which has nothing to say
            os.kill(os.getpid(), number)
        raise _Ended(number)

    for number in numbers:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """Say what becomes of the work within when a signal ends it."""
    try:
        yield
    except KeyboardInterrupt as error:
        stop(error, kept)


def stop(error: KeyboardInterrupt, kept: str = "", *, quiet: bool = False) -> NoReturn:
    """End the command by the signal that has come; Ctrl-C, as shells expect it, by exit code 130."""
    number = error.number if isinstance(error, _Ended) else signal.SIGINT
    with suppress(OSError):  # the terminal may be gone
        if not quiet:
            click.echo(f"Interrupted {_command()} ({signal.Signals(number).name}){kept}", err=True)
        sys.stdout.flush()
    if isinstance(error, _Ended):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    raise click.exceptions.Exit(SIGNALLED + number) from None


def end_at_once(code: int) -> NoReturn:
    """End the process with an exit code, as Python does, but without taking the interpreter apart."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the terminal may be gone
            stream.flush()
    os._exit(code)


def _command() -> str:
    context = click.get_current_context(silent=True)
    return (context and (context.invoked_subcommand or context.info_name)) or "longstride"
