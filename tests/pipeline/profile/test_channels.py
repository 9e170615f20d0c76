"""What is found to be a channel, a label, a counter, or nothing of use."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, unsteady, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]


@pytest.mark.parametrize(
    ("header", "columns", "excluded"),
    [
        ("No,time,v", (range(40), times(40), wave(40)), ["No"]),
        (",time,v", (range(40), times(40), wave(40)), None),
        ("No,time,n", (range(0, 80, 2), times(40), [min(row, 30) for row in range(40)]), None),
        ("time,n", (times(40), range(40)), None),
    ],
    ids=["a count of rows", "without a name", "counts otherwise", "there is nothing else"],
)
def test_a_count_of_rows_is_left_out(look: LOOK, header: str, columns: Any, excluded: list[str] | None) -> None:
    found = look(header, *columns)
    assert found.settings.get("exclude") == excluded
    assert found.why.get("exclude=No", "counts rows") == "counts rows"
    assert found.described().get("column_1", "left out: without a name").startswith("left out: without a name")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([5] * 40, "always 5 in the sample"),
        (["leaf7"] * 40, "always 'leaf7'"),
        ([""] * 40, "holds nothing"),
        (["7", "A1", "12", "3", "8"] * 8, "texts: '7', 'A1', '12' and 2 more"),
        ([5] * 39 + [""], None),
    ],
    ids=["number", "text", "nothing", "codes", "a missing value is a change"],
)
def test_columns_that_are_no_channels(look: LOOK, values: list[Any], why: str | None) -> None:
    found = look("time,v,x", unsteady(40), wave(40), values)
    assert found.settings.get("exclude") == (["x"] if why else None)
    assert found.why.get("exclude=x") == why
    assert doubted(found, "may change elsewhere") == (values == [5] * 40)


def test_what_is_left_out_is_in_the_order_of_the_file_and_all_is_not(look: LOOK) -> None:
    found = look("time,v,b,c", times(40), wave(40), [5] * 40, ["leaf7"] * 40)
    assert found.settings["exclude"] == ["b", "c"]
    found = look("time,v", times(40), [5] * 40)
    assert found.settings == {"time": "time"}
    assert doubted(found, "no channel changes")


def test_counts_become_rates(look: LOOK, store: STORE) -> None:
    counts = [10**7 * row for row in range(1000)]
    found = look("time,sent,got,v", times(1000), counts, counts[:500] * 2, wave(1000))
    assert found.settings == {"time": "time", "rate": ["sent", "got"], "counter-bits": "64"}
    np.testing.assert_allclose(store().values[1:, 0], 10**7 / 60, rtol=1e-6)


def test_counts_of_each_series(look: LOOK) -> None:
    stamps = [time for time in times(100) for _ in "ab"]
    counts = [10**7 * (row // 2) + 10**9 * (row % 2) for row in range(200)]
    found = look("time,device,v,n", stamps, ["fan", "pump"] * 100, wave(200), counts)
    assert found.settings == {"time": "time", "series": "device", "rate": ["n"]}


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([100 * row for row in range(1000)], None),
        ([10**7 * row + 0.5 for row in range(1000)], None),
        ([10**7 * (row % 10) + row for row in range(1000)], "float64"),
        ([-(10**7) * (row % 10) - row for row in range(1000)], "float64"),
        ([2**25] * 500 + [2**26] * 2 + [2**25] * 498, None),
    ],
    ids=["small", "not whole", "up and down", "below zero", "exact in float32"],
)
def test_what_is_nearly_a_count(look: LOOK, store: STORE, numbers: list[float], dtype: str | None) -> None:
    found = look("time,n,v", times(1000), numbers, wave(1000))
    assert "rate" not in found.settings
    assert found.settings.get("dtype") == dtype
    assert store().num_rows == 1000


def test_whole_numbers_that_no_float_holds(look: LOOK, store: STORE) -> None:
    codes = np.random.default_rng(0).integers(2**53, 10**18, 100)
    found = look("time,v,code", times(100), wave(100), codes)
    assert found.settings == {"time": "time", "exclude": ["code"]}
    assert store().num_rows == 100
    for numbers in (codes, sorted(codes), [2**53 - row for row in range(100)]):
        found = look("time,code", times(100), numbers)
        assert found.settings == {"time": "time"}
        assert doubted(found, "'code' holds whole numbers up to ")


@pytest.mark.parametrize(
    ("name", "is_doubted"),
    [
        ("energy_total", False),
        ("rx_bytes", False),
        ("bytes-received", False),
        ("buff", True),
        ("Private bytes", True),
    ],
)
def test_a_level_that_happens_to_rise_is_doubted(look: LOOK, name: str, is_doubted: bool) -> None:
    found = look(f"time,{name}", times(60), [str(1_340_276_736 + 13_107 * row) for row in range(60)])
    assert found.settings["rate"] == [name]
    assert doubted(found, "rate: ") == is_doubted


def test_numbers_that_do_not_run_as_the_time_does_stay(look: LOOK) -> None:
    uptime = [str(700_000_000 + 4096 * (row // 4)) for row in range(60)]
    found = look("Time,Uptime pos,v", times(60), uptime, wave(60))
    assert "exclude" not in found.settings
    assert doubted(found, "'Uptime pos' could be times")
