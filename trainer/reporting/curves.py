"""Curves over the steps of a run, from the lines of its `metrics.jsonl`."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from longstride.trainer.reporting.plot_style import ACCENT, INK, MUTED, stacked, title_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_losses", "draw_throughput"]

MAX_MARKED_POINTS = 64
"""Up to this number each point gets a dot: a single one would not be seen otherwise."""
WIDE = 10.0
"""The axis is logarithmic if the largest value is this many times the smallest."""


def draw_losses(lines: list[dict[str, Any]]) -> "Figure":
    """Loss of training and validation, and the learning rate below."""
    train, validation = _of_kind(lines, "train"), _of_kind(lines, "validation")
    figure, (losses, rates) = stacked(2, 2.1, others=0.55)
    title_above(losses, "loss")
    _draw(losses, train, "loss", INK, "training, mean of each interval")
    _draw(losses, validation, "loss", ACCENT, "validation")
    losses.legend(loc="upper right", frameon=False, fontsize=8)
    _log_where_wide(losses)
    title_above(rates, "learning rate")
    _draw(rates, train, "lr", INK)
    rates.set_ylim(bottom=0)
    return _finish(figure, rates)


def draw_throughput(lines: list[dict[str, Any]]) -> "Figure":
    """Windows per second of all processes, the share of the time in which they waited for data, time of a step."""
    train = _of_kind(lines, "train")
    figure, (speed, wait, steps) = stacked(3, 1.6, others=0.55)
    title_above(speed, "windows per second")
    _draw(speed, train, "windows_per_second", INK)
    title_above(wait, "waited for data, % of the time")
    _draw(wait, train, "data_wait_share", INK, scale=100)
    for axes in (speed, wait):
        axes.set_ylim(bottom=0)
    title_above(steps, "time of a step, ms")
    for percent, colour in ((99, ACCENT), (90, MUTED), (50, INK)):
        _draw(steps, train, f"step_ms_p{percent}", colour, f"{percent}% stay below")
    steps.legend(loc="upper right", ncols=3, frameon=False, fontsize=8)
    _log_where_wide(steps)
    return _finish(figure, steps)


def _of_kind(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


def _draw(
    axes: "Axes", lines: list[dict[str, Any]], name: str, colour: str, label: str = "", *, scale: float = 1.0
) -> None:
    """One figure of each line over its step; a gap where it is null."""
    steps = [line["step"] for line in lines]
    values = scale * np.array([line.get(name) for line in lines], np.float64)
    marker = "." if len(steps) <= MAX_MARKED_POINTS else None
    axes.plot(steps, values, color=colour, lw=1.3, marker=marker, ms=4, label=label)


def _log_where_wide(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    values: NDArray[np.float64] = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in axes.lines])
    values = values[np.isfinite(values)]
    if not len(values) or values.min() <= 0 or values.max() < WIDE * values.min():
        return
    axes.set_yscale("log")
    subs = (1, 2, 5) if values.max() < 1000 * values.min() else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _finish(figure: "Figure", lowest: "Axes") -> "Figure":
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    lowest.xaxis.set_major_locator(MaxNLocator(integer=True))
    lowest.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    lowest.set_xlabel("step", fontsize=9, color=INK)
    return figure
