"""What the command line of every package shares."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from longstride.storage.errors import LongstrideError, of_system
from longstride.storage.location import local_path
from longstride.storage.packages import package_error

__all__ = ["OVERWRITE", "SOURCES", "CommandGroup", "LocalPath", "example", "options", "resumable", "row_range"]

F = TypeVar("F", bound=Callable[..., Any])

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

SOURCES = click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)

OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the file where there is one.")

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


class LocalPath(click.Path):
    """A path of this machine, in which ~ is the home of the user; a URL is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does. Raises PlaceError for a URL."""
        return super().convert(str(local_path(value)), param, ctx)


class CommandGroup(click.Group):
    """A group whose commands end with a plain message, not a traceback, when the user can mend the cause."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, context_settings=CONTEXT, **kwargs)

    def invoke(self, context: click.Context) -> Any:
        """Run the command, turning our errors and the file system's into `Error: ...` and exit code 1."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # `inspect ... | head`: click ends silently
        except LongstrideError as error:
            raise click.ClickException(f"{error} [{error.code}]") from error
        except OSError as error:
            raise click.ClickException(f"{(refused := of_system(error))} [{refused.code}]") from error
        except ModuleNotFoundError as error:
            if not isinstance(found := package_error(error), LongstrideError):
                raise
            raise click.ClickException(f"{found} [{found.code}]") from error


def example(*lines: str) -> str:
    """An epilog that shows commands as they are typed (the mark keeps click from joining the lines)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def row_range(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """Callback of an option `--rows A:B`: the first row, and the one after the last."""
    if text is None:
        return None
    first, colon, last = text.replace(",", "").partition(":")
    if not (colon and first.strip().isdigit() and last.strip().isdigit()):
        raise click.BadParameter(f"{text!r}: expected the first row and the one after the last, such as 0:1000")
    return int(first), int(last)


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Give a command the options of several groups, in their order."""

    def decorate(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


@contextmanager
def resumable() -> Iterator[None]:
    """Say, when Ctrl-C ends the work within, that the same command resumes it."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Interrupted: run the same command again, and it resumes where it was", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
