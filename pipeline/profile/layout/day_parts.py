"""Columns that seem to be parts of a day, though their names do not say which time each is: never in silence."""

import re
from collections import defaultdict

import polars as pl

from longstride.pipeline.ingest.settings.melt import MELTED, TIME_OF_DAY
from longstride.pipeline.profile.layout.days import DAY_NS, FEWEST
from longstride.pipeline.profile.proposal import Proposal
from longstride.storage.text import counted

__all__ = ["say_day_parts"]

NUMBERED = re.compile(r"(\D*?)0*(\d{1,3})(\D*)")
A_CLOCK = re.compile(r"\d{1,2}([:.h]\d{2}|\s?[ap]\.?m)|([01]\d|2[0-4])[0-5]\d$", re.IGNORECASE)
PARTS = {
    number + more: minutes
    for number, minutes in ((24, 60), (48, 30), (96, 15), (144, 10), (288, 5))
    for more in (0, number // 24)
}
"""Minutes of a part of a day, by the number of parts; a day in autumn has an hour more."""


def say_day_parts(draft: Proposal) -> None:
    """Doubt channels that may be parts of a day."""
    names = [column.name for column in draft.channels]
    if _are_days(draft):
        _say_numbered(draft, names)
    elif "melt" in draft.settings:
        _say_short_days(draft)
    else:
        return
    clocks = [name for name in names if A_CLOCK.match(name.strip())]
    if clocks and ("melt" in draft.settings or len(clocks) >= FEWEST):
        draft.doubts.append(
            f"names of {len(clocks)} columns ({clocks[0]!r} and so on) begin as times of day, and are kept as "
            "channels. If they are times, write them as 00:30 and say melt; a second hour of autumn, as 02:00B, "
            "needs a row with a time of its own"
        )


def _are_days(draft: Proposal) -> bool:
    within = draft.steps(draft.rows["time"], *draft.keys).cast(pl.Int64, strict=False)  # of centuries, null
    return len(within) > 0 and bool((within % DAY_NS == 0).all())


def _say_short_days(draft: Proposal) -> None:
    """Doubt days that lack the last hour alone: hours may be counted on over the one that spring leaves out."""
    num_parts = draft.columns[TIME_OF_DAY].texts.n_unique()
    an_hour = num_parts // 24
    missing = draft.columns[MELTED].numbers.is_null().to_numpy()
    if not an_hour or len(missing) % num_parts:
        return
    days = missing.reshape(-1, num_parts)
    # The log may end within its last day.
    is_short = (days[:-1, -an_hour:].all(axis=1)) & ~days[:-1, :-an_hour].any(axis=1)
    if is_short.any():
        row = int(is_short.argmax()) * num_parts
        columns = [name for name in draft.times[0].recipe.time_columns if name not in draft.made]
        shown = " ".join(str(draft.columns[name].raw[row]) for name in columns)
        draft.doubts.append(
            f"melt: on {counted(int(is_short.sum()), 'day')} the last hour alone is missing, first on {shown}. If "
            "clocks were set forward then, and hours are counted on, its values after that are an hour too early: "
            "leave that day out by sql, or move them in the file"
        )


def _say_numbered(draft: Proposal, names: list[str]) -> None:
    numbered: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for name in names:
        if match := NUMBERED.fullmatch(name.strip()):
            numbered[match[1], match[3]].append((int(match[2]), name))
    for found in numbered.values():
        found.sort()
        first = found[0][0]
        if len(found) not in PARTS or [number for number, _ in found] != [*range(first, first + len(found))]:
            continue
        draft.doubts.append(
            f"rows are days, and {found[0][1]!r} to {found[-1][1]!r} are {len(found)} columns, as many as a day "
            f"has parts of {PARTS[len(found)]} minutes. They are kept as channels with a row a day. If they are "
            "parts of a day, name them after their times (00:00, 00:30 and so on) and say melt; days on which "
            "clocks change have an hour more or less, so their parts are no times of day"
        )
