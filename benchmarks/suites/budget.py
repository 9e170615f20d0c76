"""Minutes that a measurement may take."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import click

__all__ = ["MINUTES", "Budget"]

Case = TypeVar("Case")
MINUTES = click.option("--minutes", type=float, help="Begin no case that would hardly end in time.")


class Budget:
    """Gives cases one after the other, while there is time for one more as long as the longest so far.

    The first is given in any case: a result has at least one.
    """

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stop = None if minutes is None else clock() + 60 * minutes
        self._longest: float | None = None
        self.left_out: list[str] = []
        """Cases that there was no time for, as they are called."""

    def cases(self, cases: Sequence[Case], name: Callable[[Case], str], shown: str = "") -> Iterator[Case]:
        """Those that there is time for, with a line of progress where `shown` says of what."""
        for case in _bar(cases, shown):
            if self.left_out or not self._has_time():
                self.left_out.append(name(case))
                continue
            began = self._clock()
            yield case
            self._longest = max(self._longest or 0.0, self._clock() - began)

    def _has_time(self) -> bool:
        return self._stop is None or self._longest is None or self._clock() + self._longest < self._stop


def _bar(cases: Sequence[Case], shown: str) -> Iterable[Case]:
    from tqdm import tqdm

    return tqdm(cases, desc=shown, unit="case", disable=None if shown else True)
