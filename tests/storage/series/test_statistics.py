import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longstride.storage.series.statistics import STRIP_BYTES, Statistics
from tests.helpers.stores.channels import channels_of_every_kind, expect


@given(rows=st.integers(1, 200), seed=st.integers(0, 999), dtype=st.sampled_from(["float32", "float64"]))
def test_of_rows(rows: int, seed: int, dtype: str) -> None:
    values = channels_of_every_kind(rows, seed, dtype)
    expect(values, Statistics.of(values))


@given(data=st.data(), rows=st.integers(1, 300), seed=st.integers(0, 999))
def test_merged_parts_equal_the_whole(data: st.DataObject, rows: int, seed: int) -> None:
    values = channels_of_every_kind(rows, seed, "float32")
    cuts = sorted(data.draw(st.lists(st.integers(0, rows), max_size=6)))
    parts = [Statistics.of(part) for part in np.split(values, cuts)]
    expect(values, Statistics.merge(parts))


def test_parts_may_be_stacked() -> None:
    values = channels_of_every_kind(90, 1, "float64")
    parts = [Statistics.of(part) for part in np.split(values, 9)]
    stacked = Statistics(**{name: np.stack([vars(part)[name] for part in parts[3:]]) for name in vars(parts[0])})
    expect(values, Statistics.merge([*parts[:3], stacked]))


def test_many_strips() -> None:
    rows = 3 * STRIP_BYTES // (8 * 6) + 11
    values = channels_of_every_kind(rows, 2, "float32")
    expect(values, Statistics.of(values))


def test_a_million_plus_noise_keeps_its_spread() -> None:
    noise = np.random.default_rng(3).standard_normal((200_000, 1))
    statistics = Statistics.of(1e6 + noise)
    assert statistics.std[0] == pytest.approx(np.std(1e6 + noise), rel=1e-10)
    assert statistics.std[0] == pytest.approx(np.std(noise), rel=1e-6)


@pytest.mark.parametrize("constant", [0.1, -273.15, 1e6 + 0.3])
def test_a_constant_has_no_spread_at_all(constant: float) -> None:
    parts = [Statistics.of(np.full((rows, 1), constant)) for rows in (7, 5000, 333)]
    assert Statistics.merge(parts).std[0] == 0


def test_nothing_at_all() -> None:
    nothing = Statistics.merge([Statistics.empty(2), Statistics.of(np.empty((0, 2), np.float32))])
    assert nothing.count.tolist() == [0, 0]
    assert nothing.m2.tolist() == [0, 0]
    assert np.isnan([nothing.mean, nothing.std, nothing.minimum, nothing.maximum]).all()


def test_infinite_values_are_told_without_a_warning() -> None:
    values = np.array([[1.0, 1.0], [np.inf, 2.0], [-np.inf, np.nan]])
    statistics = Statistics.merge([Statistics.of(values[:2]), Statistics.of(values[2:])])
    assert statistics.minimum.tolist() == [-np.inf, 1.0]
    assert statistics.maximum.tolist() == [np.inf, 2.0]
    assert statistics.mean[1] == 1.5
    assert not np.isfinite(statistics.std[0])
