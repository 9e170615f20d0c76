"""The report of an ingest, written next to the store: as JSON, and as a page that a browser shows."""

import json
from html import escape
from pathlib import Path

from longstride.pipeline.ingest.report import FileReport, IngestReport
from longstride.storage.atomic import make_directory, sync_directory, write_file

__all__ = ["read_report", "write_report"]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #222 }
h1 { font-size: 1.3rem } h2 { font-size: 1.05rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th { font-weight: 600; border-bottom: 2px solid #888 }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere }
tfoot td { font-weight: 600; border-top: 2px solid #888 }
.zero { color: #aaa } code { background: #f4f4f4; padding: 0 .2rem }
.scroll { overflow-x: auto }
"""
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


def write_report(report: IngestReport, folder: Path) -> None:
    """Write `report.json` and `report.html` into a folder."""
    make_directory(folder)
    write_file(folder / "report.json", [json.dumps(report.as_json(), indent=1).encode()])
    write_file(folder / "report.html", [_page(report).encode()])
    sync_directory(folder)


def read_report(folder: Path) -> IngestReport | None:
    """The report that was written into a folder; None where there is none, or something else."""
    try:
        return IngestReport.from_json(json.loads((folder / "report.json").read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _page(report: IngestReport) -> str:
    reasons = sorted({reason for file in report.files for reason in file.rejected})
    summary = "".join(
        f"<tr><td>{escape(name)}</td><td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in report.summary()
    )
    sections = [
        f"<h1>{escape(report.store)}</h1>",
        f"<table>{summary}</table>",
        "<h2>Every row that came in</h2>",
        "<p>rows in = rows out + rejected + dropped by the query + repeated + merged, for every file.</p>",
        _table(report.files, COUNTS),
    ]
    if reasons:
        sections += [
            "<h2>Rows that cannot be read</h2>",
            f"<p>With file, line, reason and raw text in <code>{escape(str(report.rejects))}</code>.</p>",
            _table(report.files, {reason: reason for reason in reasons}),
        ]
    sections += ["<h2>What else was found</h2>", _table(report.files, NOTES), "<h2>Columns</h2>", _columns(report)]
    title = escape(Path(report.store).name)
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Ingest of {title}</title>"
        f"<style>{STYLE}</style>{''.join(sections)}</html>\n"
    )


def _table(files: tuple[FileReport, ...], columns: dict[str, str]) -> str:
    def count(file: FileReport, what: str) -> int:
        return int(getattr(file, what)) if hasattr(file, what) else file.rejected.get(what, 0)

    head = "".join(f"<th>{escape(name)}</th>" for name in ("file", *columns))
    body = "".join(
        f"<tr><td>{escape(file.name)}</td>{''.join(_cell(count(file, what)) for what in columns.values())}</tr>"
        for file in files
    )
    totals = "".join(_cell(sum(count(file, what) for file in files)) for what in columns.values())
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot><tr><td>all</td>{totals}</tr></tfoot></table></div>"
    )


def _cell(count: int) -> str:
    return f"<td>{count:,}</td>" if count else "<td class='zero'>0</td>"


def _columns(report: IngestReport) -> str:
    rows = "".join(
        f"<tr><td>{escape(file.name)}</td><td>{escape(', '.join(file.unused)) or '-'}</td>"
        f"<td>{escape(', '.join(file.absent)) or '-'}</td></tr>"
        for file in report.files
    )
    return (
        "<div class='scroll'><table>"
        "<tr><th>file</th><th>not used</th><th>that it lacks: missing in its rows</th></tr>"
        f"{rows}</table></div>"
    )
