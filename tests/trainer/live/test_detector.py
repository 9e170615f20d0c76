"""Live scores, compared with the batch scores of the last row of each segment."""

import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from numpy.typing import NDArray

import longstride
from longstride import Detector, LiveScores
from tests.helpers.errors import raises
from tests.helpers.runs.training import calibration_of, waves
from tests.trainer.live.conftest import AUTOENCODERS, CHANNELS, OF_FITTED, SECOND, TASKS, Log

K = 16


def fed(detector: Detector, log: Log, seed: int = 0) -> LiveScores:
    """Scores of all rows of a log, in its order, which arrive mixed."""
    score, alarm, waiting = (np.full(len(log.time), np.nan) for _ in range(3))
    errors = np.full((len(log.time), len(detector.outputs)), np.nan)
    values = log.values[:, [CHANNELS.index(name) for name in detector.channels]]
    for part in log.arrivals(seed):
        found = detector.score(values[part], series=[log.series[row] for row in part], time=log.time[part])
        score[part], alarm[part], waiting[part], errors[part] = (
            found.score,
            found.alarm,
            found.waiting,
            found.errors,
        )
    return LiveScores(
        score=score,
        alarm=alarm.astype(bool),
        errors=errors,
        waiting=waiting.astype(np.int64),
        channels=detector.outputs,
        threshold=detector.threshold,
    )


def assert_as_batch(detector: Detector, found: LiveScores, run: Path, log: Log, out: Path, **options: Any) -> None:
    scored = longstride.score(run, log.data, out, device="cpu", overwrite=True, **options)
    assert detector.threshold == scored.threshold
    table = pl.read_parquet(out)
    last = np.array(log.last)
    at_stake = last[found.waiting[last] == 0]
    assert len(at_stake) > 5
    expected = table["score"].to_numpy()[at_stake]
    np.testing.assert_allclose(found.score[at_stake], expected, rtol=1e-6, atol=1e-6)
    alarms = table["alarm"].fill_null(False).to_numpy()[at_stake]
    np.testing.assert_array_equal(found.alarm[at_stake], alarms)
    errors = table.select(pl.col("^error.*$")).to_numpy()[at_stake]
    np.testing.assert_allclose(found.errors[at_stake], errors, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", [*AUTOENCODERS, *TASKS])
def test_the_score_is_that_of_the_last_row_of_a_segment(runs: Path, log: Log, tmp_path: Path, model: str) -> None:
    detector = Detector(runs / model, device="cpu")
    found = fed(detector, log)
    assert_as_batch(detector, found, runs / model, log, tmp_path / "scores.parquet")
    begin = 0
    for last in log.last:  # the first K - 1 rows wait
        waiting = [max(0, detector.window - 1 - number) for number in range(last + 1 - begin)]
        assert found.waiting[begin : last + 1].tolist() == waiting
        begin = last + 1
    if model not in TASKS:
        missing = np.isnan(log.values).all(axis=1)
        np.testing.assert_array_equal(np.isnan(found.score), (found.waiting > 0) | missing)
    assert not found.alarm[np.isnan(found.score)].any()


OPTIONS = [
    *({"aggregate": how} for how in ("max", "largest", "log")),
    {"aggregate": "largest", "largest": 2, "alarms": 0.01},
    {"threshold": "tail"},
    *({"smooth": smooth, "stride": stride} for smooth, stride in itertools.product((2, 5, 40), (1, 4, 16, 23))),
    {"smooth": 7, "aggregate": "max", "alarms": 0.05},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_with_every_option(runs: Path, log: Log, tmp_path: Path, options: dict[str, Any]) -> None:
    detector = Detector(runs / "pca", device="cpu", batch_size=50, **options)
    assert_as_batch(detector, fed(detector, log), runs / "pca", log, tmp_path / "scores.parquet", **options)


@pytest.mark.parametrize("model", TASKS)
def test_smoothed_scores_of_every_task(runs: Path, log: Log, tmp_path: Path, model: str) -> None:
    options: dict[str, Any] = {"smooth": 5, "stride": 2}
    detector = Detector(runs / model, device="cpu", batch_size=50, **options)
    assert_as_batch(detector, fed(detector, log), runs / model, log, tmp_path / "scores.parquet", **options)


@pytest.mark.parametrize("smooth", [1, 6])
def test_one_row_in_so_many(runs: Path, log: Log, tmp_path: Path, smooth: int) -> None:
    """The model is run on those alone, and they have the scores that they would have anyway."""
    whole = fed(Detector(runs / "pca", device="cpu", smooth=smooth), log)
    detector = Detector(runs / "pca", device="cpu", every=5, smooth=smooth)
    found = fed(detector, log)
    scored = found.waiting == 0
    np.testing.assert_allclose(found.score[scored], whole.score[scored], rtol=1e-6, atol=1e-6)
    assert np.isnan(found.score[~scored]).all()
    begin = 0
    for last in log.last:
        expected = [K - 1 - at if at < K else -(at - K + 1) % 5 for at in range(last + 1 - begin)]
        assert found.waiting[begin : last + 1].tolist() == expected
        begin = last + 1


@pytest.mark.parametrize("smooth", [1, 5])
def test_parts_of_any_length_and_a_state_between_them_change_nothing(runs: Path, log: Log, smooth: int) -> None:
    whole = fed(Detector(runs / "lstm", device="cpu", smooth=smooth), log)
    detector = Detector(runs / "lstm", device="cpu", smooth=smooth, batch_size=7)
    for part in log.arrivals(3):
        found = detector.score(log.values[part], series=[log.series[row] for row in part], time=log.time[part])
        np.testing.assert_allclose(found.score, whole.score[part], rtol=1e-6, atol=1e-6)
        state = detector.state()
        detector = Detector(runs / "lstm", device="cpu", smooth=smooth, batch_size=7)
        detector.restore(state)


def rows_in_all_forms(values: NDArray[np.float32], time: NDArray[np.int64]) -> dict[str, list[Any]]:
    """What to give to `score` in turn, and with it times and series."""
    columns = {name: values[:, number] for number, name in enumerate(CHANNELS)}
    table = pl.DataFrame({**columns, "time": time.view("datetime64[ns]"), "series": ["press"] * len(time)})
    plain = [
        {name: None if np.isnan(one) else float(one) for name, one in zip(CHANNELS, row, strict=True)}
        for row in values
    ]
    arrow = table.fill_nan(None).to_arrow()
    given = {"series": "press", "time": time}
    return {
        "array": [(values, given)],
        "rows": [(row, {"series": "press", "time": at}) for row, at in zip(values, time, strict=True)],
        "tensor": [(torch.from_numpy(values), given)],
        "double": [(values.astype(np.float64), given)],
        "dicts": [
            ({**row, "time": np.datetime64(int(at), "ns"), "series": "press", "note": "x"}, {})
            for row, at in zip(plain, time, strict=True)
        ],
        "columns": [({**columns, "series": ["press"] * len(time), "time": time}, {})],
        "reversed": [({name: columns[name] for name in reversed(CHANNELS)}, given)],
        "polars": [(table, {})],
        "pandas": [(table.to_pandas(), {})],
        "arrow table": [(arrow, {})],
        "arrow batches": [(batch, {}) for batch in arrow.to_batches(max_chunksize=20)],
        "iso": [(values, {"series": "press", "time": [f"{np.datetime64(int(at), 'ns')}Z" for at in time]})],
    }


FORMS = [
    "array", "rows", "tensor", "double", "dicts", "columns", "reversed", "polars", "pandas", "arrow table",
    "arrow batches", "iso",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_rows_in_any_form(runs: Path, log: Log, form: str) -> None:
    part = slice(120, 210)
    expected = Detector(runs / "pca", device="cpu").score(log.values[part], series="press", time=log.time[part])
    detector = Detector(runs / "pca", device="cpu")
    given = rows_in_all_forms(log.values[part], log.time[part])[form]
    found = np.concatenate([detector.score(rows, **more).score for rows, more in given])
    np.testing.assert_allclose(found, expected.score, rtol=1e-6, atol=1e-6)
    assert (~np.isnan(found)).sum() > 10


def test_without_times_rows_follow_each_other(runs: Path, log: Log) -> None:
    found = Detector(runs / "pca", device="cpu").score(log.values[:300])
    assert found.waiting.tolist() == [*range(15, 0, -1), *[0] * 285]
    even = Detector(runs / "pca", device="cpu").score(log.values[:300], time=np.arange(300) * SECOND)
    np.testing.assert_array_equal(found.score, even.score)


def test_a_channel_that_a_dict_lacks_is_missing(runs: Path, log: Log) -> None:
    without = log.values[:60].copy()
    without[:, 3] = np.nan
    expected = Detector(runs / "pca", device="cpu").score(without)
    found = Detector(runs / "pca", device="cpu").score(
        {name: without[:, at] for at, name in enumerate(CHANNELS[:3])}
    )
    np.testing.assert_array_equal(found.score, expected.score)
    assert np.isnan(found.errors[:, 3]).all()


def test_which_channels_carry_an_alarm(runs: Path, log: Log) -> None:
    values = np.nan_to_num(log.values[:60], nan=100)
    values[50:, 1] += 80
    found = Detector(runs / "pca", device="cpu").score(values)
    assert found.alarm[50:].all()
    (first, share), *_ = found.carriers(55).items()
    assert first == "b"
    assert 0.5 < share <= 1
    assert "60 rows, 45 scored" in repr(found)


@pytest.mark.parametrize(("rows", "smooth"), [(3000, 1), (6000, 1), (6000, 4)])
def test_a_series_is_compared_with_its_own_normal_rows(log: Log, tmp_path: Path, rows: int, smooth: int) -> None:
    """Where the calibration has enough of them: it has two fifths of the rows of each, 1,200 or 2,400."""
    values = waves(2 * rows, 4)
    values[rows:] += 3 * np.random.default_rng(1).standard_normal((rows, 4)).astype(np.float32)
    time, series = np.tile(np.arange(rows) * SECOND, 2), {"press": rows, "mill": rows}
    data = longstride.from_array(values, time=time, series=series, channels=CHANNELS)
    shares: dict[str, Any] = {"train_share": 0.5, "validation_share": 0.4, "device": "cpu"}
    longstride.train(data, tmp_path / "run", model="pca", **OF_FITTED, **shares)
    assert np.bincount(calibration_of(tmp_path / "run").series).min() > 0.39 * rows
    detector = Detector(tmp_path / "run", device="cpu", smooth=smooth)
    found = fed(detector, log)
    assert_as_batch(detector, found, tmp_path / "run", log, tmp_path / "scores.parquet", smooth=smooth)
    detector = Detector(tmp_path / "run", device="cpu", smooth=smooth)
    fault = log.values[:60] + np.float32(20) * (np.arange(60) == 59)[:, None]
    press, mill, other = (detector.score(fault, series=one).score[-1] for one in ("press", "mill", "x"))
    if rows == 3000:
        assert press == mill == other
    else:
        assert press > 10 * mill
        assert mill != other


def test_memory_and_state_do_not_grow(runs: Path, log: Log) -> None:
    detector = Detector(runs / "pca", device="cpu", smooth=5)
    sizes = set()
    for _ in range(20):
        detector.score(log.values[:64])
        sizes.add(len(detector.state()))
    assert len(sizes) == 1


def test_no_rows(runs: Path) -> None:
    found = Detector(runs / "pca", device="cpu").score(np.empty((0, 4)))
    assert (len(found), found.errors.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ("rows", "given", "code", "facts"),
    [
        (np.zeros(3), {}, "row-format", ["(3,)", "4 channels a, b, c, d"]),
        (np.zeros((2, 3, 4)), {}, "row-format", ["(2, 3, 4)"]),
        (np.array(["x"] * 4), {}, "row-format", ["not a number"]),
        ({"a": "hot"}, {}, "row-format", ["a: 'hot' is not a number"]),
        ({"a": {"b": 1}}, {}, "row-format", ["not a number"]),
        ({"temperature": 1.0}, {}, "row-format", ["none of the model's channels", "temperature"]),
        ({"a": [1.0, 2.0], "b": [1.0]}, {}, "row-format", ["[1, 2]"]),
        ({}, {}, "row-format", []),
        (None, {}, "row-format", []),
        ([0.0, np.inf, 0.0, 0.0], {}, "row-format", ["inf in b"]),
        ([0.0, 0.0, 1e39, 0.0], {}, "row-format", ["1e+39 in c", "float32"]),
        (np.zeros((3, 4)), {"series": ["x", "y"]}, "row-format", ["2 names", "3 rows"]),
        (np.zeros((3, 4)), {"time": [1, 2]}, "row-format", ["(2,)", "3 rows"]),
        (np.zeros((3, 4)), {"time": "noon"}, "option-value", ["noon"]),
        (np.zeros((3, 4)), {"time": [1.5, 2.5, 3.5]}, "option-value", ["float64"]),
        (np.zeros((2, 4)), {"time": [7 * SECOND, 7 * SECOND]}, "rows-not-newer", ["row 1", "1970-01-01T00:00:07"]),
        (np.zeros((2, 4)), {"time": [7 * SECOND, 6 * SECOND]}, "rows-not-newer", ["row 1"]),
        (np.zeros((4, 4)), {"series": list("xyzz")}, "too-many-series", ["'z'", "max_series"]),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit_are_refused_and_nothing_is_taken(
    runs: Path, log: Log, rows: Any, given: dict[str, Any], code: str, facts: list[str]
) -> None:
    detector = Detector(runs / "pca", device="cpu", max_series=3)
    detector.score(log.values[:20], series="before")
    with raises(code, *facts):
        detector.score(rows, **given)
    assert detector.series == ("before",)
    found = detector.score(log.values[20:60], series="before")
    expected = Detector(runs / "pca", device="cpu").score(log.values[:60], series="before")
    np.testing.assert_allclose(found.score, expected.score[20:], rtol=1e-6, atol=1e-6)


def test_times_that_come_late_or_not_at_all_are_refused(runs: Path, log: Log) -> None:
    detector = Detector(runs / "pca", device="cpu")
    detector.score(log.values[:5], time=np.arange(5) * SECOND)
    with raises("rows-not-newer", "1970-01-01T00:00:04"):
        detector.score(log.values[5], time=4 * SECOND)
    with raises("row-format", "had times, and now have none"):
        detector.score(log.values[5])
    assert detector.score(log.values[5], time=datetime(1970, 1, 1, 0, 0, 5)).waiting.tolist() == [10]
    detector.score(log.values[0], series="other")
    with raises("row-format", "'other' had no times"):
        detector.score(log.values[1], series="other", time=0)


def test_how_far_apart_rows_are_has_to_be_known(tmp_path: Path, log: Log) -> None:
    """An array without times does not say it, and its step would be a guess."""
    longstride.train(waves(2000, 4), tmp_path / "run", window=16, stride=4, latent=4, model="pca", device="cpu")
    detector = Detector(tmp_path / "run")
    with raises("option-value", "--max-gap"):
        detector.score(log.values[:5], time=np.arange(5) * SECOND)
    detector = Detector(tmp_path / "run", max_gap="2s")
    time = np.array([0, 2, 4, 7, 9]) * SECOND
    assert detector.score(log.values[:5], time=time).waiting.tolist() == [15, 14, 13, 15, 14]


WRONG: list[dict[str, Any]] = [
    {"every": 0}, {"max_gap": "soon"}, {"max_gap": "0s"}, {"smooth": 0}, {"alarms": 2.0}, {"largest": 2},
    {"batch_size": 0}, {"stride": "x"}, {"max_series": 0},
]  # fmt: skip


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_options_that_cannot_work(runs: Path, options: dict[str, Any]) -> None:
    with raises("option-value", next(iter(options)).split("_")[-1]):
        Detector(runs / "pca", **options)


def test_an_interrupt_while_rows_are_taken_is_noticed(
    runs: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Detector(runs / "pca", device="cpu", batch_size=10)
    detector.score(log.values[:20])
    before = detector.state()

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(detector._trained, "errors_of", interrupted)
        with pytest.raises(KeyboardInterrupt):
            detector.score(log.values[20:40])
    with raises("detector-interrupted"):
        detector.score(log.values[20:40])
    with raises("detector-interrupted"):
        detector.state()
    detector.restore(before)
    expected = Detector(runs / "pca", device="cpu").score(log.values[:40])
    np.testing.assert_allclose(detector.score(log.values[20:40]).score, expected.score[20:], rtol=1e-6, atol=1e-6)


def test_an_arrow_batch_with_a_zone(runs: Path, log: Log) -> None:
    zone = pa.array(log.time[:20], pa.timestamp("ns", "Europe/Berlin"))
    columns = [pa.array(log.values[:20, number]) for number in range(4)]
    batch = pa.record_batch([*columns, zone], names=[*CHANNELS, "time"])
    found = Detector(runs / "pca", device="cpu").score(batch)
    np.testing.assert_array_equal(
        found.score, Detector(runs / "pca").score(log.values[:20], time=log.time[:20]).score
    )


@pytest.mark.parametrize("smooth", [1, 3])
def test_windows_of_one_row_and_one_channel(tmp_path: Path, smooth: int) -> None:
    values = np.random.default_rng(0).standard_normal((2000, 1)).astype(np.float32)
    sizes: dict[str, Any] = {"window": 1, "stride": 1, "latent": 1, "model": "pca", "device": "cpu"}
    longstride.train(longstride.from_array(values, step="1s"), tmp_path / "run", **sizes)
    scored = tmp_path / "scores.parquet"
    longstride.score(tmp_path / "run", longstride.from_array(values[:50], step="1s"), scored, smooth=smooth)
    expected = pl.read_parquet(scored)["score"].to_numpy()
    detector = Detector(tmp_path / "run", smooth=smooth)
    found = np.concatenate([detector.score(values[row : row + 7]).score for row in range(0, 50, 7)])[:50]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["pca", "lstm"])
def test_on_a_gpu(runs: Path, log: Log, tmp_path: Path, model: str) -> None:
    detector = Detector(runs / model, device="cuda", smooth=3)
    found = fed(detector, log)
    scored = longstride.score(runs / model, log.data, tmp_path / "scores.parquet", device="cuda", smooth=3)
    last = np.array(log.last)
    at_stake = last[~np.isnan(found.score[last])]
    expected = pl.read_parquet(tmp_path / "scores.parquet")["score"].to_numpy()[at_stake]
    np.testing.assert_allclose(found.score[at_stake], expected, rtol=1e-3, atol=1e-3)  # sums in another order
    assert detector.threshold == scored.threshold
