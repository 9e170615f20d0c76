"""Sizes that are not given suit the log."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import longstride
from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.trainer.held_out.run_splits import splits_of_run
from longstride.trainer.settings import USUAL, TrainOptions
from longstride.trainer.suitable_sizes import shown_sizes, suitable_settings, suitable_sizes
from tests.helpers.errors import raises
from tests.helpers.runs.training import waves

SHORT = {"window": 16, "stride": 1, "batch_size": 16, "train_share": 0.8, "validation_share": 0.2, "epochs": 27}
"""Of 400 rows: 20 windows side by side, 305 in all, 19 batches."""
QUICK: dict[str, Any] = {"hidden": 4, "latent": 2, "device": "cpu"}


def sizes_of(num_rows: int, lengths: list[int] | None = None, **options: Any) -> dict[str, Any]:
    data = longstride.from_array(np.zeros((num_rows, 1), np.float32), series=lengths)
    return suitable_sizes(data, TrainOptions(data, "run", **options))


def test_a_long_log_gets_the_usual_sizes() -> None:
    # 500 steps in ten epochs of 256 windows, 16 rows apart, and what is held out.
    assert sizes_of(300_000) == USUAL
    assert shown_sizes(USUAL, TrainOptions("store", "run")) == ""


def test_a_short_log_gets_smaller_ones() -> None:
    assert sizes_of(400) == SHORT


def test_rows_of_each_series_are_counted_as_they_are_cut() -> None:
    """The first 200 rows of each of two series; how many are held out does not depend on what comes after them."""
    sizes = sizes_of(2000, lengths=[1000, 1000], split="within-series", train_rows=200, validation_rows=50)
    assert sizes == {**SHORT, "validation_share": 0.1, "epochs": 22}
    data = longstride.from_array(np.zeros((2000, 1), np.float32), series=[1000, 1000])
    options = TrainOptions(data, "run", split="within-series", train_rows=200)
    assert suitable_settings(data, options, lambda message: None).data.validation_rows == 50


def test_what_is_given_stays_and_the_rest_fits_it() -> None:
    assert sizes_of(400, window=64, epochs=3, validation_share=0.1) == {
        **SHORT, "window": 64, "validation_share": 0.1, "epochs": 3,
    }  # fmt: skip
    assert sizes_of(400, train_share=1.0)["validation_share"] == 0
    assert sizes_of(400, model="pca")["epochs"] == USUAL["epochs"]


def test_short_segments_get_windows_that_fit_into_them() -> None:
    assert sizes_of(40_000, lengths=[40] * 1000)["window"] == 32


@given(
    st.lists(st.integers(1, 3000), min_size=1, max_size=8),
    st.sampled_from([None, 5, 100]),
    st.sampled_from([None, 0.5, 1.0]),
)
def test_sizes_can_be_trained_with(lengths: list[int], window: int | None, share: float | None) -> None:
    data = longstride.from_array(np.zeros((sum(lengths), 1), np.float32), series=lengths)
    options = TrainOptions(data, "run", window=window, train_share=share)
    sizes = suitable_sizes(data, options)
    settings = options.grouped(sizes)  # refuses what does not fit together
    train = splits_of_run(data, settings.data).train
    num_windows = len(WindowIndex(train.segments, sizes["window"], sizes["stride"]))
    longest = (train.segments.stop - train.segments.start).max(initial=0)
    if num_windows // sizes["batch_size"] < 8:  # as many of the usual batches would be; smaller ones are more
        assert (sizes["stride"], sizes["batch_size"]) == (1, 16)  # nothing smaller is left to try
    assert num_windows > 0 or longest < sizes["window"]


def test_a_run_of_400_rows_says_what_was_chosen_and_keeps_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = waves(400, 3)
    with caplog.at_level(logging.INFO, "longstride"):
        longstride.train(values, tmp_path / "run", max_steps=9, **QUICK)
    said = "--window 16, --stride 1, --batch-size 16, --validation-share 0.2, --epochs 27"
    assert f"sizes that suit a log of 400 rows: {said}" in caplog.messages
    assert longstride.score(tmp_path / "run", values, tmp_path / "s.parquet", device="cpu").covered > 300
    caplog.clear()
    with caplog.at_level(logging.INFO, "longstride"):
        longstride.train(values, tmp_path / "run", max_steps=12, resume=True, **QUICK)
    assert said not in caplog.text
    saved = json.loads((tmp_path / "run/settings.json").read_text())
    assert {name: (saved["data"] | saved["run"])[name] for name in SHORT} == SHORT


def test_a_resumed_run_keeps_its_sizes_though_other_ones_would_fit_now(tmp_path: Path) -> None:
    longstride.train(
        waves(400, 3), tmp_path / "run", window=8, stride=2, validation_share=0.0, max_steps=2, **QUICK
    )
    result = longstride.train(waves(400, 3), tmp_path / "run", max_steps=3, resume=True, **QUICK)
    assert result.steps == 3
    with raises("run-differs", "--window 8 (now 16)", kind=longstride.LongstrideError):
        longstride.train(waves(400, 3), tmp_path / "run", window=16, max_steps=4, resume=True, **QUICK)
