"""Spreadsheets become the store of the same rows in a Parquet file."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from longstride import Recipe, append, ingest, open, profile, rebuild
from tests.helpers.errors import raises

pytest.importorskip("fastexcel")
pytest.importorskip("xlsxwriter")

RECIPE = Recipe(time="time", series="pump", max_rejects="1%")


def frame(rows: int, start: int = 0) -> pl.DataFrame:
    times = [datetime(2024, 3, 1) + timedelta(seconds=start + row) for row in range(rows)]
    values = [None if row % 9 == 0 else row / 8 for row in range(rows)]
    return pl.DataFrame({"time": times, "pump": [f"p{row % 2}" for row in range(rows)], "a": values})


def test_the_rows_of_a_sheet(tmp_path: Path) -> None:
    frame(300).write_excel(tmp_path / "log.xlsx")
    frame(300).write_parquet(tmp_path / "log.parquet")
    report = ingest(tmp_path / "log.xlsx", tmp_path / "store", RECIPE)
    ingest(tmp_path / "log.parquet", tmp_path / "other", RECIPE)
    found, expected = (open(tmp_path / name).attributes["checksums_crc32c"] for name in ("store", "other"))
    assert found == expected
    assert report.files[0].num_bytes == (tmp_path / "log.xlsx").stat().st_size
    assert ingest(tmp_path / "log.xlsx", tmp_path / "store", RECIPE).was_there
    frame(50, 400).write_excel(tmp_path / "later.xlsx")
    assert append(tmp_path / "later.xlsx", tmp_path / "store").num_rows == 350
    frame(50, 800).write_parquet(tmp_path / "last.parquet")
    assert rebuild(tmp_path / "last.parquet", tmp_path / "store").num_rows == 400
    proposed = profile(tmp_path / "log.xlsx")
    assert proposed.settings["time"] == "time"
    assert proposed.settings["series"] == "pump"


def test_a_text_far_down_is_a_reject(tmp_path: Path) -> None:
    """A type is that of all cells: a text below many numbers does not become a missing value in silence."""
    texts = frame(2000).with_columns(pl.col("a").cast(pl.String))
    rows = [row if number != 1500 else (*row[:2], "broken") for number, row in enumerate(frame(2000).rows())]
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "log.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([texts.columns, *rows]):
            sheet.write_row(number, 0, row)
    report = ingest(tmp_path / "log.xlsx", tmp_path / "store", RECIPE)
    assert report.files[0].num_rejected == 1
    assert report.num_rows == 1999


def test_numbers_among_texts_keep_their_digits(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "log.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("time", "id", "a"), (1, "007", 1.23456789e-9), (2, 7, "-"), (3, "x", 5)]):
            sheet.write_row(number, 0, row)
    recipe = Recipe(time="time", time_format="s", series="id", null=("-",), dtype="float64")
    ingest(tmp_path / "log.xlsx", tmp_path / "store", recipe)
    store = open(tmp_path / "store")
    assert store.series == ("007", "7", "x")
    assert [str(value) for value in store.values[:].ravel()] == ["1.23456789e-09", "nan", "5.0"]


def test_what_is_no_single_sheet(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "two.xlsx") as book:
        for name in ("one", "two"):
            frame(3).write_excel(book, worksheet=name)
    with raises("table-unnamed", "'one'", "'two'"):
        ingest(tmp_path / "two.xlsx", tmp_path / "store", RECIPE)
    with raises("table-unnamed", "'one'", "'three'"):
        profile(tmp_path / "two.xlsx", table="three")
    proposed = profile(tmp_path / "two.xlsx", table="two")
    assert proposed.settings["table"] == "two"
    assert ingest(tmp_path / "two.xlsx", tmp_path / "of-two", proposed.recipe).num_rows == 3
    (tmp_path / "cut.xlsx").write_bytes((tmp_path / "two.xlsx").read_bytes()[:500])
    with raises("source-damaged", "cut.xlsx"):
        ingest(tmp_path / "cut.xlsx", tmp_path / "store", RECIPE)
