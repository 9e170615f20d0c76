"""What the command line of every package shares."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from longstride.storage.cli.signals import heard, stop
from longstride.storage.cli.terminal import printable
from longstride.storage.errors import LongstrideError, of_system
from longstride.storage.location import local_path
from longstride.storage.packages import package_error

__all__ = ["OVERWRITE", "SOURCES", "CommandGroup", "LocalPath", "example", "options", "row_range"]

F = TypeVar("F", bound=Callable[..., Any])

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

SOURCES = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)

OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the file where there is one.")

ROWS = re.compile(r"\s*([0-9]{1,18})\s*:\s*([0-9]{1,18})\s*")
NO_MEMORY = re.compile(
    r"can't start new thread|[Cc]an(no|')t allocate memory|not enough memory|failed to map segment"
)
"""What the system, torch and the loader of libraries say; only some of it is a MemoryError."""


class LocalPath(click.Path):
    """A path of this machine, in which ~ is the home of the user; a URL is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does. Raises PlaceError for a URL."""
        return super().convert(str(local_path(value)), param, ctx)


class CommandGroup(click.Group):
    """A group whose commands end with a plain message, not a traceback, when the user can mend the cause."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, context_settings=CONTEXT, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line; `--version` and `--help` are printed here."""
        with _told():
            return super().make_context(*args, **kwargs)

    def invoke(self, context: click.Context) -> Any:
        """Run the command, turning our errors and the system's into `Error: ...` and exit code 1."""
        with _told(), heard():
            return super().invoke(context)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # `inspect ... | head`: click ends silently
    except KeyboardInterrupt as error:
        stop(error)
    except Exception as error:
        if (ours := _as_ours(error)) is None:
            raise
        raise click.ClickException(printable(f"{ours} [{ours.code}]")) from error


def _as_ours(error: Exception) -> LongstrideError | None:
    """What an error means to the user; None for a fault of the program."""
    text = " ".join(str(error).split())[:200]
    match error:
        case LongstrideError():
            return error
        case RecursionError():
            return LongstrideError(f"a file or an option is nested too deep: {text}", code="nested-too-deep")
        case MemoryError() | RuntimeError() | OSError() | ImportError() if isinstance(
            error, MemoryError
        ) or NO_MEMORY.search(text):
            return LongstrideError(
                f"there is not enough memory ({text or type(error).__name__}): free some, or allow more "
                "(`ulimit -v`, the limit of the job or of the container)",
                code="memory-short",
            )
        case OSError():
            return of_system(error)
        case ModuleNotFoundError() if isinstance(found := package_error(error), LongstrideError):
            return found
        case _:
            return None


def example(*lines: str) -> str:
    """An epilog that shows commands as they are typed (the mark keeps click from joining the lines)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def row_range(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """Callback of an option `--rows A:B`: the first row, and the one after the last."""
    if text is None:
        return None
    bounds = ROWS.fullmatch(text.replace(",", ""))
    if bounds is None:
        raise click.BadParameter(f"{text!r}: expected the first row and the one after the last, such as 0:1000")
    return int(bounds[1]), int(bounds[2])


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Give a command the options of several groups, in their order."""

    def decorate(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate
