"""Spreadsheets of Excel and LibreOffice: one sheet of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import polars as pl

from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.source import Held, TableReader, TableSource
from longstride.storage.packages import needs

__all__ = ["ExcelSource"]


class ExcelSource(TableSource):
    """A spreadsheet: its first row has the names of columns."""

    kind = "spreadsheet"
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    magic = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

    @contextmanager
    def reader(self) -> Iterator[TableReader]:
        """The rows of a sheet. Types are those of all cells of a column, texts where these differ."""
        needs("fastexcel")
        with open_file(self.file) as file:
            data = file.read()
        sheets = _sheets(data)
        name = self._choose({name: frame.height for name, frame in sheets.items() if frame.height}, "sheet")
        frame = pl.DataFrame() if name is None else sheets[name]
        texts = [column for column, kind in frame.schema.items() if kind == pl.String]
        if name is not None and texts:
            numbers = _sheets(data, dict.fromkeys(texts, pl.Float64))[name]
            frame = frame.with_columns(_with_digits(frame[column], numbers[column]) for column in texts)
        yield Held(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _sheets(data: bytes, types: Mapping[str, Any] | None = None) -> dict[str, pl.DataFrame]:
    """Rows of each sheet; what is not of these `types` is null."""
    return pl.read_excel(
        data,
        sheet_id=0,
        engine="calamine",
        infer_schema_length=None,
        raise_if_empty=False,
        schema_overrides=types,
    )


def _with_digits(texts: pl.Series, numbers: pl.Series) -> pl.Series:
    """Texts, with all digits of the cells that are numbers: as texts these come with nine behind the point."""
    lost = (texts.cast(pl.Float64, strict=False) != numbers).fill_null(False)
    return texts.zip_with(~lost, numbers.cast(pl.String))
