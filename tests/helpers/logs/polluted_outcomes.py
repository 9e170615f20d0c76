"""What becomes of a polluted log: profiled, ingested by that proposal as it stands, and compared in all values."""

import re
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from longstride import LongstrideError, Recipe, ingest, profile
from longstride.storage.open import open_store
from tests.helpers.logs.pollution import CHANNELS, START, Polluted, value

__all__ = ["Outcome", "Result", "outcome"]


class Outcome(Enum):
    """How it ended."""

    EXACT = "exact"
    NAMED = "exact, with the bad lines named"
    REFUSED = "refused with the place"
    REFUSED_WITHOUT = "refused without the place"
    DOUBTED = "doubted"
    WRONG = "silently wrong"


class Result(NamedTuple):
    """An outcome and what it says."""

    outcome: Outcome
    detail: str


def outcome(case: Polluted, folder: Path, clean_doubts: frozenset[str] = frozenset()) -> Result:
    """What becomes of a log; `clean_doubts` are those of the log without the fault."""
    path, out = folder / "a.csv", folder / "a.zarr"
    path.write_bytes(case.data)
    try:
        proposal = profile(str(path))
        recipe = folder / "a.toml"
        recipe.write_text(proposal.as_toml(), encoding="utf-8")
        report = ingest(str(path), str(out), Recipe.from_toml(recipe))
    except LongstrideError as error:
        text = str(error)
        has_place = re.search(r"\blines? \d|\bbyte \d", text) is not None
        return Result(Outcome.REFUSED if has_place else Outcome.REFUSED_WITHOUT, text)
    lines = [] if report.rejects is None else pl.read_parquet(report.rejects)["line"].to_list()
    fault = _fault(case, out, lines)
    if fault is None:
        return Result(Outcome.NAMED if lines else Outcome.EXACT, f"rejects {lines}")
    doubts = [doubt for doubt in proposal.doubts if doubt not in clean_doubts]
    return Result(Outcome.DOUBTED if _doubts_it(doubts) else Outcome.WRONG, f"{fault}; doubts {doubts}")


def _doubts_it(doubts: list[str]) -> bool:
    """Whether one is about more than lines that are left out."""
    return any("cannot be read" not in doubt for doubt in doubts)


def _fault(case: Polluted, out: Path, rejected: list[int]) -> str | None:
    """What differs from the log without the fault; None where nothing does."""
    store = open_store(out)
    first = np.datetime64(START, "ns").astype(np.int64)
    rows = (np.asarray(store.time).astype(np.int64) - first) / 60e9
    if (rows != rows.astype(np.int64)).any() or len(set(rows.tolist())) < len(rows):
        return f"times differ: {rows[rows != np.arange(1, len(rows) + 1)][:5]}"
    lost = set(range(1, case.num_rows + 1)) - set(rows.astype(int).tolist()) - case.gone
    if lost - case.spoilt:
        return f"rows {sorted(lost - case.spoilt)[:5]} are lost, named {rejected[:5]}"
    if not set(rows.astype(int).tolist()) <= set(range(1, case.num_rows + 1)):
        return "there are rows that are not of the log"
    if set(rejected) - case.bad or (lost and not rejected):
        return f"rows {lost} are lost, and named are {rejected[:9]}"
    if len(store.channels) != len(CHANNELS):
        return f"channels are {list(store.channels)[:9]}"
    names = [name for name, expected in zip(store.channels, case.names, strict=True) if expected not in ("", name)]
    if names:
        return f"names differ: {names}"
    expected = np.array([[value(int(row), channel) for channel in range(len(CHANNELS))] for row in rows])
    differs = np.asarray(store.values) != expected.astype(np.float32)
    return f"values differ in {differs.any(axis=1).sum()} rows" if differs.any() else None
