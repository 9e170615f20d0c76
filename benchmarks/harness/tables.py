"""Tables and lines that results are shown in, as Markdown for a page and as text for a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from benchmarks.harness.machine import Machine
from benchmarks.harness.timing import Spread

__all__ = ["Table", "figure", "left_out_line", "machine_line", "range_of", "spread"]


Item = TypeVar("Item")


@dataclass(frozen=True)
class Table:
    """Rows of cells below a head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    @staticmethod
    def of(items: Iterable[Item], columns: Mapping[str, Callable[[Item], str]]) -> "Table":
        """A row an item, of what each column says of it, by its head."""
        return Table([*columns], [[column(item) for column in columns.values()] for item in items])

    def markdown(self) -> str:
        """For a page."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def text(self) -> str:
        """For a terminal: columns aligned on the right."""
        lines = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = (map(str.rjust, line, widths) for line in lines)
        return "\n".join("  ".join(line) for line in padded)


class Measured(Protocol):
    """What is said of any result."""

    @property
    def machine(self) -> Machine: ...

    @property
    def threads(self) -> Mapping[str, int]: ...

    @property
    def seed(self) -> int | None: ...


def machine_line(result: Measured, peers: Mapping[str, str] | None = None) -> str:
    """What a result was measured on, with what threads, and the seed of all that was drawn."""
    machine = result.machine
    threads = ", ".join(f"{what} {count}" for what, count in result.threads.items())
    drawn = "nothing is drawn" if result.seed is None else f"seed: {result.seed}"
    packages = ", ".join(f"{name} {version}" for name, version in (machine.packages | dict(peers or {})).items())
    return (
        f"Measured on {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB; "
        f"Python {machine.python}, {packages}; threads: {threads}; {drawn}."
    )


def left_out_line(cases: Sequence[str] | None) -> list[str]:
    """What says that time ran out before some cases; nothing where it did not."""
    return [f"Not measured, for want of time: {'; '.join(cases)}."] if cases else []


def figure(value: float, digits: int = 2) -> str:
    """A number with so many digits after the point, and fewer from 10 on."""
    before = len(f"{abs(value):.0f}") - 1
    return f"{value:,.{max(0, digits - before)}f}"


def range_of(values: Sequence[float]) -> str:
    """The smallest and the largest; empty where there is none."""
    return f"{figure(min(values))} to {figure(max(values))}" if values else ""


def spread(found: Spread, digits: int = 2) -> str:
    """The median, with the smallest and the largest."""
    median, low, high = (figure(value, digits) for value in (found.median, found.minimum, found.maximum))
    return f"{median} ({low} to {high})"
