"""The report of an ingest, written next to the store: as JSON, and as a page that a browser shows."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from longstride.pipeline.ingest.report import FileReport, IngestReport
from longstride.pipeline.ingest.report_page.overview import ChannelOverview, Overview
from longstride.pipeline.ingest.report_page.steps import steps_shown
from longstride.storage.atomic import make_directory, write_files
from longstride.storage.html.page import page_from, prepare_page
from longstride.storage.html.pictures import sparkline

__all__ = ["prepare_report", "read_report", "write_report"]

TEMPLATE = Path(__file__).with_name("page.html.jinja")
COUNTS = {
    "rows in": "rows_in",
    "rows out": "rows_out",
    "rejected": "num_rejected",
    "dropped by the query": "filtered",
    "repeated": "deduplicated",
    "merged": "merged",
}
NOTES = {
    "repeated, but differ": "differing",
    "blank lines": "blank_lines",
    "repeated headers": "repeated_headers",
    "out of order": "out_of_order",
    "hour occurs twice": "ambiguous",
    "hour never occurs": "nonexistent",
}
Count = Callable[[FileReport, str], int]


def write_report(report: IngestReport, overview: Overview, folder: Path) -> None:
    """Write `report.json` and `report.html` into a folder."""
    make_directory(folder)
    text = json.dumps(report.as_json(), indent=1)
    write_files(folder, {"report.json": text.encode(), "report.html": _page(report, overview).encode()})


def prepare_report() -> None:
    """Do what `write_report` can do before there is a report."""
    prepare_page(TEMPLATE)


def read_report(folder: Path) -> IngestReport | None:
    """The report that was written into a folder; None where there is none, or something else."""
    try:
        return IngestReport.from_json(json.loads((folder / "report.json").read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _page(report: IngestReport, overview: Overview) -> str:
    reasons = sorted({reason for file in report.files for reason in file.rejected})
    return page_from(
        TEMPLATE,
        name=Path(report.store).name,
        report=report,
        channels=[_channel(channel, overview.num_rows) for channel in overview.channels],
        num_channels=overview.num_channels,
        steps=steps_shown(overview.steps),
        has_all_steps=overview.has_all_steps,
        account=_table(report, COUNTS, getattr),
        rejected=_table(report, dict(zip(reasons, reasons, strict=True)), _rejected) if reasons else None,
        notes=_table(report, NOTES, getattr),
    )


def _channel(channel: ChannelOverview, num_rows: int) -> dict[str, Any]:
    is_empty = math.isnan(channel.minimum)
    return {
        "name": channel.name,
        "picture": sparkline(channel.low, channel.high),
        "low": None if is_empty else channel.minimum,
        "high": None if is_empty else channel.maximum,
        "missing": channel.num_missing,
        "of": num_rows,
        "unit": channel.unit or "",
        "use": "",
    }


def _table(
    report: IngestReport, columns: Mapping[str, str], count: Count
) -> tuple[list[str], list[tuple[str, list[int]]], list[int]]:
    """Names of columns, what each file has of them, and the totals."""
    rows = [(file.name, [int(count(file, what)) for what in columns.values()]) for file in report.files]
    return list(columns), rows, [sum(row[number] for _, row in rows) for number in range(len(columns))]


def _rejected(file: FileReport, reason: str) -> int:
    return file.rejected.get(reason, 0)
