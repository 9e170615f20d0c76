"""Small pictures of a page of scores, as SVG: they hold numbers alone, and stretch to the width of the screen.

Their colours are those of the style of the page (`page.html.jinja`).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["score_panel", "signal_panel"]

WIDTH, HEIGHT = 1000, 100
Places = Iterable[tuple[float, float]]
"""From where to where, as shares of the width."""


def signal_panel(low: NDArray[np.floating], high: NDArray[np.floating], labelled: Places) -> str:
    """The range of a channel at each point (P,), NaN where it has none, over labelled spans."""
    return _svg(_places("label", labelled, 0, HEIGHT) + _curve(low, high))


def score_panel(
    low: NDArray[np.floating], high: NDArray[np.floating], threshold: float, labelled: Places, alarms: Places
) -> str:
    """The range of scores at each point, the threshold, and below where alarms are, on an asinh scale."""
    width = max(1.0, threshold)
    ends = [np.arcsinh(np.where(np.isfinite(end), end, np.sign(end) * 1e30) / width) for end in (low, high)]
    limit = np.full(1, np.arcsinh(threshold / width))
    least = min(0.0, float(np.nanmin(ends[0], initial=0.0)), float(limit[0]))
    most = max(float(np.nanmax(ends[1], initial=0.0)), float(limit[0]) * 1.25)
    level = _heights(limit, least, most)[0]
    line = f'<path class="limit" d="M0 {level:.1f}H{WIDTH}"/>'
    return _svg(
        _places("label", labelled, 0, HEIGHT)
        + _curve(*ends, least=least, most=most)
        + line
        + _places("alarm", alarms, HEIGHT - 5, 5)
    )


def _curve(
    low: NDArray[np.floating],
    high: NDArray[np.floating],
    *,
    least: float | None = None,
    most: float | None = None,
) -> str:
    low, high = (np.where(np.isfinite(end), end, np.nan).astype(np.float64) for end in (low, high))
    if np.isnan(low).all():
        return ""
    least = float(np.nanmin(low)) if least is None else least
    most = float(np.nanmax(high)) if most is None else most
    bottom, top = _heights(low, least, most), _heights(high, least, most)
    parts, is_apart, step = [], True, WIDTH / len(low)
    for index, (lower, upper) in enumerate(zip(bottom.tolist(), top.tolist(), strict=True)):
        if lower != lower:
            is_apart = True
            continue
        x = f"{(index + 0.5) * step:.1f}"
        parts.append(f"{'M' if is_apart else 'L'}{x} {lower:.1f}V{min(upper, lower - 0.3):.1f}")
        is_apart = False
    return f'<path class="line" d="{"".join(parts)}"/>'


def _heights(values: NDArray[np.floating], least: float, most: float) -> NDArray[np.float64]:
    # Halves, for the largest floats are further apart than a float reaches.
    half = most / 2 - least / 2
    share = (values / 2 - least / 2) / half if half > 0 else np.where(np.isnan(values), np.nan, 0.5)
    heights: NDArray[np.float64] = HEIGHT - 8 - (HEIGHT - 12) * share
    return heights


def _places(kind: str, places: Places, top: float, height: float) -> str:
    return "".join(
        f'<rect class="{kind}" x="{WIDTH * start:.1f}" width="{max(WIDTH * (stop - start), 1.5):.1f}" '
        f'y="{top:g}" height="{height:g}"/>'
        for start, stop in places
    )


def _svg(inner: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{inner}</svg>'
