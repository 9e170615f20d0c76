"""Parts on disk: whole or absent, and read back by slices."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride.pipeline.ingest.staging.folder import part_name, rejects_name
from longstride.pipeline.ingest.staging.part_file import (
    Part,
    PartReader,
    steps_back_between,
    whole_part,
    write_part,
)
from longstride.pipeline.ingest.staging.spans import Span, Spans
from tests.helpers.campaigns import count

PLACE = 3, 0, 7
REJECTS = b"what could not be read"


def make_part(
    folder: Path,
    rows: int,
    *,
    dtype: str = "float32",
    channels: int = 2,
    labels: int = 1,
    sensors: list[str] | None = None,
    place: tuple[int, int, int] = PLACE,
    spans: list[Span] | None = None,
) -> tuple[Part, dict[str, np.ndarray]]:
    part = Part(
        source=place[0],
        section=place[1],
        piece=place[2],
        last=True,
        num_rows=rows,
        dtype=dtype,
        num_channels=channels,
        num_labels=labels,
        sensors=sensors,
        spans=Spans.of([Span("é", 0, rows, 5, 4 + rows, 5, 4 + rows)] if spans is None else spans),
        rows_in=rows + 2,
        blank=1,
        headers=0,
        filtered=0,
        rejected={"no number in 'é'": 2},
        ambiguous=0,
        nonexistent=0,
        done_bytes=0,
        steps_back=0,
        rounded={"n": (4, "16777217")},
        measurements=["p"],
        left_out={"Lab": [2, "7.1", None], "alarm": [9, "ok", {"ok": 9}]},
        matched=[3],
        section_crc=11,
        rejects_crc=google_crc32c.value(REJECTS),
    )
    (folder / rejects_name(*place)).write_bytes(REJECTS)
    random = np.random.default_rng(rows)
    blocks = {
        "time": np.arange(5, 5 + rows),
        "line": np.arange(rows) * 2,
        "sensor": random.integers(0, max(1, len(sensors or ())), rows, np.int32),
        "labels": random.integers(0, 100, (rows, labels), np.int8),
        "values": random.standard_normal((rows, channels)).astype(dtype),
    }
    if sensors is None:
        del blocks["sensor"]
    return write_part(folder, part, blocks), blocks


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 50),
    st.sampled_from(["float32", "float64"]),
    st.integers(1, 5),
    st.integers(0, 2),
    st.sampled_from([None, ["flow", "level"]]),
    st.data(),
)
def test_any_slice_comes_back(
    rows: int, dtype: str, channels: int, labels: int, sensors: list[str] | None, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(start, rows))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part, blocks = make_part(folder, rows, dtype=dtype, channels=channels, labels=labels, sensors=sensors)
        assert whole_part(folder, PLACE, 11) == part
        assert {path.name for path in folder.iterdir()} == {part_name(*PLACE), rejects_name(*PLACE)}
        reader = PartReader(folder, part)
        found = reader.read(start, stop)
        assert list(found) == list(part.blocks)
        for block, wanted in blocks.items():
            np.testing.assert_array_equal(found[block], wanted[start:stop])
            assert found[block].shape == wanted[start:stop].shape
        if start < stop:
            np.testing.assert_array_equal(reader.times(start, stop), blocks["time"][start:stop])


@pytest.mark.parametrize("keep", [0, 5, 8, 200, -1])
def test_a_part_that_was_cut_short_is_none(tmp_path: Path, keep: int) -> None:
    make_part(tmp_path, 100)
    path = tmp_path / part_name(3, 0, 7)
    path.write_bytes(path.read_bytes()[:keep])
    assert whole_part(tmp_path, PLACE, 11) is None


@pytest.mark.campaign
@pytest.mark.parametrize("name", [part_name, rejects_name])
def test_a_part_with_a_flipped_bit_is_none(tmp_path: Path, name: Callable[..., str]) -> None:
    """Of any byte: a series, a count and a sensor stand in its header, and what was rejected next to it."""
    make_part(tmp_path, 5)
    path = tmp_path / name(*PLACE)
    data = path.read_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert whole_part(tmp_path, PLACE, 11) is None, place
    count("flipped bits in staged parts", len(data))
    path.write_bytes(data + b"\0")
    assert whole_part(tmp_path, PLACE, 11) is None
    path.write_bytes(data)
    assert whole_part(tmp_path, PLACE, 11) is not None
    path.unlink()
    assert whole_part(tmp_path, PLACE, 11) is None


def test_a_part_is_that_of_its_name_and_of_its_section(tmp_path: Path) -> None:
    make_part(tmp_path, 5)
    assert whole_part(tmp_path, PLACE, 12) is None
    (tmp_path / part_name(*PLACE)).rename(tmp_path / part_name(3, 0, 6))
    (tmp_path / rejects_name(*PLACE)).rename(tmp_path / rejects_name(3, 0, 6))
    assert whole_part(tmp_path, (3, 0, 6), 11) is None


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    make_part(tmp_path, 100)
    path = tmp_path / part_name(3, 0, 7)
    data = path.read_bytes()
    make_part(tmp_path, 100)
    assert path.read_bytes() == data


def test_steps_back_between_parts_are_those_of_one_series_of_one_source(tmp_path: Path) -> None:
    def part(source: int, piece: int, *spans: tuple[str, int, int]) -> Part:
        """With the times of the first and last row of each series, as the file has them."""
        found = [
            Span(series, 0, 1, min(begins, ends), max(begins, ends), begins, ends)
            for series, begins, ends in spans
        ]
        return make_part(tmp_path, 1, place=(source, 0, piece), spans=found)[0]

    parts = [
        part(0, 0, ("x", 10, 20), ("y", 50, 40)),
        part(0, 1, ("y", 40, 60)),
        part(0, 2, ("x", 19, 30), ("y", 59, 70)),
        part(1, 0, ("x", 0, 5)),
        part(1, 1, ("x", 5, 6)),
    ]
    assert steps_back_between(parts) == {0: 2, 1: 0}
    assert steps_back_between([]) == {}


def test_a_part_that_is_cut_short_later_is_an_error_of_the_file(tmp_path: Path) -> None:
    """Its rows would be whatever the memory held before."""
    part, _ = make_part(tmp_path, 100)
    path = tmp_path / part_name(*PLACE)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="shorter than its header says") as caught:
        PartReader(tmp_path, part).read(90, 100)
    assert caught.value.filename == str(path)
