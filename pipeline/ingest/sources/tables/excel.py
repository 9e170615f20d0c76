"""Spreadsheets of Excel and LibreOffice: the one sheet that has rows."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from longstride.pipeline.ingest.errors import SourceError
from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.source import TableSource
from longstride.storage.packages import needs

__all__ = ["ExcelSource"]


class ExcelSource(TableSource):
    """A spreadsheet: its first row has the names of columns."""

    kind = "spreadsheet"
    suffixes = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    magic = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")

    def read(self) -> Any:
        """The rows of the sheet. Types are those of all cells of a column, texts where these differ."""
        needs("fastexcel")
        with open_file(self.file) as file:
            data = file.read()
        sheets = _sheets(data)
        filled = {name: frame for name, frame in sheets.items() if frame.height}
        if len(filled) > 1:
            raise SourceError(
                self.name,
                f"sheets {', '.join(map(repr, filled))} have rows: save each as a file of its own",
                code="source-format",
            )
        ((name, frame),) = filled.items() if filled else [("", pl.DataFrame())]
        texts = [column for column, kind in frame.schema.items() if kind == pl.String]
        if texts:
            numbers = _sheets(data, dict.fromkeys(texts, pl.Float64))[name]
            frame = frame.with_columns(_with_digits(frame[column], numbers[column]) for column in texts)
        return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


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
