"""Scores of a store that has grown: the same bytes as where all rows are scored at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import longstride
from longstride.__main__ import main
from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import ScoresError, SettingsError
from longstride.trainer.scoring.rows.window_errors import WindowErrors
from longstride.trainer.scoring.score import score
from tests.helpers.errors import raises
from tests.helpers.runs.training import FORKING, SIZES, waves

Make = Callable[..., SeriesStore]
K = SIZES["window"]
ROWS = 3000
VALUES = waves(ROWS, 2)


@pytest.fixture(scope="module")
def runs(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("update")
    make_store(folder / "plant.zarr", VALUES)
    common = {**SIZES, "device": "cpu"}
    longstride.train(folder / "plant.zarr", folder / "pca", **common, model="pca")
    longstride.train(folder / "plant.zarr", folder / "lstm", **common, max_steps=3)
    return {name: folder / name for name in ("pca", "lstm")}


def store_of(make_store: Make, path: Path, rows: int, segments: list[tuple[int, int, int]]) -> SeriesStore:
    """The first rows of a store, as it was before more were appended."""
    there = [(start, min(stop, rows), series) for start, stop, series in segments if start < rows]
    return make_store(path, VALUES[:rows], segments=there, series=("a", "b", "c"), chunk_rows=1024)


@st.composite
def histories(draw: Any) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Segments of three series in any order, with gaps, and how many rows the store had, time after time."""
    segments, row = [], draw(st.integers(0, 3))
    for _ in range(draw(st.integers(1, 7))):
        length = draw(st.sampled_from([1, 5, K - 1, K, K + 1, 50, 333, 700]))
        segments.append((row, row + length, draw(st.integers(0, 2))))
        row += length + draw(st.sampled_from([0, 0, 1, 40]))
    total = min(row, ROWS)
    near = [edge + by for start, stop, _ in segments for edge in (start, stop) for by in (-K, -1, 0, 1, K)]
    cuts = draw(st.lists(st.sampled_from(near) | st.integers(1, total), max_size=3))
    segments = [(start, min(stop, total), series) for start, stop, series in segments if start < total]
    return segments, sorted({cut for cut in cuts if segments[0][0] < cut < total} | {total})


@settings(max_examples=40)
@given(
    histories(),
    st.sampled_from(["pca", "lstm"]),
    st.sampled_from([1, 3, 4, K, K + 5]),
    st.sampled_from([1, 2, 7]),
    st.sampled_from([7, 64, 1024]),
    st.sampled_from([{}, {"raw": True}, {"aggregate": "log"}, {"since": "2024-03-01T00:05:00"}]),
)
def test_it_equals_a_whole_scoring(
    runs: dict[str, Path],
    make_store: Make,
    tmp_path_factory: pytest.TempPathFactory,
    history: tuple[list[tuple[int, int, int]], list[int]],
    model: str,
    stride: int,
    smooth: int,
    batch_size: int,
    more: dict[str, Any],
) -> None:
    segments, cuts = history
    if "since" in more:
        cuts = [cut for cut in cuts if cut > 300] or [max(cuts)]
        if cuts[-1] <= 300:
            more = {}
    folder = tmp_path_factory.mktemp("history")
    options: dict[str, Any] = {
        "stride": stride,
        "smooth": smooth,
        "batch_size": batch_size,
        "device": "cpu",
        **more,
    }
    for number, cut in enumerate(cuts):
        store = store_of(make_store, folder / f"{number}.zarr", cut, segments)
        updated = score(runs[model], store, folder / "updated.parquet", update=True, **options)
    whole = score(runs[model], store, folder / "whole.parquet", **options)
    assert (folder / "updated.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    for name in ("rows", "covered", "alarms", "threshold"):
        assert getattr(updated, name) == getattr(whole, name)


@settings(max_examples=25)
@given(
    histories(), st.integers(1, ROWS), st.integers(1, ROWS), st.sampled_from([1, 4, K]), st.sampled_from([1, 5])
)
def test_some_rows_have_the_scores_that_they_have_among_all(
    runs: dict[str, Path],
    make_store: Make,
    tmp_path_factory: pytest.TempPathFactory,
    history: tuple[list[tuple[int, int, int]], list[int]],
    one: int,
    other: int,
    stride: int,
    smooth: int,
) -> None:
    segments, cuts = history
    folder = tmp_path_factory.mktemp("some")
    store = store_of(make_store, folder / "plant.zarr", cuts[-1], segments)
    begin, stop = sorted([one % store.num_rows, other % store.num_rows])
    rows, options = (begin, stop + 1), {"stride": stride, "smooth": smooth, "batch_size": 32, "device": "cpu"}
    score(runs["pca"], store, folder / "all.parquet", **options)
    found = score(runs["pca"], store, folder / "some.parquet", rows=rows, **options)
    table = pl.read_parquet(folder / "all.parquet")[begin : stop + 1]
    assert found.rows == found.scored == len(table)
    assert pl.read_parquet(folder / "some.parquet").equals(table, null_equal=True)


@pytest.fixture
def grown(runs: dict[str, Path], make_store: Make, tmp_path: Path) -> Path:
    """Scores of a store, in `s.parquet`, and the store with more rows, `plant.zarr`."""
    early = store_of(make_store, tmp_path / "early.zarr", 2000, [(0, ROWS, 0)])
    store_of(make_store, tmp_path / "plant.zarr", ROWS, [(0, ROWS, 0)])
    score(runs["pca"], early, tmp_path / "s.parquet", device="cpu")
    return tmp_path


def test_only_new_rows_and_the_window_before_them_are_scored(runs: dict[str, Path], grown: Path) -> None:
    found = score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True)
    assert (found.rows, found.scored) == (ROWS, 1000 + K)
    again = score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True)
    assert (again.was_there, again.rows, again.scored) == (True, ROWS, 0)
    new = score(runs["pca"], grown / "plant.zarr", grown / "new.parquet", device="cpu", update=True)
    assert new.scored == ROWS  # where there is no file, all are


def test_several_runs_score_new_rows_as_if_all_rows_at_once(
    runs: dict[str, Path], grown: Path, tmp_path: Path
) -> None:
    both, options = [runs["pca"], runs["lstm"]], {"device": "cpu", "smooth": 3}
    score(both, grown / "early.zarr", grown / "t.parquet", **options)
    found = score(both, grown / "plant.zarr", grown / "t.parquet", update=True, **options)
    assert 1000 < found.scored < ROWS
    score(both, grown / "plant.zarr", tmp_path / "whole.parquet", **options)
    assert (grown / "t.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    with raises("scores-differ", "a model or calibration, which is not there now, of 'lstm 2'", kind=ScoresError):
        score([runs["pca"], runs["pca"]], grown / "plant.zarr", grown / "t.parquet", update=True, **options)


def test_without_it_a_file_is_not_touched(runs: dict[str, Path], grown: Path) -> None:
    before = (grown / "s.parquet").read_bytes()
    with raises("path-taken", "--update"):
        score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu")
    with raises("option-value", "--update is given: it must be left out with --overwrite", kind=SettingsError):
        score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", update=True, overwrite=True)
    assert (grown / "s.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"run": "lstm"}, "state of the model"),
        ({"stride": 2}, "stride 4, now 2"),
        ({"alarms": 0.01}, "alarms 0.001, now 0.01"),
        ({"smooth": 4}, "smooth 1, now 4"),
        ({"raw": True}, "raw False, now True"),
        ({"rows": (0, 2500)}, "rows all, now"),
        ({"since": "2024-03-01T00:01"}, "since all, now 2024-03-01T00:01:00"),
    ],
)
def test_scores_of_another_job_stay_and_what_differs_is_named(
    runs: dict[str, Path], grown: Path, change: dict[str, Any], named: str
) -> None:
    before, run = (grown / "s.parquet").read_bytes(), change.pop("run", "pca")
    with raises("scores-differ", grown / "s.parquet", named, kind=ScoresError):
        score(runs[run], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True, **change)
    assert (grown / "s.parquet").read_bytes() == before


@pytest.mark.parametrize("change", ["value", "time", "segment", "series", "fewer"])
def test_another_store_is_refused(runs: dict[str, Path], make_store: Make, grown: Path, change: str) -> None:
    values, time = VALUES.copy(), 1_709_251_200 * 10**9 + 10**9 * np.arange(ROWS)
    values[1990, 1] += change == "value"
    time[1990] += change == "time"
    number = int(change == "series")
    segments = [(0, 1000, number), (1000, ROWS, number)] if change == "segment" else [(0, ROWS, number)]
    rows = 1500 if change == "fewer" else ROWS
    segments = [(start, min(stop, rows), of) for start, stop, of in segments]
    other = make_store(grown / "other.zarr", values[:rows], time=time[:rows], segments=segments,
                       series=("a", "b", "c"), chunk_rows=1024)  # fmt: skip
    before = (grown / "s.parquet").read_bytes()
    if change in ("segment", "series"):  # the only segment is another one: all of its rows are scored
        found = score(runs["pca"], other, grown / "s.parquet", device="cpu", update=True)
        score(runs["pca"], other, grown / "whole.parquet", device="cpu")
        assert found.scored >= ROWS - 1000
        assert (grown / "s.parquet").read_bytes() == (grown / "whole.parquet").read_bytes()
        return
    with raises("scores-differ", grown / "s.parquet", kind=ScoresError):
        score(runs["pca"], other, grown / "s.parquet", device="cpu", update=True)
    assert (grown / "s.parquet").read_bytes() == before


def test_what_is_not_scores_is_refused(runs: dict[str, Path], grown: Path) -> None:
    for content in (b"", b"mine", (grown / "s.parquet").read_bytes()[:-50]):
        (grown / "s.parquet").write_bytes(content)
        with raises("scores-format", grown / "s.parquet", kind=ScoresError):
            score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True)
        assert (grown / "s.parquet").read_bytes() == content


def test_a_damaged_column_that_is_kept_is_noticed(runs: dict[str, Path], grown: Path) -> None:
    data = bytearray((grown / "s.parquet").read_bytes())
    with pq.ParquetFile(grown / "s.parquet") as file:
        column = file.metadata.row_group(0).column(file.schema_arrow.names.index("error.c1"))
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    (grown / "s.parquet").write_bytes(data)
    with raises("scores-format", grown / "s.parquet", kind=ScoresError):
        score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True)
    assert (grown / "s.parquet").read_bytes() == data


def test_what_fails_in_the_middle_leaves_the_old_file(
    runs: dict[str, Path], grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> Any:
        raise OSError(28, "No space left on device")

    before, files = (grown / "s.parquet").read_bytes(), sorted(grown.iterdir())
    monkeypatch.setattr(WindowErrors, "of_rows", fail)
    with pytest.raises(LongstrideError, match="No space"):
        score(runs["pca"], grown / "plant.zarr", grown / "s.parquet", device="cpu", update=True)
    assert (grown / "s.parquet").read_bytes() == before
    assert sorted(grown.iterdir()) == files


def test_events_follow(runs: dict[str, Path], grown: Path, make_store: Make) -> None:
    options: dict[str, Any] = {"device": "cpu", "alarms": 0.05}
    early = longstride.open(grown / "early.zarr")
    score(runs["pca"], early, grown / "t.parquet", events=grown / "t.json", **options)
    of_early = (grown / "t.json").read_bytes()
    plant = grown / "plant.zarr"
    score(runs["pca"], plant, grown / "t.parquet", events=grown / "t.json", update=True, **options)
    score(runs["pca"], plant, grown / "whole.parquet", events=grown / "whole.json", **options)
    assert (grown / "t.json").read_bytes() == (grown / "whole.json").read_bytes() != of_early


def test_arrays_grow_as_well(runs: dict[str, Path], tmp_path: Path) -> None:
    options: dict[str, Any] = {"device": "cpu", "update": True}
    for rows in (1500, 1500, ROWS):
        found = score(runs["pca"], longstride.from_array(VALUES[:rows]), tmp_path / "a.parquet", **options)
    assert found.scored == ROWS - 1500 + K
    score(runs["pca"], longstride.from_array(VALUES), tmp_path / "whole.parquet", device="cpu")
    tables = [pl.read_parquet(tmp_path / name) for name in ("a.parquet", "whole.parquet")]
    assert tables[0].equals(tables[1], null_equal=True)


@pytest.mark.parametrize("more", [[], ["--smooth", "5"]])
def test_any_number_of_processes_gives_the_same(runs: dict[str, Path], grown: Path, more: list[str]) -> None:
    early, plant = str(grown / "early.zarr"), str(grown / "plant.zarr")
    launcher = [sys.executable, *FORKING, "--standalone", "--nproc-per-node=3", "-m", "longstride"]
    tail = ["--device", "cpu", *more]
    for store in (early, plant):
        command = ["score", str(runs["pca"]), store, "--out", str(grown / "three.parquet"), "--update", *tail]
        result = subprocess.run([*launcher, *command], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    result = CliRunner().invoke(
        main, ["score", str(runs["pca"]), plant, "--out", str(grown / "one.parquet"), *tail]
    )
    assert result.exit_code == 0, result.output
    one, three = (pl.read_parquet(grown / name) for name in ("one.parquet", "three.parquet"))
    assert one.select("time", "series", "alarm").equals(three.select("time", "series", "alarm"), null_equal=True)
    np.testing.assert_allclose(one["score"].to_numpy(), three["score"].to_numpy(), rtol=1e-4, atol=1e-5)
    assert not list(grown.glob(".*"))


def test_the_command(runs: dict[str, Path], grown: Path) -> None:
    command = ["score", str(runs["pca"]), str(grown / "plant.zarr"), "--device", "cpu", "--out"]
    result = CliRunner().invoke(main, [*command, str(grown / "s.parquet"), "--update"])
    assert result.exit_code == 0, result.output
    assert f"({1000 + K:,} now)" in result.output
    result = CliRunner().invoke(main, [*command, str(grown / "r.parquet"), "--rows", "10:40"])
    assert result.exit_code == 0, result.output
    assert "30 rows scored" in result.output
    result = CliRunner().invoke(main, [*command, str(grown / "t.parquet"), "--since", "tomorrow"])
    assert (result.exit_code, "option-value" in result.output) == (1, True)
