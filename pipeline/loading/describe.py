"""Showing a loader or dataset in one line, and in a notebook as a table."""

from collections.abc import Mapping, Sequence

from longstride.pipeline.loading.ordering.windows import WindowIndex
from longstride.storage.html.table import html_table

__all__ = ["as_html", "as_text", "facts_of"]

MEANINGS = {
    "B": "windows of a batch, over all ranks",
    "K": "rows of a window",
    "N": "channels",
    "H": "rows of horizon",
    "gap": "rows between window and horizon",
    "stride": "rows from the start of a window to that of the next",
    "dilation": "steps from one row of a window to the next",
    "M": "target channels",
    "windows": "windows of the rows",
    "steps": "batches of an epoch",
    "dropped": "windows of an epoch that do not fill a batch",
    "skipped": "windows left out for missing values or labels",
}


def facts_of(index: WindowIndex, channels: Sequence[str], targets: Sequence[str] | None) -> dict[str, int]:
    """Sizes of windows by the letters and words of `MEANINGS`; what is not asked for is left out."""
    return {
        "K": index.window,
        "N": len(channels),
        **({"H": index.horizon} if index.horizon else {}),
        **({"gap": index.gap} if index.gap else {}),
        **({"stride": index.stride} if index.stride > 1 else {}),
        **({"dilation": index.dilation} if index.dilation > 1 else {}),
        **({"M": len(targets)} if targets else {}),
        "windows": len(index),
    }


def as_text(kind: str, facts: Mapping[str, int]) -> str:
    """One line, such as WindowLoader(B=256, K=64, ...)."""
    return f"{kind}({', '.join(f'{name}={number:,}' for name, number in facts.items())})"


def as_html(kind: str, facts: Mapping[str, int]) -> str:
    """The same as a table that says what the letters mean."""
    rows = [(name, number, MEANINGS[name]) for name, number in facts.items()]
    return html_table(kind, [], rows)
