"""What is exported is ingested to the same store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from click.testing import CliRunner

from longstride import Recipe, ingest
from longstride.__main__ import main
from longstride.pipeline.packing.export import export
from longstride.storage.errors import LongstrideError
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises

Make = Callable[..., SeriesStore]
START = np.datetime64("2024-03-01T00:00:00", "ns")


def same(first: SeriesStore, second: SeriesStore) -> None:
    assert np.array_equal(first.values.view(np.uint8), second.values.view(np.uint8))
    assert np.array_equal(first.time, second.time)
    assert (first.labels is None) == (second.labels is None)
    assert first.labels is None or np.array_equal(first.labels, second.labels)
    for bound in ("start", "stop", "series"):
        assert np.array_equal(getattr(first.segments, bound), getattr(second.segments, bound))
    for name in ("series", "series_end_ns", "channels", "units", "label_names", "cadence_ns"):
        assert getattr(first, name) == getattr(second, name), name
    assert first.attributes["checksums_crc32c"]["values"] == second.attributes["checksums_crc32c"]["values"]


def command(*arguments: object) -> str:
    result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def write_log(path: Path, rows: int = 5000) -> Path:
    """Three pumps, gaps, missing values, long runs without any value at the begin and end of series."""
    random = np.random.default_rng(0)
    row = np.arange(rows)
    pump = row % 3
    minute = row // 3
    kept = (minute % 400 < 390) & (random.random(rows) < 0.999)
    values = random.standard_normal((rows, 2)).round(3)
    values[random.random((rows, 2)) < 0.05] = np.nan
    values[
        ((pump == 0) & (minute > 1500)) | ((pump == 1) & (minute < 100)) | (pump == 2) & (minute % 500 > 400)
    ] = np.nan
    frame = pl.DataFrame(
        {
            "Time": START + minute.astype("m8[m]"),
            "pump": [f"p{number}" for number in pump],
            "a b": values[:, 0],
            "time": values[:, 1],
            "fault": (row % 97 == 0).astype(np.int8),
        }
    ).filter(pl.Series(kept))
    frame.write_csv(path)
    return path


RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"series": "pump", "labels": ("fault",), "unit": ("a b=bar",)},
    "split": {"series": "pump", "labels": ("fault",), "split_on_missing": "1h", "dtype": "float64"},
    "grid": {"series": "pump", "exclude": ("fault",), "every": "5m", "max_gap": "1h", "fill": "linear",
             "fill_limit": "30m"},
    "rates": {"series": "pump", "exclude": ("fault",), "rate": ("a b",), "split_on_missing": "90m"},
}  # fmt: skip


@pytest.mark.parametrize("to", ["parquet", "arrow"])
@pytest.mark.parametrize("name", RECIPES)
def test_an_ingest_of_an_export_gives_the_same_store(tmp_path: Path, name: str, to: str) -> None:
    log = write_log(tmp_path / "log.csv")
    ingest([log], tmp_path / "a.zarr", Recipe(time="Time", **RECIPES[name]))
    output = command("export", tmp_path / "a.zarr", "--to", to)
    assert f"a.{to}.toml" in output
    command("ingest", tmp_path / f"a.{to}", "--recipe", tmp_path / f"a.{to}.toml", "-o", tmp_path / "b.zarr")
    same(open_store(tmp_path / "a.zarr"), open_store(tmp_path / "b.zarr"))


def test_a_log_without_series(tmp_path: Path) -> None:
    log = pl.DataFrame({"t": START + np.arange(50).astype("m8[s]"), "x": np.arange(50.0)})
    log.write_csv(tmp_path / "log.csv")
    ingest([tmp_path / "log.csv"], tmp_path / "a.zarr", Recipe(time="t"))
    command("export", tmp_path / "a.zarr", "--to", "arrow", "--out", tmp_path / "x.arrow")
    assert pl.read_ipc(tmp_path / "x.arrow").columns == ["time", "x"]
    command("ingest", tmp_path / "x.arrow", "--recipe", tmp_path / "x.arrow.toml", "-o", tmp_path / "b.zarr")
    same(open_store(tmp_path / "a.zarr"), open_store(tmp_path / "b.zarr"))


def test_some_rows(tmp_path: Path, make_store: Make) -> None:
    store = make_store(tmp_path / "s.zarr", rows=5000, channels=("x", "y"), chunk_rows=1024, missing=0.1)
    command("export", store.path, "--to", "parquet", "--rows", "1,000:3100")
    frame = pl.read_parquet(tmp_path / "s.parquet")
    assert np.array_equal(frame.select("x", "y").to_numpy(), store.values[1000:3100], equal_nan=True)
    assert np.array_equal(frame["time"].cast(pl.Int64), store.time[1000:3100])


def test_rows_that_were_appended_keep_their_series(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv")
    ingest([log], tmp_path / "a.zarr", Recipe(time="Time", series="pump", split_on_missing="1h"))
    frame = pl.read_csv(log, try_parse_dates=True)
    newer = frame.with_columns(pl.col("Time") + pl.duration(days=40))
    newer.write_csv(tmp_path / "newer.csv")
    command("ingest", tmp_path / "newer.csv", "--append", "-o", tmp_path / "a.zarr")
    command("export", tmp_path / "a.zarr", "--to", "parquet")
    found = pl.read_parquet(tmp_path / "a.parquet")
    expected = pl.concat([frame, newer])
    for pump in ("p0", "p1", "p2"):
        mine = found.filter(pl.col("series") == pump)["_time"].cast(pl.Int64).to_list()
        assert mine == expected.filter(pl.col("pump") == pump)["Time"].dt.timestamp("ns").sort().to_list()


@pytest.mark.parametrize(
    ("arguments", "code", "facts"),
    [
        (["--rows", "10:10"], "rows-outside", ("10:10", "50 rows")),
        (["--rows", "0:51"], "rows-outside", ("0:51", "50 rows")),
        (["--out", "there.parquet"], "path-taken", ("there.parquet",)),
        (["--out", "new.parquet"], "path-taken", ("new.parquet.toml",)),
    ],
)
def test_what_cannot_be_exported(
    tmp_path: Path,
    make_store: Make,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: str,
    facts: tuple[str, ...],
) -> None:
    make_store(tmp_path / "s.zarr", rows=50)
    monkeypatch.chdir(tmp_path)
    for mine in ("there.parquet", "new.parquet.toml"):
        Path(mine).write_bytes(b"mine")
    result = CliRunner().invoke(main, ["export", "s.zarr", "--to", "parquet", *arguments])
    assert result.exit_code == 1
    assert_refused(result.output, code, *facts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.parquet.toml", "s.zarr", "there.parquet"]
    assert Path("there.parquet").read_bytes() == Path("new.parquet.toml").read_bytes() == b"mine"


@pytest.mark.parametrize("rows", ["10", "\u00b2:9", "0:\u2461", "-1:5", "1.5:9", ":", "0:1:2", "0:" + "9" * 5000])
def test_rows_that_are_not_a_range(tmp_path: Path, make_store: Make, rows: str) -> None:
    make_store(tmp_path / "s.zarr", rows=50)
    result = CliRunner().invoke(main, ["export", str(tmp_path / "s.zarr"), "--to", "parquet", f"--rows={rows}"])
    assert result.exit_code == 2
    assert repr(rows)[:50] in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]


def test_series_that_nothing_tells_apart(tmp_path: Path, make_store: Make) -> None:
    store = make_store(tmp_path / "s.zarr", rows=50, segments=[(0, 20, 0)], series=("a", "b"))
    with raises("series-unknown", store.name):
        export(store, tmp_path / "s.parquet", "parquet")
    assert not (tmp_path / "s.parquet").exists()


def test_memory_does_not_grow(tmp_path: Path, make_store: Make) -> None:
    store = make_store(tmp_path / "s.zarr", rows=3_000_000, channels=16)
    process = psutil.Process()
    peaks: list[int] = []

    def own(_: int) -> None:
        memory = process.memory_info()
        peaks.append(memory.rss - memory.shared)

    export(store, tmp_path / "s.arrow", "arrow", progress=own)
    assert len(peaks) > 20
    assert max(peaks) - peaks[1] < 64e6


def test_a_failed_export_leaves_nothing(tmp_path: Path, make_store: Make) -> None:
    store = make_store(tmp_path / "s.zarr", rows=50)

    def fail(_: int) -> None:
        raise LongstrideError("no more", code="store-input")

    with pytest.raises(LongstrideError, match="no more"):
        export(store, tmp_path / "s.parquet", "parquet", progress=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["s.zarr"]
