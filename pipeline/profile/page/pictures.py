"""Small pictures of a sample, as SVG within the page: they hold numbers alone, never a text of a file."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_BARS", "bars", "sparkline"]

WIDTH, HEIGHT = 240, 36
MAX_BARS = 12


def sparkline(values: NDArray[np.float64]) -> str:
    """Values (T,), NaN where missing, as the range of them in each of up to 240 steps; empty without a value."""
    found = np.isfinite(values)
    if not found.any():
        return ""
    low, high = float(values[found].min()), float(values[found].max())
    # Halves, for the largest floats are further apart than a float reaches.
    half = high / 2 - low / 2 or 1.0
    edges = np.unique(np.linspace(0, len(values), min(len(values), WIDTH) + 1, dtype=int))
    lines: list[str] = []
    gaps: list[str] = []
    step = WIDTH / max(1, len(edges) - 1)
    last: float | None = None
    for index, (start, stop) in enumerate(pairwise(edges.tolist())):
        x = (index + 0.5) * step
        some = values[start:stop][found[start:stop]]
        if not len(some):
            gaps.append(f"M{x:.1f} {HEIGHT}v-3")
            last = None
            continue
        top, bottom = (_y((float(end) / 2 - low / 2) / half) for end in (some.max(), some.min()))
        begin = "M" if last is None else "L"
        lines.append(f"{begin}{x:.1f} {bottom:.1f}V{min(top, bottom - 0.5):.1f}")
        last = bottom
    return _svg(_path("line", "#1668a8", lines) + _path("gap", "#c0392b", gaps))


def bars(counts: Sequence[int]) -> str:
    """Counts as bars; their heights are logarithms, so that a single one is seen beside thousands."""
    most = math.log1p(max(counts, default=0)) or 1.0
    step = WIDTH / max(MAX_BARS, len(counts))
    shapes = "".join(
        f'<rect fill="#1668a8" x="{index * step:.1f}" width="{step - 2:.1f}" '
        f'y="{HEIGHT * (1 - math.log1p(count) / most):.1f}" height="{HEIGHT * math.log1p(count) / most:.1f}"/>'
        for index, count in enumerate(counts)
    )
    return _svg(shapes)


def _y(share: float) -> float:
    return 2 + (HEIGHT - 6) * (1 - share)


def _path(kind: str, colour: str, parts: Sequence[str]) -> str:
    return f'<path class="{kind}" fill="none" stroke="{colour}" d="{"".join(parts)}"/>'


def _svg(inner: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">{inner}</svg>'
    )
