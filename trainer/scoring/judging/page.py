"""An evaluation as a page: the figures of each model, and which labelled spans it has found."""

from collections.abc import Sequence
from pathlib import Path

from longstride.storage.html.page import page_from
from longstride.trainer.scoring.judging.evaluation import Evaluation

__all__ = ["page_of"]

MAX_SPANS = 200
"""Spans that are listed of each model."""


def page_of(found: Sequence[Evaluation]) -> str:
    """One page for several models."""
    return page_from(
        Path(__file__).with_name("page.html.jinja"),
        models=[
            {
                "title": one.title,
                "tables": one.tables(),
                "spans": one.spans[:MAX_SPANS],
                "num_more": max(0, len(one.spans) - MAX_SPANS),
                "num_spans": len(one.spans),
                "num_found": sum(span.alarms > 0 for span in one.spans),
                "has_stores": len({span.store for span in one.spans}) > 1,
            }
            for one in found
        ],
        buffer=found[0].buffer,
    )
