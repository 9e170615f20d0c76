"""What an ingest did, as data and as text."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["FileReport", "IngestReport"]

MAX_FILES_SHOWN = 8


@dataclass(kw_only=True)
class FileReport:
    """Rows of one source file, counted on the way."""

    name: str
    num_bytes: int
    rows_in: int = 0
    """Counted without parsing: lines of CSV, metadata of Parquet."""
    rows_out: int = 0
    """Handed to the store."""
    blank_lines: int = 0
    first_time_ns: int | None = None
    last_time_ns: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values, times in ISO 8601 UTC: the same for each run over the same file."""
        return {
            "name": self.name,
            "bytes": self.num_bytes,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "blank_lines": self.blank_lines,
            "first_time": _iso(self.first_time_ns),
            "last_time": _iso(self.last_time_ns),
        }


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """Rows, segments and speed of one ingest."""

    store: str
    files: tuple[FileReport, ...]
    num_rows: int
    num_channels: int
    num_series: int
    num_segments: int
    rows_in_segments: int
    """Fewer than the rows where long missing runs are left out of all segments."""
    cadence: str
    max_gap: str
    seconds: float

    @property
    def num_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.num_bytes for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `json.dumps`."""
        return asdict(self) | {
            "files": [file.as_json() for file in self.files],
            "rows_per_second": self.num_rows / self.seconds,
            "megabytes_per_second": self.num_bytes / 1e6 / self.seconds,
        }

    def render(self) -> str:
        """A few lines for a terminal."""
        lines = [
            self.store,
            f"  rows         {self.num_rows:,} in {self.num_series:,} series, {self.num_channels:,} channels",
            f"  segments     {self.num_segments:,} (step {self.cadence}, new one after more than {self.max_gap})",
        ]
        if self.rows_in_segments < self.num_rows:
            outside = self.num_rows - self.rows_in_segments
            lines.append(f"               {outside:,} rows of long missing runs belong to none")
        for file in self.files[:MAX_FILES_SHOWN]:
            blank = f", {file.blank_lines:,} blank lines" if file.blank_lines else ""
            lines.append(f"  {file.name}: {file.rows_in:,} rows in, {file.rows_out:,} out{blank}")
        if len(self.files) > MAX_FILES_SHOWN:
            lines.append(f"  and {len(self.files) - MAX_FILES_SHOWN:,} more files (--json has all)")
        lines.append(
            f"  {self.num_bytes / 1e6:,.1f} MB in {self.seconds:,.1f} s: "
            f"{self.num_rows / self.seconds:,.0f} rows/s, {self.num_bytes / 1e6 / self.seconds:,.1f} MB/s"
        )
        return "\n".join(lines)


def _iso(nanoseconds: int | None) -> str | None:
    return None if nanoseconds is None else f"{np.datetime64(nanoseconds, 'ns')}Z"
