"""Runs of rows that share the time at which they began, beside what counts from there."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, ingest, propose, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
START = datetime(2024, 3, 1, 8, 0, 7)


def runs(
    num: int = 4, rows: int = 30, *, step: float = 2, first: float = 0, apart: float = 433
) -> tuple[list[datetime], list[float]]:
    begins = [START + timedelta(seconds=apart * run) for run in range(num) for _ in range(rows)]
    return begins, [first + step * row for _ in range(num) for row in range(rows)]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S"])
@pytest.mark.parametrize(
    ("name", "unit"), [("elapsed_s", 1), ("Time (s)", 1), ("Elapsed ms", 1e-3), ("Minutes", 60)]
)
def test_a_run_counts_from_its_begin(look: LOOK, store: STORE, form: str, name: str, unit: float) -> None:
    begins, elapsed = runs(apart=40_000)
    found = look(f"Start time,{name},v", [begin.strftime(form) for begin in begins], elapsed, wave(120))
    assert found.settings["time"] == ["Start time", name]
    assert doubted(found, "'Start time' is taken for when a run of rows began")
    assert "duplicates" not in found.settings
    expected = [
        (begin - datetime(1970, 1, 1)) / timedelta(microseconds=1) + 1e6 * unit * passed
        for begin, passed in zip(begins, elapsed, strict=True)
    ]
    assert (np.asarray(store().time) // 1000).tolist() == [round(moment) for moment in expected]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("elapsed_s", {"apart": 30}),  # a run has not ended when the next one begins
        ("elapsed_s", {"num": 1, "rows": 120}),
        ("elapsed_s", {"first": 50}),
        ("position", {}),
    ],
)
def test_other_columns_do_not_count_from_a_begin(look: LOOK, name: str, changes: dict[str, float]) -> None:
    begins, elapsed = runs(**changes)  # type: ignore[arg-type]
    found = look(f"Start time,{name},v", begins, elapsed, wave(120))
    assert found.settings["time"] != ["Start time", name]


def test_a_begin_that_stands_around_rows(tmp_path: Path) -> None:
    begins, elapsed = runs()
    reps = [
        {
            "head": {"Date": f"{begins[30 * run]}"},
            "data": {"timestamp": elapsed[:30], "co2": list(map(float, wave(30)))},
        }
        for run in range(4)
    ]
    file = tmp_path / "chamber.json"
    file.write_text(json.dumps({"name": "x", "reps": reps}))
    found = propose(file)
    assert found.settings["time"] == ["reps.head.Date", "timestamp"]
    store = ingest(file, out=tmp_path / "out.zarr")
    assert store.num_rows == 120
    assert (int(store.time[-1]) - int(store.time[0])) == round((3 * 433 + 58) * 1e9)
