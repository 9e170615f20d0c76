"""Channels of every kind, and their statistics by the plain definitions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from longstride.storage.series.statistics import Statistics


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
