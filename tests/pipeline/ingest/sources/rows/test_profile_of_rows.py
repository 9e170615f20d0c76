"""A profile of rows that a program holds proposes what a profile of a file of them proposes."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from longstride import LongstrideError, ingest, profile
from longstride.pipeline.profile import findings
from tests.helpers.errors import raises

FRAME = pl.DataFrame(
    {
        "time": [f"2024-03-01 00:{row // 60:02}:{row % 60:02}" for row in range(2000)],
        "a": [-999.0 if row % 400 == 9 else row / 7 for row in range(2000)],
    }
)


def test_rows_and_a_file_of_them(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "log.parquet")
    expected = profile(tmp_path / "log.parquet")
    found = profile(FRAME)
    assert found.settings == expected.settings
    assert found.doubts == expected.doubts
    assert ingest(FRAME, tmp_path / "store", found.recipe).num_rows == 2000


def test_a_part_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MAX_BYTES", 1)
    frame = pl.concat([FRAME] * 200)
    assert "the first 262,144 rows of a polars.DataFrame were looked at" in profile(frame).as_toml()


def test_tables_of_one_series_each(tmp_path: Path) -> None:
    """What is proposed from their names is what an ingest finds in them."""
    tables = [FRAME.to_arrow(), FRAME.with_columns(pl.col("a") + 5).to_arrow()]
    proposed = profile(tables)
    assert ingest(tables, tmp_path / "store", proposed.recipe).num_rows == 4000


def test_what_is_no_source() -> None:
    with raises("option-value", "int"):
        profile(5)  # type: ignore[arg-type]
    with raises("source-empty"):
        profile(pa.table({"time": pa.array([], pa.string())}))


def test_no_temporary_file_is_named() -> None:
    """Neither where rows begin again, nor where their time is asked for, nor in an error."""
    begun_again = profile(pl.concat([FRAME, FRAME.with_columns(pl.col("a") + 5)]))
    assert any("begin again" in doubt for doubt in begun_again.doubts)
    untimed = profile(FRAME.select("a"))
    assert untimed.question is not None
    texts = [begun_again.as_toml(), untimed.as_toml(), str(untimed.question)]
    with pytest.raises(LongstrideError) as caught:
        profile(pl.DataFrame({"time": FRAME["time"], "text": ["x"] * FRAME.height}))
    for text in (*texts, str(caught.value)):
        assert "longstride-" not in text
