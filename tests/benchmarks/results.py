"""Reading a result as anyone would who wants to measure it again."""

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import report

__all__ = ["read_result"]


def read_result(path: Path) -> dict[str, Any]:
    """A result, which says what it was measured on, with which threads and seed, and on what data."""
    figures: dict[str, Any] = json.loads(path.read_text())
    assert json.loads(report.read_result(path).as_json()) == figures, f"{path}: its type writes it otherwise"
    assert figures["machine"]["cores"] > 0
    assert figures["machine"]["packages"].keys() >= {"numpy", "torch", "zarr"}
    assert figures["threads"]
    assert all(count > 0 for count in figures["threads"].values())
    assert figures["seed"] == (None if figures["benchmark"] == "codecs" else 0)
    assert _names(figures) & {"num_rows", "rows"}, f"{path}: nothing says how many rows the data has"
    assert _names(figures) & {"num_channels", "num_columns", "log", "stride"}
    return figures


def _names(figures: Any) -> set[str]:
    if isinstance(figures, dict):
        return figures.keys() | {name for value in figures.values() for name in _names(value)}
    return {name for value in figures for name in _names(value)} if isinstance(figures, list) else set()
