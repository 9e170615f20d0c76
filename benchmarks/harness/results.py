"""Results: what a benchmark measured, and on what, as the file of JSON that keeps it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import click

from benchmarks.harness.machine import Machine, describe_machine
from benchmarks.harness.tables import Table, machine_line

__all__ = ["SEED", "Result", "parse", "torch_threads"]

SEED = 0
"""Seed of all random values and orders."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class Result(ABC):
    """What all results have. The fields of a benchmark's own result stand in the order of its file.

    A command makes one of its options, and adds what it has measured. A field that may be None by default is left
    out of the file where it is.
    """

    BENCHMARK: ClassVar[str]
    INTRODUCTION: ClassVar[str] = ""
    """What stands above the table in docs/benchmark-tables.md."""
    machine: Machine = field(default_factory=describe_machine)

    if TYPE_CHECKING:  # each has these where its file has them

        @property
        def threads(self) -> Mapping[str, int]: ...  # noqa: D102

        @property
        def seed(self) -> int | None: ...  # noqa: D102

    def words(self) -> dict[str, Any]:
        """What the introduction names."""
        return vars(self)

    @abstractmethod
    def table(self) -> Table:
        """The figures, for a page and for a terminal."""

    def section(self) -> str:
        """Section of docs/benchmark-tables.md."""
        introduction = self.INTRODUCTION.format(**self.words())
        return "\n".join([introduction, machine_line(self), "", self.table().markdown(), ""])

    def render(self) -> str:
        """What the command prints."""
        return self.table().text()

    def show(self, path: Path | None) -> None:
        """Print the figures, and write them if a path is given."""
        click.echo(self.render())
        if path:
            self.write(path)

    def write(self, path: Path) -> None:
        """Everything needed to read the figures, or to measure them again."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.as_json())

    def as_json(self) -> str:
        """Text of the file."""
        held = asdict(self)
        for each in fields(self):
            if each.default is None and held[each.name] is None:
                del held[each.name]
        head = {"machine": held.pop("machine"), "benchmark": self.BENCHMARK}
        return json.dumps(head | held, indent=1) + "\n"


def torch_threads() -> dict[str, int]:
    """How many torch takes."""
    import torch

    return {"torch": torch.get_num_threads()}


def parse(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    """An object of a dataclass from its JSON. Raises KeyError or TypeError where the fields are others."""
    types = get_type_hints(kind)
    return kind(**{name: _parse(types[name], value) for name, value in values.items()})


def _parse(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if is_dataclass(kind):
        return parse(kind, value)  # type: ignore[arg-type]
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return tuple(_parse(arguments[0], each) for each in value)
    if get_origin(kind) is dict:
        return {name: _parse(arguments[1], each) for name, each in value.items()}
    return _parse(arguments[0], value) if arguments else value  # one or None
