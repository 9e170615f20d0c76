"""Which rows of a file are meant that holds several tables."""

from dataclasses import dataclass

from longstride.pipeline.ingest.setting import unexpected

__all__ = ["TableSettings"]


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """Which rows of a file are meant that holds several tables."""

    table: str | None = None
    """Of a file that holds several tables, the one to read: the name of a sheet, a group, a variable, a topic or a
    rate, as the error says that lists them. Files of one table need no name."""

    def check_table(self) -> None:
        """Raise RecipeError where it cannot be a name."""
        if self.table is not None and not self.table.strip():
            raise unexpected("table", self.table, "the name of a table of the file, such as a sheet or a group")
