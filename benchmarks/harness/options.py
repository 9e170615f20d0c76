"""Options that the commands of this package share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["AGAINST", "JSON", "count", "folder", "listed", "seconds"]

Command = TypeVar("Command", bound=Callable[..., Any])


class _Listed(click.ParamType[tuple[Any, ...]]):
    """Words or numbers with commas between."""

    name = "text"

    def __init__(self, kind: Callable[[str], Any]) -> None:
        self.kind = kind

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[Any, ...]:
        """Values of an option."""
        try:
            return tuple(map(self.kind, value.split(",")))
        except ValueError:
            self.fail(f"{value!r}: expected numbers, such as 64,512", parameter, context)


def _whole(text: str) -> int:
    return int(float(text))


def count(name: str, default: int, help: str, field: str = "") -> Callable[[Command], Command]:
    """A number, 1 at least; `field` is what the command calls it, where that is not its name."""
    names = [name, field] if field else [name]
    return click.option(*names, type=click.IntRange(min=1), default=default, show_default=True, help=help)


def listed(
    name: str, default: str, help: str, kind: Callable[[str], Any] = _whole
) -> Callable[[Command], Command]:
    """Whole numbers, or others of a kind, with commas between."""
    return click.option(name, type=_Listed(kind), default=default, show_default=True, help=help)


def seconds(default: float) -> Callable[[Command], Command]:
    """Length of a measurement."""
    return click.option(
        "--seconds", type=float, default=default, show_default=True, help="Length of one measurement."
    )


def folder(default: str) -> Callable[[Command], Command]:
    """Where what is measured on lies."""
    return click.option("--folder", type=click.Path(path_type=Path), default=Path(default), show_default=True)


def _checkout(context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value and not (value / "benchmarks" / "harness" / "serve.py").exists():
        raise click.BadParameter(f"{value}: expected a checkout of this project, such as `git worktree add` makes")
    return value


AGAINST = click.option(
    "--against",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    callback=_checkout,
    metavar="CHECKOUT",
    help="Another checkout of this project, measured in turn with this one.",
)
JSON = click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")
