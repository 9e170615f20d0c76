"""Whole numbers that a float would round: found piece by piece, refused when all pieces are read.

A channel of whole numbers counts or names something, so none of them may change. A channel that has a fraction
somewhere is a measurement, and may be rounded.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.recipe import Recipe
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.staging.part_file import Part

__all__ = ["LARGEST_EXACT", "find_rounded", "refuse_rounded"]

LARGEST_EXACT = {"float32": 2**24, "float64": 2**53}
"""Up to here a float holds every whole number."""
MAX_TEXT_SHOWN = 60
ROWS_OF_A_GLANCE = 1000


def find_rounded(
    frame: pl.DataFrame, lines: NDArray[np.int64], names: Sequence[str], recipe: Recipe
) -> tuple[dict[str, tuple[int, str]], list[str]]:
    """Find what the store would round in a piece of rows, whose columns of values are `names`.

    The first result has the channels with whole numbers that would be rounded, with line and value of the first;
    the second has the channels with fractions.
    """
    channels = frame.select(names)
    sensors = None if recipe.pivot is None else frame[recipe.pivot]
    fractions = _fractions(channels, sensors)
    whole = [name for name in names if sensors is not None or not fractions[name]]
    channels = channels.select(pl.col(whole).fill_nan(None))
    peaks = channels.select(pl.all().abs().max().fill_null(0))
    rounded = {}
    for column in whole:
        if peaks[column].item() < LARGEST_EXACT["float32"]:
            continue
        for sensor in _sensors(sensors, None):
            name = _channel_name(sensor, column, names)
            counts = name in recipe.rate or column in recipe.rate
            changed = _is_rounded(channels[column], "float64" if counts else recipe.dtype)
            if sensors is not None:
                changed &= sensors == sensor
            if changed.any():
                row = int(changed.arg_true()[0])
                rounded[name] = int(lines[row]), f"{channels[column][row]:.0f}"[:MAX_TEXT_SHOWN]
    return rounded, [_channel_name(sensor, column, names) for column in fractions for sensor in fractions[column]]


def refuse_rounded(parts: Sequence[Part], sources: Sequence[Source], recipe: Recipe) -> None:
    """Raise SourceError for the first channel that would be rounded and has no fraction in any part."""
    measurements = {name for part in parts for name in part.measurements}
    found: dict[str, tuple[Source, int, str]] = {}
    for part in parts:
        for name, (line, value) in part.rounded.items():
            if name not in measurements:
                found.setdefault(name, (sources[part.source], line, value))
    if found:
        name, *others = found
        source, line, value = found[name]
        also = f". The same is true of {listed(others)}" if others else ""
        message = _rounding(name, value, recipe) + also
        raise SourceError(source.name, message, place=f"{source.line} {line}", code="value-rounded")


def _rounding(name: str, value: str, recipe: Recipe) -> str:
    """What is wrong with a whole number that the store would round, and what to do."""
    limit = LARGEST_EXACT["float64" if name in recipe.rate else recipe.dtype]
    is_read_exactly = abs(float(value)) < LARGEST_EXACT["float64"]
    remedies = []
    # From there on it was rounded when it was read: neither another type nor a subtraction brings it back.
    if limit == LARGEST_EXACT["float32"] and is_read_exactly:
        remedies += ["keep it with --dtype float64", f"store its increase a second (--rate {name!r})"]
        if recipe.pivot is None:
            offset = f'"{name}" - {value} AS "{name}"'
            remedies.append(f"subtract an offset (--sql 'SELECT * REPLACE ({offset}) FROM rows')")
    if recipe.pivot is None:
        remedies.append(f"leave the column out with --exclude {name!r}")
    else:
        remedies.append("leave its sensor out with --sql 'SELECT * FROM rows WHERE ...'")
    shown = value if is_read_exactly else f"about {value}"
    return (
        f"column {name!r} is {shown}, a whole number that would be rounded (it is exact up to {limit:,}): "
        f"{', '.join(remedies[:-1])}{', or ' * (len(remedies) > 1)}{remedies[-1]}"
    )


def _channel_name(sensor: str | None, column: str, columns: Sequence[str]) -> str:
    if sensor is None:
        return column
    return sensor if len(columns) == 1 else f"{sensor}/{column}"


def _sensors(sensors: pl.Series | None, chosen: pl.Series | None) -> list[Any]:
    """Names of the sensors of some rows, in alphabetical order; without a pivot None stands for all rows."""
    if sensors is None:
        return [None] if chosen is None or chosen.any() else []
    return (sensors if chosen is None else sensors.filter(chosen)).unique().sort().to_list()


def _fractions(channels: pl.DataFrame, sensors: pl.Series | None) -> dict[str, list[Any]]:
    """The sensors of each column whose values in it are not all whole."""
    found: dict[str, list[Any]] = {}
    # A measurement shows it soon.
    glance = channels.head(ROWS_OF_A_GLANCE).select((pl.all() != pl.all().floor()).any())
    for column in channels:
        if sensors is None and glance[column.name].item():
            found[column.name] = [None]
        else:
            numbers = column.fill_nan(None)
            found[column.name] = _sensors(sensors, numbers != numbers.floor())
    return found


def _is_rounded(numbers: pl.Series, dtype: str) -> pl.Series:
    """Which whole numbers are not what they were. From 2**53 on they were rounded when they were read."""
    read_rounded = numbers.abs() >= LARGEST_EXACT["float64"]
    if dtype == "float64":
        return read_rounded.fill_null(False)
    return (read_rounded | (numbers.cast(pl.Float32).cast(pl.Float64) != numbers)).fill_null(False)
