"""Measuring several ways of doing a thing in turn, so that drift of the machine cancels."""

import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Spread", "interleave"]


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


def interleave(
    ways: Mapping[str, Iterator[int]], *, rounds: int, seconds: float, lead_in: float = 0
) -> dict[str, list[float]]:
    """Items per second of each way in each round; in a round every way runs in turn for about `seconds`.

    A way is an endless iterator that yields how many items it has just served. A round before the first is not
    counted: in it ways start, and touch their memory for the first time. Nor are `lead_in` seconds of each turn,
    for ways that prepare something ahead: they would find it there, and finish it in the turn of another.
    """
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + rounds):
        for name, way in ways.items():
            if lead_in:
                _rate(way, lead_in)
            rates[name].append(_rate(way, seconds))
    return {name: counted[1:] for name, counted in rates.items()}


def _rate(way: Iterator[int], seconds: float) -> float:
    served = 0
    begin = time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds or served == 0:
        served += next(way)
    return served / elapsed
