"""The page of a proposal: one HTML file that needs no other."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from longstride.pipeline.ingest.report_page.steps import steps_shown
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.storage.html.page import page_from
from longstride.storage.html.pictures import lowest_and_highest, sparkline
from longstride.storage.text import counted, number, readable_time

__all__ = ["page_of"]

MAX_CHANNELS = 500
MAX_ROWS = 10
MAX_COLUMNS = 60
MAX_TEXT = 60


def page_of(draft: Proposal) -> str:
    """HTML with the doubts, channels as small pictures, steps of the clock, the first rows and the recipe."""
    sample = draft.sample
    uses = draft.described()
    channels = draft.channels
    shown = list(draft.columns)[:MAX_COLUMNS]
    return page_from(
        Path(__file__).with_name("page.html.jinja"),
        name=", ".join(sample.files[:3]) + (f" and {sample.num_files - 3:,} more" if sample.num_files > 3 else ""),
        where=f"{counted(sample.num_rows, 'row')} of {counted(sample.num_files, 'file')}",
        is_whole=sample.is_whole,
        seen=draft.seen,
        doubts=draft.doubts,
        channels=[_channel(draft, column) for column in channels[:MAX_CHANNELS]],
        num_channels=len(channels),
        others=[(name, use) for name, use in uses.items() if name in draft.uses and name not in _names(channels)],
        steps=_steps(draft),
        columns=[(name, _use(draft, name)) for name in shown],
        num_more_columns=max(0, len(draft.columns) - MAX_COLUMNS),
        rows=_first_rows(draft, shown),
        recipe=draft.as_toml(),
    )


def _names(columns: list[Column]) -> set[str]:
    return {column.name for column in columns}


def _channel(draft: Proposal, column: Column) -> dict[str, Any]:
    numbers = column.numbers
    num_missing = numbers.null_count()
    mark = f"{column.name}="
    units = [entry for entry in draft.settings.get("unit", ()) if entry.startswith(mark)]
    return {
        "name": column.name,
        "picture": sparkline(*lowest_and_highest(_in_order(draft, numbers))),
        "low": numbers.min(),
        "high": numbers.max(),
        "missing": num_missing,
        "of": len(numbers),
        "unit": units[0].removeprefix(mark) if units else "",
        "use": draft.uses.get(column.name, ""),
    }


def _in_order(draft: Proposal, numbers: pl.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers in order of time, those of one excerpt after the other."""
    return numbers.gather(draft.rows["time"].arg_sort()).cast(pl.Float64).to_numpy()


def _steps(draft: Proposal) -> dict[str, Any]:
    over = [key for key in draft.keys if key == "series"]
    return steps_shown(Counter(draft.steps(draft.rows["time"], *over).to_list()))


def _use(draft: Proposal, name: str) -> str:
    use = draft.uses.get(name)
    if use is None:
        return "left out: without a name" if name in draft.sample.unnamed else "channel"
    return use


def _first_rows(draft: Proposal, names: list[str]) -> list[dict[str, Any]]:
    """Rows as they are understood: their time, and numbers and texts as they are read."""
    channels = _names(draft.channels)
    rows = []
    for row in range(min(MAX_ROWS, len(draft.rows))):
        time = draft.rows["time"][row]
        cells = []
        for name in names:
            column = draft.columns[name]
            text = column.texts[row]
            value = column.numbers[row] if name in channels else None
            cells.append(("" if text is None else _cut(text), None if value is None else number(value, digits=15)))
        rows.append({"time": "cannot be read" if time is None else readable_time(time), "cells": cells})
    return rows


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
