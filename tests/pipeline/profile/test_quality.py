"""Columns that say how good values are: never an input in silence."""

from collections.abc import Callable

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Quality", "192", "0"),
        ("quality", "Good", "Bad"),
        ("Quality", "GOOD", "Uncertain_LastUsableValue"),
        ("Qualität", "gut", "schlecht"),
        ("OPCQuality", "192", "24"),
        ("valid", "1", "0"),
        ("IsGood", "True", "False"),
        ("Questionable", "False", "True"),
        ("StatusCode", "0", "2147483648"),
        ("flow_qc", "2", "9"),
    ],
)
def test_a_quality_is_left_out_in_doubt(look: LOOK, name: str, good: str, bad: str) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), [good, good, good, bad] * 10)
    assert found.settings["exclude"] == [name]
    assert doubted(found, f"{name!r} is left out, for it says how good the rows are: {good!r}, or others in 25.0%")


def test_the_queries_of_a_doubt_take_good_values_alone(look: LOOK, store: STORE) -> None:
    good = ["192", "192", "192", "0"] * 10
    found = look("time,a,a.quality,b,b.quality", times(40), wave(40), good, wave(40, seed=1), good[::-1])
    (doubt,) = [doubt for doubt in found.doubts if doubt.startswith("to make values that are not good")]
    made = store(edits=f"sql = {doubt.partition('say sql = ')[2]}\n")
    assert np.isnan(made.values).sum(axis=0).tolist() == [10, 10]
    assert np.isnan(made.values[:, 0]).tolist() == [text == "0" for text in good]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("air_quality", ["1", "2"]),
        ("pump_status", ["0", "1"]),
        ("mode_flag", ["4", "7"]),
        ("q", ["1.5", "3"]),
    ],
)
def test_what_is_no_quality(look: LOOK, name: str, values: list[str]) -> None:
    found = look(f"time,v,{name}", times(40), wave(40), (values * 40)[:40])
    assert "exclude" not in found.settings
