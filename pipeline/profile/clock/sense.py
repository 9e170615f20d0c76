"""Whether times make sense as those of rows that follow each other: what a clock shows, and what it never does."""

from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from longstride.pipeline.profile.column import steps

__all__ = ["YEAR_NS", "Sense", "sense"]

YEAR_NS = 31_556_952 * 10**9
LEAP_NS = YEAR_NS // 2


class Sense(NamedTuple):
    """What is seen of the times of rows."""

    num_read: int
    num_back: int
    """Steps against the direction of most."""
    num_leaps: int
    """Steps of half a year or more, where most are much shorter."""
    num_kinds: int
    """Different steps."""
    num_steps: int
    num_still: int
    """Steps of zero."""
    share_usual: float
    """Share of the most frequent step, of those that are not zero."""
    years_ahead: float
    """How far the last time lies in the future."""
    years_ago: float
    """How far the first time lies back."""

    @property
    def disorder(self) -> tuple[int, int, int]:
        """By which readings of one column are compared: the smaller, the likelier."""
        return self.num_back + self.num_leaps, self.num_kinds, int(self.is_future)

    @property
    def is_future(self) -> bool:
        """Whether it reaches beyond tomorrow."""
        return self.years_ahead > 0.01

    @property
    def score(self) -> float:
        """Of columns that are compared with each other."""
        if not self.num_steps:
            return 1.0
        if self.num_still == self.num_steps:
            return -2.0
        order = 1 - self.num_back / self.num_steps
        leaps = min(1.0, self.num_leaps / self.num_steps * 10)
        return order - leaps + 0.5 * self.share_usual - self.num_still / self.num_steps


def sense(nanoseconds: pl.Series, blocks: pl.Series, today: datetime | None = None) -> Sense:
    """Look at times (int64, (T,), null where unreadable) of rows; those of one block follow each other."""
    found = steps(nanoseconds, blocks)
    forward, back = int((found > 0).sum()), int((found < 0).sum())
    moved = found.filter(found != 0).abs()
    within = moved.cast(pl.Int64, strict=False).drop_nulls()  # steps over 292 years are in no log
    num_usual = int((within == within.mode()[0]).sum()) if len(within) else 0
    typical = int(moved.median() or 0)  # type: ignore[arg-type]
    leaps = int((moved > max(LEAP_NS, 100 * typical)).sum()) if len(moved) else 0
    now = (today or datetime.now(UTC)).timestamp() * 1e9
    first, last = (float(bound or 0) for bound in (nanoseconds.min(), nanoseconds.max()))  # type: ignore[arg-type]
    return Sense(
        num_read=nanoseconds.count(),
        num_back=min(forward, back),
        num_leaps=leaps,
        num_kinds=found.n_unique(),
        num_steps=len(found),
        num_still=len(found) - len(moved),
        share_usual=num_usual / max(1, len(moved)),
        years_ahead=(last - now) / YEAR_NS,
        years_ago=(now - first) / YEAR_NS,
    )
