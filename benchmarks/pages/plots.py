"""The pictures of docs/benchmarks.md, from the committed results."""

import io
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.harness.registry import OURS
from benchmarks.harness.results import Result
from benchmarks.suites.cells import best_peer
from benchmarks.suites.models.train import Train
from benchmarks.suites.scale import Scale
from benchmarks.suites.windows import Windows
from longstride.trainer.reporting.plot_style import ACCENT, INK, MUTED, title_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["drawing_of", "svg"]

MILLION, THOUSAND = 1e6, 1e3
MANY = 3
"""More than these are drawn."""


def drawing_of(result: Result) -> "Callable[[], Figure] | None":
    """What draws a result in which there is enough to see: many ways, many lengths, many models."""
    match result:
        case Windows(cold=False) if len({cell.way for cell in result.cells}) > MANY:
            return partial(_draw_windows, result)
        case Scale() if len(result.sizes) > MANY:
            return partial(_draw_scale, result)
        case Train() if len({cell.case.hidden for cell in result.cells}) > MANY:
            return partial(_draw_waits, result)
    return None


def _draw_windows(result: Windows) -> "Figure":
    """Two maps over K and stride: windows per second, and how many times those of the best peer."""
    ours = [cell for cell in result.cells if cell.way == OURS.name]
    windows = sorted({cell.window for cell in ours})
    strides = {window: sorted(cell.stride for cell in ours if cell.window == window) for window in windows}
    longest = max(windows, key=lambda window: (len(strides[window]), window))
    words = _words(longest, strides[longest])
    rate: list[list[float]] = [[math.nan] * len(words) for _ in windows]
    ratio: list[list[float]] = [[math.nan] * len(words) for _ in windows]
    names = [[""] * len(words) for _ in windows]
    for cell in ours:
        row, column = windows.index(cell.window), strides[cell.window].index(cell.stride)
        peer = best_peer(result.cells, cell.case)
        rate[row][column] = cell.rate
        ratio[row][column] = peer.ours_to_it.median if peer and peer.ours_to_it else math.nan
        names[row][column] = peer.way if peer else ""
    figure, (left, right) = _figure(2, height=3.2)
    said = [["" if math.isnan(value) else _short(value) for value in row] for row in rate]
    _map(left, rate, said, "Blues", windows, words)
    title_above(left, "windows per second")
    said = [
        [f"{value:.2f}\n{name}" for value, name in zip(row, peers, strict=True)]
        for row, peers in zip(ratio, names, strict=True)
    ]
    _map(right, ratio, said, "RdBu", windows, words, middle=1.0)
    title_above(right, "times the best peer, and which that is")
    return figure


def _words(window: int, strides: Sequence[int]) -> list[str]:
    return ["K" if stride == window else "1" if stride == 1 else f"K/{window // stride}" for stride in strides]


def _short(value: float) -> str:
    return f"{value / MILLION:.2f} M" if value >= MILLION else f"{value / THOUSAND:.0f} k"


def _map(
    axes: "Axes",
    values: Sequence[Sequence[float]],
    said: Sequence[Sequence[str]],
    colours: str,
    windows: Sequence[int],
    words: Sequence[str],
    middle: float | None = None,
) -> None:
    """Cells coloured by the logarithm of their value; around `middle`, where there is one, both ways alike."""
    import numpy as np

    logs = np.log(np.array(values))
    if middle is None:
        low, high = float(np.nanmin(logs)), float(np.nanmax(logs)) + 1.5  # light enough for dark text
    else:
        high = max(1.5, float(np.nanmax(np.abs(logs - np.log(middle)))))
        low = -high
    axes.imshow(logs, cmap=colours, vmin=low, vmax=high, aspect="auto", alpha=0.8)
    for row, texts in enumerate(said):
        for column, text in enumerate(texts):
            if not math.isnan(values[row][column]):
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=INK)
    axes.set_xticks(range(len(words)), words)
    axes.set_yticks(range(len(windows)), [f"{window:,}" for window in windows])
    axes.set_xlabel("stride", fontsize=8, color=INK)
    axes.set_ylabel("K", fontsize=8, color=INK, rotation=0)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _draw_scale(result: Scale) -> "Figure":
    """Windows per second, and memory of its own, over the length of the log."""
    sizes = result.sizes
    rows = [size.num_rows for size in sizes]
    figure, (left, right) = _figure(2, height=2.6)
    spreads = [size.windows_per_second for size in sizes]
    _line(left, rows, [spread.median / THOUSAND for spread in spreads])
    left.fill_between(
        rows,
        [spread.minimum / THOUSAND for spread in spreads],
        [spread.maximum / THOUSAND for spread in spreads],
        color=INK,
        alpha=0.15,
        lw=0,
    )
    title_above(left, "thousand windows per second: median, smallest and largest")
    _line(right, rows, [size.peak_megabytes for size in sizes])
    title_above(right, "memory of its own, MB")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
        axes.set_xlabel("rows of the log", fontsize=8, color=INK)
    return figure


def _draw_waits(result: Train) -> "Figure":
    """Share of the time that steps waited for data, over the time of a step on one batch."""
    figure, (axes,) = _figure(1, height=2.6)
    groups: dict[str, list[tuple[float, float]]] = {}
    for cell in result.cells:
        name = f"K = {cell.case.window:,}, stride {cell.case.stride:,}"
        point = cell.resident_milliseconds.median, 100 * cell.wait_share
        groups.setdefault(name, []).append(point)
    colours = [INK, ACCENT, MUTED, "#2471a3", "#1e8449", "#7d3c98"]
    for (name, points), colour in zip(groups.items(), colours, strict=False):
        _line(axes, *zip(*sorted(points), strict=True), colour=colour, label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time of a step without loading, ms", fontsize=8, color=INK)
    axes.legend(frameon=False, fontsize=8)
    title_above(axes, "waited for data, % of the time")
    return figure


def _figure(number: int, height: float) -> "tuple[Figure, Sequence[Axes]]":
    """A figure of axes side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, height), dpi=120, layout="constrained")
    columns = list(figure.subplots(1, number, squeeze=False)[0])
    for axes in columns:
        axes.tick_params(labelsize=8, colors=INK, length=3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(MUTED)
    return figure, columns


def _line(axes: "Axes", x: Sequence[float], y: Sequence[float], *, colour: str = INK, label: str = "") -> None:
    axes.plot(x, y, color=colour, lw=1.5, marker="o", ms=4, label=label)
    axes.grid(axis="y", color=MUTED, alpha=0.25, lw=0.6)


def svg(figure: "Figure") -> str:
    """The same figures always give the same text."""
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "longstride"}):  # text stays text
        figure.savefig(file, format="svg", metadata={"Date": None})
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
