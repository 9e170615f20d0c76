"""Small pictures of many numbers, as SVG within a page: they hold numbers alone, never a text of a file.

Their colours are those of the style of pages (`base.html.jinja`).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_BARS", "WIDTH", "bars", "edges_of", "lowest_and_highest", "sparkline"]

WIDTH, HEIGHT = 240, 36
"""Of a picture; a sparkline has at most WIDTH steps."""
MAX_BARS = 12


def edges_of(num_rows: int) -> NDArray[np.int64]:
    """Where the steps of a sparkline of that many rows begin, and the end of the last: (steps + 1,)."""
    return np.linspace(0, num_rows, min(num_rows, WIDTH) + 1).astype(np.int64)


def lowest_and_highest(values: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The range of values (T,) in each step of a sparkline, (steps,) and (steps,); NaN where none is a number."""
    finite = np.where(np.isfinite(values), values, np.nan)
    starts = edges_of(len(values))[:-1]
    return np.fmin.reduceat(finite, starts), np.fmax.reduceat(finite, starts)


def sparkline(low: NDArray[np.floating[Any]], high: NDArray[np.floating[Any]]) -> str:
    """Show a range for each step, (steps,) and (steps,), and a mark where it has none; empty without any.

    An end that is not finite counts as missing.
    """
    low, high = (np.where(np.isfinite(end), end, np.nan).astype(np.float64) for end in (low, high))
    bottom, top = np.fmin(low, high), np.fmax(low, high)
    if np.isnan(bottom).all():
        return ""
    least, most = float(np.nanmin(bottom)), float(np.nanmax(top))
    # Halves, for the largest floats are further apart than a float reaches.
    half = most / 2 - least / 2 or 1.0
    lines: list[str] = []
    gaps: list[str] = []
    step = WIDTH / len(bottom)
    is_apart = True
    for index, ends in enumerate(zip(bottom.tolist(), top.tolist(), strict=True)):
        x = (index + 0.5) * step
        if math.isnan(ends[0]):
            gaps.append(f"M{x:.1f} {HEIGHT}v-3")
            is_apart = True
            continue
        lower, upper = (_y((end / 2 - least / 2) / half) for end in ends)
        lines.append(f"{'M' if is_apart else 'L'}{x:.1f} {lower:.1f}V{min(upper, lower - 0.5):.1f}")
        is_apart = False
    return _svg(_path("line", lines) + _path("gap", gaps))


def bars(counts: Sequence[int]) -> str:
    """Counts as bars; their heights are logarithms, so that a single one is seen beside thousands."""
    most = math.log1p(max(counts, default=0)) or 1.0
    step = WIDTH / max(MAX_BARS, len(counts))
    shapes = "".join(
        f'<rect x="{index * step:.1f}" width="{step - 2:.1f}" '
        f'y="{HEIGHT * (1 - math.log1p(count) / most):.1f}" height="{HEIGHT * math.log1p(count) / most:.1f}"/>'
        for index, count in enumerate(counts)
    )
    return _svg(shapes)


def _y(share: float) -> float:
    return 2 + (HEIGHT - 6) * (1 - share)


def _path(kind: str, parts: Sequence[str]) -> str:
    return f'<path class="{kind}" d="{"".join(parts)}"/>'


def _svg(inner: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">{inner}</svg>'
    )
