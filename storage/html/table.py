"""Tables for notebooks, in their own colours, with every text escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import repeat

__all__ = ["html_table"]

MAX_ROWS = 60
"""Further rows are counted, not shown: a notebook keeps all that it shows."""


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Show rows as an HTML table: the title above, one header for each column (none if `columns` is empty).

    A cell is a text, a number, or None or NaN, which show nothing. Whole numbers have commas, others 6 digits;
    columns with a number are set to the right.
    """
    rows = list(rows)
    sides = ["right" if any(_is_number(row[number]) for row in rows) else "left" for number in range(len(columns))]
    head = "".join(map(_cell, columns, sides, repeat("th")))
    body = [f"<tr>{''.join(map(_cell, row, sides or repeat('left')))}</tr>" for row in rows[:MAX_ROWS]]
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


def _cell(item: object, side: str, tag: str = "td") -> str:
    return f'<{tag} style="text-align: {side}">{escape(_shown(item))}</{tag}>'


def _is_number(item: object) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def _shown(item: object) -> str:
    if item is None or item != item:
        return ""
    if isinstance(item, float):
        return f"{item:.6g}"
    return f"{item:,}" if _is_number(item) else str(item)
