import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from longstride.storage.statistics import STRIP_BYTES, Statistics


def expect(values: NDArray[np.floating], statistics: Statistics) -> None:
    """Compare with the plain definitions, in extended precision, channel by channel."""
    for channel, column in enumerate(values.astype(np.longdouble).T):
        present = column[~np.isnan(column)]
        assert statistics.count[channel] == len(present)
        if len(present) == 0:
            figures = (statistics.mean, statistics.std, statistics.minimum, statistics.maximum)
            assert all(np.isnan(figure[channel]) for figure in figures)
            assert statistics.m2[channel] == 0
            continue
        scale = float(np.abs(present).max())
        m2 = float(((present - present.mean()) ** 2).sum())
        assert statistics.minimum[channel] == present.min()
        assert statistics.maximum[channel] == present.max()
        assert statistics.mean[channel] == pytest.approx(float(present.mean()), rel=1e-13, abs=1e-13 * scale)
        # Rounding of float64 at the size of the values, squared, a value: far below any real spread.
        assert statistics.m2[channel] == pytest.approx(m2, rel=1e-9, abs=len(present) * (1e-14 * scale) ** 2)
        assert statistics.std[channel] == pytest.approx(np.sqrt(m2 / len(present)), rel=1e-9, abs=1e-13 * scale)


def channels_of_every_kind(rows: int, seed: int, dtype: str) -> NDArray[np.floating]:
    """Noise, an offset of a million, a constant, nothing at all, a third missing, one value."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((rows, 6))
    values[:, 1] = 1e6 + values[:, 1]
    values[:, 2] = 0.1
    values[:, 3] = np.nan
    values[random.random(rows) < 1 / 3, 4] = np.nan
    values[1:, 5] = np.nan
    return values.astype(dtype)


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
