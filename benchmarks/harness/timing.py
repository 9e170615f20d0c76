"""Measuring several ways of doing a thing in turn, so that drift of the machine cancels."""

import random
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Spread", "interleave", "rounds_of"]


Way = TypeVar("Way")


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of several measurements."""

    median: float
    minimum: float
    maximum: float

    @staticmethod
    def of(figures: list[float]) -> "Spread":
        """Summarise at least one figure."""
        return Spread(statistics.median(figures), min(figures), max(figures))

    @staticmethod
    def ratio(numerator: list[float], denominator: list[float]) -> "Spread":
        """Summarise one way over another, round by round."""
        return Spread.of([a / b for a, b in zip(numerator, denominator, strict=True)])


def rounds_of(ways: Sequence[Way], rounds: int) -> Iterator[list[Way]]:
    """All ways in each round, in a new random order, and none twice in a row.

    A turn that follows one of its own finds more in the processor's caches; and in one order, or to and fro, a way
    would always follow the same others.
    """
    generator = random.Random(0)
    last: list[Way] = []
    for _ in range(rounds):
        order = generator.sample(ways, len(ways))
        last = order[::-1] if last and order[0] is last[-1] else order
        yield last


def interleave(
    ways: Mapping[str, Iterator[int]], *, rounds: int, seconds: float, lead_in: float = 0
) -> dict[str, list[float]]:
    """Items per second of each way in each round; in a round every way runs for about `seconds`, in turn.

    A way is an endless iterator that yields how many items it has just served. A round before the first is not
    counted: in it ways start, and touch their memory for the first time. Nor are `lead_in` seconds of each turn,
    for ways that prepare something ahead: they would find it there, and finish it in the turn of another.
    """
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for order in rounds_of(list(ways), 1 + rounds):
        for name in order:
            if lead_in:
                _rate(ways[name], lead_in)
            rates[name].append(_rate(ways[name], seconds))
    return {name: counted[1:] for name, counted in rates.items()}


def _rate(way: Iterator[int], seconds: float) -> float:
    served = 0
    begin = time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds or served == 0:
        served += next(way)
    return served / elapsed
