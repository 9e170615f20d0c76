"""The rows of a store at a glance, against a look at all of them."""

import tempfile
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.pipeline.ingest.report_page.overview import Overview
from longstride.pipeline.ingest.writing import overview
from longstride.pipeline.ingest.writing.overview import overview_of
from longstride.storage.format import StoreLayout
from longstride.storage.html.pictures import WIDTH, lowest_and_highest
from longstride.storage.series.segments import Segments
from longstride.storage.writing.writer import StoreWriter

CHUNK_ROWS = 16
SMALL_CHUNKS = mock.patch.object(StoreLayout, "chunk_rows", CHUNK_ROWS)


def _overview(time: np.ndarray, values: np.ndarray, starts: list[int], **limits: int) -> Overview:
    """Of rows whose series begin at `starts`."""
    bounds = np.array([*starts, len(time)])
    segments = Segments(bounds[:-1], bounds[1:], np.arange(len(starts)))
    with (
        tempfile.TemporaryDirectory() as folder,
        SMALL_CHUNKS,
        mock.patch.multiple(overview, **{"MANY_BLOCKS": 99, **limits}),
        StoreWriter(Path(folder, "s"), StoreLayout(channels=("a", "b"))) as writer,
    ):
        writer.append(time, values)
        return overview_of(writer, segments)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 700), st.integers(0, 99))
def test_ranges_are_those_of_the_rows(num_rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.standard_normal((num_rows, 2)).astype(np.float32)
    values[random.random((num_rows, 2)) < 0.5] = np.nan
    values[num_rows // 3 : num_rows // 2, 1] = np.nan
    values[num_rows // 2, 0] = np.inf
    time = np.arange(num_rows) * 5
    for channel in (seen := _overview(time, values, [0])).channels:
        column = values[:, seen.channels.index(channel)]
        np.testing.assert_array_equal([channel.low, channel.high], lowest_and_highest(column))
        assert channel.num_missing == np.isnan(column).sum()
    assert seen.has_all_steps
    many = _overview(time, values, [0], MANY_BLOCKS=1).channels[1]  # by the statistics of blocks alone
    assert len(many.low) == min(WIDTH, -(-num_rows // CHUNK_ROWS))
    for end, of in ((many.low, np.fmin), (many.high, np.fmax)):
        np.testing.assert_array_equal(of.reduce(end), of.reduce(values[:, 1]))


def test_steps_are_those_within_series() -> None:
    time = np.array([*range(0, 300, 3), *range(1000, 1400, 4), *range(50, 90)])
    values = np.zeros((len(time), 2), np.float32)
    seen = _overview(time, values, [0, 100, 200])
    assert seen.steps == Counter({3: 99, 4: 99, 1: 39})
    assert seen.has_all_steps
    few = _overview(time, values, [0, 100, 200], MAX_STEPS=3 * CHUNK_ROWS)
    assert few.steps == Counter({3: 15, 4: 15, 1: 15})
    assert not few.has_all_steps
