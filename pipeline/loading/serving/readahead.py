"""Whether rows come from disk or are in memory already."""

import resource

__all__ = ["DiskWatch"]


class DiskWatch:
    """Tells whether it is worth asking for rows before they are needed.

    Asking for pages that are in memory takes a quarter of the time that copying them does. So it is done at first,
    and for a while after any page had to be waited for (a major fault of this process).
    """

    AT_FIRST = 3
    A_WHILE = 16

    def __init__(self) -> None:
        self._faults = _major_faults()
        self._left = self.AT_FIRST

    def is_worth_it(self) -> bool:
        """Count one time of asking."""
        faults = _major_faults()
        self._left = self.A_WHILE if faults > self._faults else max(0, self._left - 1)
        self._faults = faults
        return self._left > 0


def _major_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt
