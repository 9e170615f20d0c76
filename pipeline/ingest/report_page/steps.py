"""The steps of a clock, as a page shows them."""

from collections import Counter
from typing import Any

from longstride.pipeline.ingest.duration import format_duration
from longstride.storage.html.pictures import MAX_BARS, bars

__all__ = ["steps_shown"]


def steps_shown(found: Counter[int]) -> dict[str, Any]:
    """The most frequent steps in nanoseconds, the shorter first, for `steps_table` of a template."""
    chosen = sorted(step for step, _ in found.most_common(MAX_BARS))
    return {
        "picture": bars([found[step] for step in chosen]),
        "rows": [(_length(step), found[step]) for step in chosen],
        "of": found.total(),
        "num_more": len(found) - len(chosen),
    }


def _length(step: int) -> str:
    if step <= 0:
        return f"back {format_duration(-step)}" if step else "0 (the same time)"
    return format_duration(step)
