"""Tables for notebooks: plain HTML in the notebook's own colours, light or dark, with every text escaped."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["html_table"]

MAX_ROWS = 60
"""Further rows are counted, not shown: a notebook keeps all that it shows."""


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Show rows as an HTML table: the title above, one header for each column (none if `columns` is empty).

    A cell is a text, a number or None; numbers stand on the right, whole ones with commas, others with 6 digits.
    """
    rows = list(rows)
    head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in columns)
    body = [f"<tr>{''.join(_cell(item) for item in row)}</tr>" for row in rows[:MAX_ROWS]]
    if len(rows) > MAX_ROWS:
        width = max(len(columns), len(rows[0]))
        body.append(f'<tr><td colspan="{width}">and {len(rows) - MAX_ROWS:,} more</td></tr>')
    return "\n".join(
        [
            "<table>",
            f'<caption style="text-align: left"><b>{escape(title)}</b></caption>',
            *([f"<thead><tr>{head}</tr></thead>"] if head else []),
            "<tbody>",
            *body,
            "</tbody>",
            "</table>",
        ]
    )


def _cell(item: object) -> str:
    is_number = isinstance(item, int | float) and not isinstance(item, bool)
    side = "right" if is_number else "left"
    return f'<td style="text-align: {side}">{escape(_shown(item))}</td>'


def _shown(item: object) -> str:
    if item is None:
        return ""
    if isinstance(item, float):
        return f"{item:.6g}"
    return f"{item:,}" if isinstance(item, int) and not isinstance(item, bool) else str(item)
