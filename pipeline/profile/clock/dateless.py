"""A time of day, or of a recording, in a log that says no date."""

from collections.abc import Mapping

import polars as pl

from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.settings.epochs import CLOCK
from longstride.pipeline.ingest.times.stamps import to_nanoseconds
from longstride.pipeline.profile.clock.parts import half_of_day
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.clock.times import Times, is_time_of_day
from longstride.pipeline.profile.column import MOST, Column

__all__ = ["find_dateless"]

FEW_STILL = 0.1


def find_dateless(columns: Mapping[str, Column], blocks: pl.Series) -> list[Times]:
    """Columns of hours, minutes and seconds that never go back, the likeliest first."""
    found = []
    for name, column in columns.items():
        if column.raw.dtype != pl.String or not is_time_of_day(column) or half_of_day(columns):
            continue
        recipe = Recipe(time=name, time_format=CLOCK)
        nanoseconds = to_nanoseconds([column.raw], recipe).nanoseconds
        seen = sense(nanoseconds, blocks)
        is_read = nanoseconds.count() >= MOST * column.texts.count()
        if is_read and seen.num_steps and not seen.num_back and seen.num_still <= FEW_STILL * seen.num_steps:
            doubt = (
                f"{name!r} is a time of day or of a recording, without a date: rows are as if from 1970. If you "
                'know the day, or when it began, say so, as with start = "2024-03-01"'
            )
            found.append(Times(recipe, nanoseconds, doubt, score=seen.score))
    return sorted(found, key=lambda times: -times.score)
