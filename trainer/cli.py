"""What the commands of this package share."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from storage.errors import LongstrideError

__all__ = ["setting", "told_once"]

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
