"""Proposals for the real logs, and what comes of them. The figures are those of INDEX.md."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from longstride.storage.store import SeriesStore
from tests.helpers.logs.small_logs import doubted, propose

STORE = Callable[..., SeriesStore]


def test_gecco(gecco: Path, store: STORE) -> None:
    sources = [gecco / "gecco2018_train.csv.gz", gecco / "gecco2018_test.parquet"]
    assert propose(*sources).settings == {"time": "Time", "labels": ["EVENT"]}
    made = store(*sources)
    assert made.num_rows == 279_132
    assert len(made.channels) == 9


def test_beijing_air(logs: Path, store: STORE) -> None:
    found = propose(logs / "beijing_air")
    assert not doubted(found, "cannot be read")
    assert found.settings == {
        "time": ["year", "month", "day", "hour"],
        "series": "station",
        "exclude": ["No", "wd"],
        "null": ["NA"],
    }
    made = store(logs / "beijing_air")
    assert made.num_rows == 3 * 35_064
    assert made.series == ("Aotizhongxin", "Dongsi", "Gucheng")
    assert len(made.channels) == 11


def test_uci_air_quality(logs: Path, store: STORE) -> None:
    source = logs / "uci_air_quality" / "AirQualityUCI.csv"
    assert propose(source).settings == {
        "time": ["Date", "Time"],
        "time-format": "%d/%m/%Y %H.%M.%S",
        "separator": ";",
        "decimal": ",",
        "null": ["-200"],
    }
    made = store(source)
    missing = dict(zip(made.channels, np.isnan(made.values).sum(axis=0).tolist(), strict=True))
    assert made.num_rows == 9_357
    assert len(missing) == 13
    assert (missing["NMHC(GT)"], missing["CO(GT)"]) == (8_443, 1_683)


COUNTERS = {
    "series": "interface-name",
    "null": ["4294967295"],
    "rate": ["bytes-received", "bytes-sent", "packets-received", "packets-sent"],
    "counter-bits": "64",
}


@pytest.mark.parametrize(
    ("name", "settings", "rows"),
    [
        ("cache_generic-counters", COUNTERS, 33_732),
        ("data-rate", {"series": "interface-name", "dtype": "float64"}, 33_732),
        ("node_summary", {"series": "node-name"}, 2_134),
    ],
)
def test_cisco_telemetry(logs: Path, store: STORE, name: str, settings: dict[str, Any], rows: int) -> None:
    (source,) = (logs / "cisco_telemetry").glob(f"*{name}.csv.gz")
    found = dict(propose(source).settings)
    assert {"EncodingPath", "Producer"} <= set(found.pop("exclude"))
    assert found == {"time": "column_1", **settings}
    made = store(source)
    assert made.num_rows == rows
    assert len(made.series) == (2 if rows == 2_134 else 36)


def test_machine_temperature(logs: Path, store: STORE) -> None:
    source = logs / "nab" / "data" / "realKnownCause" / "machine_temperature_system_failure.csv"
    assert propose(source).settings == {"time": "timestamp"}
    # Its only repeated times are outside of the sample; a larger one has them.
    assert propose(source, rows=30_000).settings == {"time": "timestamp", "duplicates": "same"}
    assert store(source, edits='duplicates = "first"').num_rows == 22_695 - 12
