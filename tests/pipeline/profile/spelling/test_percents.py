"""Numbers with and without the sign of percents in one column."""

from collections.abc import Callable

import pytest

from longstride import Proposal
from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, times, wave

LOOK = Callable[..., Proposal]
STORE = Callable[..., SeriesStore]
COUNT = 100


@pytest.mark.parametrize("divisor", [1, 100])
def test_numbers_among_the_percents_are_percents(look: LOOK, store: STORE, divisor: int) -> None:
    values = [float(value) for value in wave(COUNT)]
    texts = [f"{value}%" if row < 60 else f"{value / divisor}" for row, value in enumerate(values)]
    found = look("time,hum,v", times(COUNT), texts, wave(COUNT, seed=1))
    if divisor == 1:
        assert found.settings["strip"] == ["hum=%"]
        assert doubted(found, "'%' stands at 60 of 100 numbers of 'hum' and is left out")
        assert store().channels == ("hum", "v")
    else:  # 0.15 may be 15%
        assert doubted(found, "different units")
        assert store().channels == ("v",)
