"""Times that count from the beginning of a recording, and are written as those of a clock: 27:15:00."""

import re
from collections.abc import Mapping

import polars as pl

from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.clock.beside import is_half_of_day
from longstride.pipeline.profile.clock.reading import Times, read_as
from longstride.pipeline.profile.clock.sense import sense
from longstride.pipeline.profile.column import MOST, Column
from longstride.pipeline.profile.words.time_names import name_score

__all__ = ["elapsed_clocks"]

IN_TWO = re.compile(r"\d+:\d\d")
MINUTES_NAMED = re.compile(r"\bmm:ss|\bm:s", re.IGNORECASE)


def elapsed_clocks(columns: Mapping[str, Column], blocks: pl.Series) -> list[Times]:
    """Columns of texts such as 27:15:00 that only rise, where nothing gives a date to their rows."""
    found: list[Times] = []
    if any(map(is_half_of_day, columns.values())):
        return found  # 8:00 is morning and evening
    for name, column in columns.items():
        if column.is_plain or column.raw.dtype not in (pl.String, pl.Time) or not column.texts.count():
            continue
        readings = [times for format_ in _formats(column) if (times := read_as([column.raw], format_))]
        readings = [times for times in readings if _is_elapsed(times, column, blocks)]
        if readings:
            doubt = _doubt(name, readings)
            score = name_score(name) + sense(readings[0].nanoseconds, blocks).score
            found.append(readings[0]._replace(doubt=doubt, score=score))
    return sorted(found, key=lambda times: -times.score)


def _formats(column: Column) -> list[str]:
    """Of texts of two numbers, hours and minutes first, unless they are more than a day has."""
    texts = column.values.head(50).to_list()
    if not any(map(IN_TWO.match, texts)) or any(text.count(":") > 1 for text in texts):
        return ["h:m:s"]
    if any("." in text or "," in text for text in texts) or MINUTES_NAMED.search(column.name):
        return ["m:s"]
    is_long = max(int(text.partition(":")[0]) for text in texts if IN_TWO.match(text)) > 23
    return ["m:s", "h:m:s"] if is_long else ["h:m:s", "m:s"]


def _is_elapsed(times: Times, column: Column, blocks: pl.Series) -> bool:
    if times.nanoseconds.count() < MOST * column.texts.count():
        return False
    seen = sense(times.nanoseconds, blocks)
    return bool(seen.num_steps) and not seen.num_back and seen.num_still <= 0.1 * seen.num_steps


def _doubt(name: str, readings: list[Times]) -> str:
    first, *others = readings
    doubt = (
        f"{name!r} is an elapsed time or a time of day, without a date: rows are as if from 1970. Say when it was "
        'zero, if you know: start = "2024-03-01T08:00", or the date alone for times of day'
    )
    if others:
        other = str(others[0].recipe.time_format)
        doubt += f"; it is read as {first.recipe.time_format}: if it is {other}, say time-format = {toml(other)}"
    return doubt
