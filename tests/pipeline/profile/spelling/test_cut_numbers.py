"""Numbers that are cut at their decimal comma."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, propose, times

WRITE = Callable[..., Path]
STORE = Callable[..., SeriesStore]
COUNT = 2000


def _log(fractions: list[str], wholes: list[str]) -> list[str]:
    rows = zip(times(COUNT, step=180), wholes, fractions, strict=True)
    return ["Date/Time,Unit,Value,", *(f"{time},C,{whole},{fraction}" for time, whole, fraction in rows)]


def test_a_fraction_without_a_name(write_log: WRITE, store: STORE) -> None:
    numbers = 30 + 9 * np.sin(np.arange(COUNT) / 40) + np.random.default_rng(0).uniform(0, 0.2, COUNT)
    thousandths = np.round(numbers * 1000).astype(int)
    # A spreadsheet has read each part as a number: the zeros before the fraction are lost.
    parts = [divmod(number, 1000) for number in thousandths.tolist()]
    path = write_log("a.csv", _log([str(part) for _, part in parts], [str(whole) for whole, _ in parts]))
    found = propose(path)
    doubt = next(doubt for doubt in found.doubts if "cut at its decimal comma" in doubt)
    query = re.search("sql = (.*)$", doubt)
    assert query is not None
    made = store(path, edits=f"sql = {query[1]}")
    assert made.channels == ("Value",)
    assert np.allclose(made.values[:, 0], thousandths / 1000, rtol=1e-6)


def test_other_numbers_without_a_name_are_no_fractions(write_log: WRITE) -> None:
    random = np.random.default_rng(0)
    wholes = [str(20 + row // 40 % 9) for row in range(COUNT)]
    path = write_log("a.csv", _log([str(value) for value in random.integers(0, 1000, COUNT)], wholes))
    found = propose(path)
    assert not doubted(found, "decimal comma")
    assert doubted(found, "'column_4' is left out, for it has no name")
