"""The promise of the threshold: a share of unseen normal rows scores above it, however they are covered."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import longstride
from longstride.storage.arrays.data import ArrayData
from tests.helpers.runs.promise import ALARMS, ROWS, in_segments, normal_rows

K = 16


@pytest.fixture(scope="module", params=[1, 8, K], ids=lambda stride: f"trained-at-{stride}")
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("promise") / "run"
    longstride.train(
        normal_rows(ROWS, 0), out, window=K, stride=request.param, batch_size=64, model="pca", latent=8,
        train_share=0.5, validation_share=0.5, device="cpu",
    )  # fmt: skip
    return out


@pytest.mark.parametrize("stride", [1, 3, 8, K])
@pytest.mark.parametrize("length", [ROWS, 4 * K, K + 3])
def test_a_share_of_unseen_rows_is_above(run: Path, tmp_path: Path, stride: int, length: int) -> None:
    """In one long segment, and in short ones, of which most rows are near an end; the last rows by themselves."""
    data = in_segments(length)
    out = tmp_path / "scores.parquet"
    longstride.score(run, data, out, stride=stride, alarms=ALARMS, device="cpu")
    alarm = pl.read_parquet(out)["alarm"]
    assert ALARMS / 2 < alarm.mean() < 2 * ALARMS  # type: ignore[operator]
    if length < ROWS:
        ends = alarm.to_numpy()[data.segments.stop[:-1] - 1]
        ends = ends[~pl.Series(ends).is_null().to_numpy()]
        assert len(ends) > 900
        assert ALARMS / 3 < ends.mean() < 2.5 * ALARMS


@pytest.mark.parametrize(
    "options",
    [
        {"aggregate": "max"},
        {"aggregate": "largest", "largest": 2},
        {"aggregate": "log"},
        {"smooth": 5},
        {"smooth": 100, "stride": 8},
        {"threshold": "tail"},
    ],
    ids=str,
)
def test_the_promise_holds_for_each_option(run: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    for length in (ROWS, 4 * K):
        out = tmp_path / f"{length}.parquet"
        longstride.score(run, in_segments(length), out, alarms=ALARMS, device="cpu", **options)
        alarm = pl.read_parquet(out)["alarm"]
        assert ALARMS / 2 < alarm.mean() < 2 * ALARMS  # type: ignore[operator]


def test_broken_rows_that_are_appended_do_not_move_the_threshold(run: Path, tmp_path: Path) -> None:
    values = normal_rows(4000, 2)
    before = longstride.score(run, values, tmp_path / "before.parquet", device="cpu")
    broken = np.concatenate([values, 5 * normal_rows(4000, 3)])
    after = longstride.score(run, broken, tmp_path / "after.parquet", device="cpu")
    assert after.threshold == before.threshold
    alarm = pl.read_parquet(tmp_path / "after.parquet")["alarm"]
    assert alarm[:3900].mean() < 0.01  # type: ignore[operator]
    assert alarm[4100:].mean() > 0.9  # type: ignore[operator]


def test_each_series_has_its_own_normal_rows(tmp_path: Path) -> None:
    """One is ten times as noisy as the other."""

    def two(seed: int) -> ArrayData:
        quiet, noisy = normal_rows(20_000, seed), normal_rows(20_000, seed + 1)
        random, time = np.random.default_rng(seed), 10**9 * np.tile(np.arange(20_000), 2)
        noisy += 3 * random.standard_normal(noisy.shape).astype(np.float32)
        return longstride.from_array(
            np.concatenate([quiet, noisy]), series={"quiet": 20_000, "noisy": 20_000}, time=time
        )

    sizes = {"window": K, "stride": 4, "batch_size": 64, "latent": 8}
    longstride.train(
        two(0), tmp_path / "run", model="pca", device="cpu", train_share=0.5, validation_share=0.5, **sizes
    )
    longstride.score(tmp_path / "run", two(10), tmp_path / "scores.parquet", alarms=ALARMS, device="cpu")
    table = pl.read_parquet(tmp_path / "scores.parquet").group_by("series").agg(pl.col("alarm").mean())
    assert all(ALARMS / 2 < share < 2 * ALARMS for share in table["alarm"].to_list())


@pytest.mark.parametrize("level", [0.0, 5.0, 1480.0])
def test_a_constant_channel_that_changes_is_an_alarm_and_no_more(tmp_path: Path, level: float) -> None:
    values = normal_rows(8000, 0)
    values[:, 3] = level
    sizes = {"window": K, "stride": 4, "batch_size": 64, "latent": 8}
    longstride.train(
        values, tmp_path / "run", model="pca", device="cpu", train_share=0.6, validation_share=0.4, **sizes
    )
    later = normal_rows(1000, 1)
    later[:, 3] = level
    later[500:, 3] = level + (1.0 if level == 0 else level / 2)
    longstride.score(tmp_path / "run", later, tmp_path / "scores.parquet", device="cpu", alarms=0.01)
    table = pl.read_parquet(tmp_path / "scores.parquet")
    assert table["alarm"][:480].mean() < 0.05  # type: ignore[operator]
    assert table["alarm"][520:].mean() == 1
    assert table["score"].max() < 1e5  # type: ignore[operator]
