"""Spreadsheets of Excel and LibreOffice: one sheet of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.source import Held, TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["ExcelSource"]

UNNAMED = "__UNNAMED__"
AS_IT_IS: Any = {
    "engine": "calamine",
    "infer_schema_length": None,
    "raise_if_empty": False,
    "drop_empty_rows": False,  # the same rows, whatever the types
}


class ExcelSource(TableSource):
    """A spreadsheet: its first row has the names of columns."""

    kind = "spreadsheet"

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """The rows of a sheet. Types are those of all cells of a column, texts where these differ."""
        needs("fastexcel")
        with open_file(self.file) as file:
            data = file.read()
        sheets = _sheets(data)
        num_rows = {name: _num_rows(frame) for name, frame in sheets.items()}
        name = self._choose({name: number for name, number in num_rows.items() if number}, "sheet")
        frame = pl.DataFrame() if name is None else sheets[name]
        # The package makes up names of those without one, and does not know them again.
        named = [column for column in frame.columns if not column.startswith(UNNAMED)]
        texts = [column for column in named if frame[column].dtype == pl.String]
        if name is not None and texts:
            numbers = _sheet(data, name, dict.fromkeys(texts, pl.Float64))
            frame = frame.with_columns(_with_digits(frame[column], numbers[column]) for column in texts)
        frame = frame.filter(~_is_empty(frame))
        yield Held(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _sheets(data: bytes) -> dict[str, pl.DataFrame]:
    """Rows of each sheet."""
    sheets: dict[str, pl.DataFrame] = pl.read_excel(data, sheet_id=0, **AS_IT_IS)
    return sheets


def _is_empty(frame: pl.DataFrame) -> pl.Series:
    """Rows without a value, (rows,)."""
    return (
        frame.select(pl.all().is_null()).fold(lambda one, other: one & other)
        if frame.width
        else pl.Series([], dtype=pl.Boolean)
    )


def _num_rows(frame: pl.DataFrame) -> int:
    return int((~_is_empty(frame)).sum())


def _sheet(data: bytes, name: str, types: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of a sheet; what is not of these `types` is null."""
    sheet: pl.DataFrame = pl.read_excel(data, sheet_name=name, schema_overrides=types, **AS_IT_IS)
    return sheet


def _with_digits(texts: pl.Series, numbers: pl.Series) -> pl.Series:
    """Texts, with all digits of the cells that are numbers: as texts these come with nine behind the point."""
    lost = (texts.cast(pl.Float64, strict=False) != numbers).fill_null(False)
    return texts.zip_with(~lost, numbers.cast(pl.String))
