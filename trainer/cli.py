"""What the commands of this package share."""

import atexit
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click

from longstride.storage.errors import LongstrideError

__all__ = ["run_as_rank", "setting", "told_once"]

Command = TypeVar("Command", bound=Callable[..., Any])


def setting(group: Any, name: str, text: str, **options: Any) -> Callable[[Command], Command]:
    """Make the option of one setting, with its default."""
    default = getattr(group, name)
    return click.option(
        "--" + name.replace("_", "-"), default=default, show_default=default is not None, help=text, **options
    )


@contextmanager
def told_once() -> Iterator[None]:
    """Every process of a machine meets the same error, and one tells it."""
    try:
        yield
    except LongstrideError:
        if os.environ.get("LOCAL_RANK", "0") != "0":
            sys.exit(1)
        raise


def run_as_rank(command: Callable[[], Any]) -> NoReturn:
    """Run a click command in a process that torchrun started, and end the process as soon as it is done.

    Threads of gloo outlive the group of a DistributedDataParallel, whoever destroys it. If they are there when the
    interpreter takes itself apart, C++ now and then ends the process with SIGABRT ("terminate called without an
    active exception"), and torchrun takes a finished run for a failed one. So it is not taken apart.
    """
    code: Any = 0
    try:
        command()
    except SystemExit as end:
        code = end.code
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
