"""Tables and lines that every page of results is made of, as Markdown."""

from typing import Any

from benchmarks.timing import Spread

__all__ = ["figure", "machine_line", "spread", "table"]


def machine_line(figures: dict[str, Any]) -> str:
    """What results were measured on, with what threads, and the seed of all that was drawn."""
    machine = figures["machine"]
    threads = ", ".join(f"{what} {count}" for what, count in figures["threads"].items())
    drawn = "nothing is drawn" if figures["seed"] is None else f"seed: {figures['seed']}"
    measured = machine["packages"] | figures.get("peers", {})
    packages = ", ".join(f"{name} {version}" for name, version in measured.items())
    return (
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"Python {machine['python']}, {packages}; threads: {threads}; {drawn}."
    )


def figure(value: float, digits: int = 2) -> str:
    """With so many digits after the point, and fewer from 10 on."""
    before = len(f"{abs(value):.0f}") - 1
    return f"{value:,.{max(0, digits - before)}f}"


def spread(fields: dict[str, float], digits: int = 2) -> str:
    """The median, with the smallest and the largest."""
    found = Spread(**fields)
    median, low, high = (figure(value, digits) for value in (found.median, found.minimum, found.maximum))
    return f"{median} ({low} to {high})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Rows of cells below a head."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
