"""What may be wrong with numbers that are read as times: another epoch, another clock, or no time at all."""

import re
from collections.abc import Sequence

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.clock.numbers.epoch_readings import NumberReading
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.words.time_names import name_score, plain
from longstride.storage.text import readable_time

__all__ = ["doubt_of_epoch"]

AT_THE_SUN = re.compile(r"[hb]jd.*")
"""Names of Julian dates that are not those of a clock on Earth."""


def doubt_of_epoch(column: Column, first: NumberReading, rivals: Sequence[NumberReading]) -> str | None:
    """A doubt of the likeliest reading of numbers, by the others that cost about as little; None without one."""
    others = [rival.nanoseconds for rival in rivals] or [first.nanoseconds + 1]
    differ = (first.nanoseconds != others[0]).fill_null(False).arg_true()
    row = int(differ[0]) if len(differ) else 0
    text, one = column.texts[row], readable_time(first.nanoseconds[row], fraction=False)
    if AT_THE_SUN.fullmatch(plain(column.name)):
        return (
            f"{column.name!r} is taken for {one} in UTC, but by its name it is the time at the Sun or at the "
            "middle of its planets, up to 9 minutes away: if that matters, write UTC into the rows"
        )
    if rivals:
        shown = ", as ".join(
            f"{rival.recipe.time_format} {readable_time(rival.nanoseconds[row], fraction=False)}"
            for rival in rivals
            if rival.nanoseconds[row] is not None
        )
        rival = toml(str(rivals[0].recipe.time_format))
        return f"{text} read as {first.recipe.time_format} is {one}; as {shown}. If so, say time-format = {rival}"
    if first.sense.is_future:
        what = f"{text} read as {first.recipe.time_format} is {one}, and times reach into the future"
        return f'{what}: if these are other numbers, name their kind, as with time-format = "ms"'
    if not name_score(column.name):
        what = f"{column.name!r} is not called a time: {text} is taken for {one}, but may be a count or a number"
        return f'{what}. If so, name the column of times: time = "COLUMN"'
    return None
