"""A state belongs to the labels, times and series that its batches depend on, and to no others."""

from typing import Any

import numpy as np
import pytest

from longstride import WindowDataset, WindowLoader, from_array
from tests.helpers.errors import raises

OPTIONS: dict[str, Any] = {"window": 16, "stride": 3, "batch_size": 16}
VALUES = np.random.default_rng(0).standard_normal((3000, 2)).astype(np.float32)
LABELS = (np.arange(3000) % 700 < 30).astype(np.int8)


def data(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "start": "2024-01-01",
        "step": np.timedelta64(1, "s"),
        "series": {"a": 1000, "b": 2000},
        "labels": LABELS,
    }
    return from_array(VALUES, **{**given, **changes})


OTHERS = {
    "labels": {"labels": np.roll(LABELS, 1)},
    "times": {"start": "2024-01-02"},
    "series": {"series": {"a": 1000, "c": 2000}},
}
NEEDED: dict[str, list[dict[str, Any]]] = {
    "labels": [{"label": "any"}, {"label": "rows"}, {"balance": {"label": 0.3}}, {"balance": ["label"]}],
    "times": [{"time": "start"}, {"time": "rows"}, {"calendar": "day"}],
    "series": [{"series": True}, {"static": np.arange(2)}],
}


@pytest.mark.parametrize("kind", list(NEEDED))
@pytest.mark.parametrize("taker", [WindowLoader, WindowDataset])
def test_a_state_of_other_tables_is_refused_where_batches_depend_on_them(kind: str, taker: Any) -> None:
    mine, others = data(), data(**OTHERS[kind])
    for options in NEEDED[kind]:
        served = taker(mine, **options, **OPTIONS)
        next(iter(served))
        state = served.state_dict()
        taker(data(), **options, **OPTIONS).load_state_dict(state)
        with raises("state-differs", f"other {kind}"):
            taker(others, **options, **OPTIONS).load_state_dict(state)
    independent = [options for name, some in NEEDED.items() if name != kind for options in some]
    for options in [{}, *independent]:
        state = taker(mine, **options, **OPTIONS).state_dict()
        taker(others, **options, **OPTIONS).load_state_dict(state)


def test_windows_left_out_are_known_by_where_they_are() -> None:
    options = {**OPTIONS, "without_labels": ["label"]}
    state = WindowLoader(data(), **options).state_dict()
    WindowLoader(data(), **options).load_state_dict(state)
    with raises("state-differs", "rows"):
        WindowLoader(data(labels=np.roll(LABELS, 3)), **options).load_state_dict(state)
    gone = VALUES.copy()
    gone[100:400] = np.nan
    state = WindowLoader(from_array(gone), max_missing=0.5, **OPTIONS).state_dict()
    with raises("state-differs", "rows"):
        WindowLoader(from_array(gone), max_missing=0.9, **OPTIONS).load_state_dict(state)


def test_weights_of_windows_belong_to_the_state() -> None:
    weights = np.arange(3000, dtype=np.float64)
    state = WindowLoader(data(), balance=weights, **OPTIONS).state_dict()
    with raises("state-differs", "balance"):
        WindowLoader(data(), balance=weights[::-1].copy(), **OPTIONS).load_state_dict(state)
