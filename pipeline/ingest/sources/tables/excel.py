"""Spreadsheets of Excel and LibreOffice: one sheet of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import polars as pl

from longstride.pipeline.ingest.sources.files import open_file
from longstride.pipeline.ingest.sources.tables.source import Held, TableReader, TableSource
from longstride.storage.packages import needs
from longstride.storage.text import counted

__all__ = ["ExcelSource"]

UNNAMED = "__UNNAMED__"
AS_IT_IS: Any = {
    "engine": "calamine",
    "infer_schema_length": None,
    "raise_if_empty": False,
    "drop_empty_rows": False,  # the same rows, whatever the types
}


HEAD_ROWS = 40
"""The names of columns stand in one of so many rows."""
VALUE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|\d{4}-\d\d-\d\d(?:[T ].*)?|\d\d:\d\d:\d\d.*")
"""A cell of a number, a date or a time of day."""


class ExcelSource(TableSource):
    """A spreadsheet: its first row has the names of columns, or the last one above its values does."""

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
        above = 0 if name is None else _rows_above(data, name)
        if name is not None and above:
            frame = _sheet(data, name, {}, above)
        # The package makes up names of those without one, and does not know them again.
        named = [column for column in frame.columns if not column.startswith(UNNAMED)]
        texts = [column for column in named if frame[column].dtype == pl.String]
        if name is not None and texts:
            numbers = _sheet(data, name, dict.fromkeys(texts, pl.Float64), above)
            frame = frame.with_columns(_with_digits(frame[column], numbers[column]) for column in texts)
        frame = frame.filter(~_is_empty(frame))
        held = Held(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
        if above:
            held.notes = [f"left out of {self.name}: {counted(above, 'row')} above that of the names"]
        yield held


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


def _sheet(data: bytes, name: str, types: Mapping[str, Any], above: int = 0) -> pl.DataFrame:
    """Rows of a sheet below so many and that of the names; what is not of these `types` is null."""
    options = {"header_row": above} if above else {}
    sheet: pl.DataFrame = pl.read_excel(
        data, sheet_name=name, schema_overrides=types, read_options=options, **AS_IT_IS
    )
    return sheet


def _rows_above(data: bytes, name: str) -> int:
    """Rows above that of the names, where the first row is a title, or has one name for several columns.

    The names stand then in the first row above the values in which each column with a value has a text of its own.
    """
    options = {"n_rows": HEAD_ROWS, "dtypes": "string"}
    cells = pl.read_excel(data, sheet_name=name, has_header=False, read_options=options, **AS_IT_IS)
    rows = [[str(cell or "").strip() for cell in row] for row in cells.iter_rows()]
    first = next((number for number, row in enumerate(rows) if any(map(VALUE.fullmatch, row))), 0)
    columns = [column for column, cell in enumerate(rows[first]) if VALUE.fullmatch(cell)] if first else []
    if len(columns) < 2 or _are_names(rows[0], columns):
        return 0
    return next((number for number in range(1, first) if _are_names(rows[number], columns)), 0)


def _are_names(row: Sequence[str], columns: Sequence[int]) -> bool:
    """Whether it has a text of its own above each of these columns."""
    names = [row[column] for column in columns]
    return all(names) and len(set(names)) == len(names)


def _with_digits(texts: pl.Series, numbers: pl.Series) -> pl.Series:
    """Texts, with all digits of the cells that are numbers: as texts these come with nine behind the point."""
    lost = (texts.cast(pl.Float64, strict=False) != numbers).fill_null(False)
    return texts.zip_with(~lost, numbers.cast(pl.String))
