"""Every d-th row: the same from every kind of store; `test_extras.py` compares the batches with brute force."""

from typing import Any

import numpy as np
import pytest

from longstride import WindowDataset, WindowLoader, from_array, split_by_time, split_in_blocks, split_within_series
from tests.helpers.errors import raises
from tests.helpers.stores.ways import Ways, check_every_way


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"window": 5, "dilation": 3, "horizon": 2, "gap": 1, "time": "rows", "label": "rows", "series": True},
        {"window": 4, "dilation": 7, "stride": 9, "without_labels": "fault", "max_missing": 0.3},
    ],
)
def test_every_way_of_serving(ways: Ways, options: dict[str, Any], shuffle: bool) -> None:
    check_every_way(ways, shuffle=shuffle, **options)


def test_balance_counts_the_rows_of_windows() -> None:
    rows = np.arange(100.0)
    data = from_array(np.zeros((100, 1), np.float32))
    options: dict[str, Any] = {"window": 3, "dilation": 10, "batch_size": 8, "windows_per_epoch": 800}
    by_row = WindowLoader(data, balance=rows, **options)
    by_window = WindowLoader(data, balance=[3 * start + 30 for start in range(80)], **options)
    assert [batch.start.tolist() for batch in by_row] == [batch.start.tolist() for batch in by_window]


def test_balance_by_label_knows_the_gap_and_the_dilation() -> None:
    labels = np.zeros(1000, np.int8)
    labels[500] = 1
    data = from_array(np.zeros((1000, 1), np.float32), labels=labels)
    options: dict[str, Any] = {"window": 3, "dilation": 4, "horizon": 2, "gap": 5, "batch_size": 8}
    loader = WindowLoader(data, balance={"label": 0.5}, windows_per_epoch=80, **options)
    last = 4 * (3 + 5 + 2 - 1)
    for batch in loader:
        assert sum(start <= 500 <= start + last for start in batch.start.tolist()) == 4


def test_one_window_by_its_number() -> None:
    values = np.arange(200, dtype=np.float32)
    dataset = WindowDataset(values, window=3, dilation=10, horizon=1, batch_size=8)
    assert dataset.num_windows == 170
    one = dataset.window(-1)
    assert one.values[:, 0].tolist() == [169, 179, 189]
    assert one.target is not None
    assert one.target[:, 0].tolist() == [199]
    assert repr(dataset) == (
        "WindowDataset(B=8, K=3, N=1, H=1, dilation=10, M=1, windows=170, steps=21, dropped=2, skipped=0)"
    )


def test_splits_are_apart_by_all_that_a_window_reaches_over() -> None:
    data = from_array(np.zeros((1000, 1), np.float32))
    options: dict[str, Any] = {"window": 4, "horizon": 2, "gap": 3, "dilation": 5}
    purge = 5 * (4 + 3 + 2 - 1)
    for splits in (split_by_time(data, **options), split_within_series(data, **options)):
        assert splits.validation.segments.start.tolist() == [800 + purge]
        assert splits.test.segments.start.tolist() == [900 + purge]
    fold = split_in_blocks(data, blocks=4, **options)[1]
    assert fold.train.segments.stop.tolist() == [250 - purge, 1000]
    assert fold.train.segments.start.tolist() == [0, 500 + purge]


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"dilation": 0}, ["dilation=0"]),
        ({"dilation": -3}, ["dilation=-3"]),
        ({"dilation": 2.5}, ["dilation", "expected a whole number"]),
        ({"dilation": 2**21}, ["dilation=2097152", "1,048,576"]),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], facts: list[object]) -> None:
    values = np.zeros((50, 1), np.float32)
    with raises("option-value", *facts):
        WindowLoader(values, window=4, batch_size=4, **options)
    with raises("option-value", *facts):
        split_by_time(values, window=4, **options)


def test_windows_that_reach_too_far_say_how_far() -> None:
    with raises("too-few-windows", "0 windows of 91 rows", 50):
        WindowLoader(np.zeros((50, 1), np.float32), window=10, dilation=10, batch_size=1)


def test_a_state_of_another_dilation_is_refused() -> None:
    values = np.zeros((500, 1), np.float32)
    plain = WindowLoader(values, window=4, batch_size=4)
    assert "dilation" not in plain.dataset.settings
    with raises("state-differs", "dilation"):
        WindowLoader(values, window=4, batch_size=4, dilation=2).load_state_dict(plain.state_dict())
