"""Rows in any order, in any files, come out as a sort in plain Python puts them, in any pieces and buckets."""

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, ingest
from longstride.pipeline.ingest.staging.part_file import Part, PartReader, write_part
from longstride.pipeline.ingest.staging.spans import Span, Spans
from longstride.pipeline.ingest.writing.buckets import Bucket, plan_buckets
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced, series_of_rows
from tests.helpers.logs.buckets import SIZES, mean, tiny_buckets

NS = 10**9
VALUES = st.one_of(st.none(), st.integers(-50, 50))
Row = tuple[str, int, int | None, int | None, int]
"""Series, second, two values, label."""
ROWS = st.lists(
    st.tuples(st.sampled_from(["pump", "fan", "é"]), st.integers(-8, 30), VALUES, VALUES, st.integers(0, 3)),
    max_size=40,
)


def write_files(folder: Path, files: Sequence[Sequence[Row]], *, keyed: bool) -> list[Path]:
    paths = []
    for number, rows in enumerate(files):
        lines = ["key,time,a,b,label" if keyed else "time,a,b,label"]
        for key, *fields in rows:
            texts = ["" if field is None else str(field) for field in fields]
            lines.append(",".join([key, *texts] if keyed else texts))
        paths.append(folder / f"{9 - number}.csv")  # the order of sources is that in which they are named
        paths[-1].write_text("\n".join(lines) + "\n")
    return paths


def number(value: float | None) -> float:
    return np.nan if value is None else value


def brute(files: Sequence[Sequence[Row]], policy: str, *, keyed: bool) -> list[tuple[str, int, float, float, int]]:
    """One row for each series and time, by a sort that keeps the order of files and lines."""
    together: dict[tuple[str, int], list[Row]] = {}
    for rows in files:
        for row in rows:
            together.setdefault((row[0] if keyed else "", row[1]), []).append(row)
    found = []
    for (key, time), rows in sorted(together.items()):
        chosen = rows[-1] if policy == "last" else rows[0]
        a, b, label = chosen[2:]
        if policy == "mean":
            a, b = mean([row[2] for row in rows]), mean([row[3] for row in rows])
            label = max(row[4] for row in rows)
        found.append((key, time, number(a), number(b), label))
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.sampled_from(["first", "last", "mean"]), st.booleans(), SIZES)
def test_rows_of_any_order_are_sorted_and_settled(
    files: list[list[Row]], policy: str, keyed: bool, sizes: tuple[int, int]
) -> None:
    wanted = brute(files, policy, keyed=keyed)
    recipe = Recipe(
        time="time",
        time_format="s",
        series="key" if keyed else None,
        labels=("label",),
        duplicates=policy,
        dtype="float64",
        max_gap="1d",
    )
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        paths = write_files(Path(folder), files, keyed=keyed)
        if not wanted:
            with raises("source-empty"):
                ingest(paths, Path(folder, "none"), recipe)
            return
        piece_bytes, bucket_bytes = sizes
        report = ingest(paths, Path(folder, "out"), recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
        store = assert_balanced(report)
        assert series_of_rows(store) == [row[0] for row in wanted]
        assert store.time.tolist() == [row[1] * NS for row in wanted]
        np.testing.assert_array_equal(store.values, [row[2:4] for row in wanted])
        assert store.labels is not None
        assert store.labels[:, 0].tolist() == [row[4] for row in wanted]
        assert sum(file.deduplicated for file in report.files) == sum(map(len, files)) - len(wanted)
        whole = assert_balanced(ingest(paths, Path(folder, "whole"), recipe))
        assert whole.attributes == store.attributes


@settings(max_examples=20, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans(), SIZES)
def test_a_time_that_is_repeated_is_an_error_that_names_both_rows(
    files: list[list[Row]], keyed: bool, sizes: tuple[int, int]
) -> None:
    places: dict[tuple[str, int], list[str]] = {}
    for number_, rows in enumerate(files):
        for line, row in enumerate(rows):
            places.setdefault((row[0] if keyed else "", row[1]), []).append(f"{9 - number_}.csv, line {line + 2}")
    repeated = [found for _, found in sorted(places.items()) if len(found) > 1]
    recipe = Recipe(time="time", time_format="s", series="key" if keyed else None, max_gap="1d")
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        paths = write_files(Path(folder), files, keyed=keyed)
        piece_bytes, bucket_bytes = sizes
        out = Path(folder, "out")
        if repeated:
            first, second = repeated[0][:2]
            with raises("time-repeated", f"{second}: ", "--duplicates", f"{folder}/{first}:"):
                ingest(paths, out, recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
            assert not out.exists()
        elif places:
            report = ingest(paths, out, recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
            assert assert_balanced(report).num_rows == len(places)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans(), st.integers(1, 9), SIZES)
def test_no_step_of_a_grid_is_cut(files: list[list[Row]], keyed: bool, every: int, sizes: tuple[int, int]) -> None:
    steps: dict[tuple[str, int], list[Row]] = {}
    for rows in files:
        for row in rows:
            steps.setdefault((row[0] if keyed else "", row[1] // every * every), []).append(row)
    if not steps:
        return
    # Duplicates are averaged before, so a sum would not do: count, min and max of values that differ.
    recipe = Recipe(
        time="time",
        time_format="s",
        series="key" if keyed else None,
        labels=("label",),
        duplicates="mean",
        every=f"{every}s",
        aggregate=("a=count", "b=max"),
        max_gap=f"{every}s",
        dtype="float64",
    )
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        paths = write_files(Path(folder), files, keyed=keyed)
        piece_bytes, bucket_bytes = sizes
        report = ingest(paths, Path(folder, "out"), recipe, piece_bytes=piece_bytes, bucket_bytes=bucket_bytes)
        store = assert_balanced(report)
        assert report.rows_added == 0
        wanted = sorted(steps)
        assert store.time.tolist() == [time * NS for _, time in wanted]
        assert series_of_rows(store) == [key for key, _ in wanted]
        counts = [len({row[1] for row in steps[step] if row[2] is not None}) for step in wanted]
        assert store.values[:, 0].tolist() == counts
        largest = []
        for step in wanted:
            times = {row[1] for row in steps[step]}
            means = [mean([row[3] for row in steps[step] if row[1] == time]) for time in times]
            largest.append(max((one for one in means if not np.isnan(one)), default=np.nan))
        np.testing.assert_array_equal(store.values[:, 1], largest)
        assert store.labels is not None
        assert store.labels[:, 0].tolist() == [max(row[4] for row in steps[step]) for step in wanted]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(-30, 60)), max_size=40), min_size=1, max_size=5
    ),
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(1, 20)),
)
def test_buckets_are_all_rows_once_in_order_of_time(
    pieces: list[list[tuple[str, int]]], bucket_rows: int, every: int | None
) -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        readers = [
            PartReader(Path(folder), part_of(Path(folder), number, rows)) for number, rows in enumerate(pieces)
        ]
        buckets = list(plan_buckets(readers, bucket_rows, every))
        wanted = [(key, time) for rows in pieces for key, time in rows]
        ranges = []
        found = []
        for bucket in buckets:
            times = [time for piece in bucket.slices for time in times_of(piece.reader, piece.start, piece.stop)]
            assert times
            found += [(bucket.series, time) for time in times]
            ranges.append((bucket.series, min(times), max(times)))
        assert sorted(found) == sorted(wanted)
        for (series, _, last), (other, first, _) in pairwise(ranges):
            assert series < other or (series == other and last < first)
            if every is not None and series == other:
                assert last // every < first // every
        assert [bucket.series for bucket in buckets if bucket.ends_series] == sorted({key for key, _ in wanted})
        assert_small(buckets, bucket_rows, every)


def test_parts_that_follow_each_other_are_taken_by_their_headers_alone(tmp_path: Path) -> None:
    """One bucket a part, and nothing that grows with the square of the parts."""
    readers = [
        PartReader(tmp_path, part_of(tmp_path, number, [("a", 10 * number + row) for row in range(10)]))
        for number in range(40)
    ]
    with mock.patch.object(PartReader, "times", side_effect=AssertionError("the rows are read")):
        buckets = list(plan_buckets(readers, 8 * 10, None))
    assert [[(piece.start, piece.stop) for piece in bucket.slices] for bucket in buckets] == [[(0, 10)]] * 40
    assert [bucket.slices[0].reader for bucket in buckets] == readers


def test_rows_out_of_order_are_merged_side_by_side_in_small_buckets(tmp_path: Path) -> None:
    """As large as those of a log of many parts, a small log would be one bucket, and one thread would merge it."""
    rows = Random(3).sample(range(400), 400)
    readers = [
        PartReader(tmp_path, part_of(tmp_path, number, [("a", time) for time in rows[100 * number :][:100]]))
        for number in range(4)
    ]
    with tiny_buckets():
        buckets = list(plan_buckets(readers, 400, None))
    sizes = [sum(piece.stop - piece.start for piece in bucket.slices) for bucket in buckets]
    assert len(sizes) >= 6
    assert max(sizes) < 100


def assert_small(buckets: list[Bucket], bucket_rows: int, every: int | None) -> None:
    """Memory holds three buckets: they are small, but for rows of one time that belong together."""
    if every is not None:
        return
    for bucket in buckets:
        times = [time for piece in bucket.slices for time in times_of(piece.reader, piece.start, piece.stop)]
        most = max(times.count(time) for time in times)
        assert len(times) <= 2 * bucket_rows + most


def times_of(reader: PartReader, start: int, stop: int) -> list[int]:
    times: list[int] = reader.read(start, stop)["time"].tolist()
    return times


def part_of(folder: Path, number_: int, rows: list[tuple[str, int]]) -> Part:
    """A part of two series without values."""
    rows = sorted(rows)
    spans = []
    for key in sorted({key for key, _ in rows}):
        times = [time for other, time in rows if other == key]
        start = [other for other, _ in rows].index(key)
        spans.append(Span(key, start, start + len(times), times[0], times[-1], times[0], times[-1]))
    part = Part(
        source=number_,
        section=0,
        piece=0,
        last=True,
        num_rows=len(rows),
        dtype="float32",
        num_channels=1,
        num_labels=0,
        sensors=None,
        spans=Spans.of(spans),
        rows_in=len(rows),
        blank=0,
        headers=0,
        filtered=0,
        rejected={},
        ambiguous=0,
        nonexistent=0,
        done_bytes=0,
        steps_back=0,
        rounded={},
        measurements=[],
        left_out={},
        matched=[],
        section_crc=None,
        rejects_crc=0,
    )
    blocks = {
        "time": np.array([time for _, time in rows], np.int64),
        "line": np.arange(len(rows)),
        "labels": np.empty((len(rows), 0), np.int8),
        "values": np.zeros((len(rows), 1), np.float32),
    }
    return write_part(folder, part, blocks)
