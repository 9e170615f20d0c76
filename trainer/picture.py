"""The picture at the end of a run: one window, original against reconstruction."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["draw_reconstruction", "typical_window"]

MAX_CHANNELS = 8
MAX_MARKED_ROWS = 128
"""Up to here each row gets a dot, so that a value between two gaps is seen."""
INK, MUTED, ACCENT = "#1f2933", "#9aa5b1", "#d9480f"


def typical_window(reconstruction: Tensor, inputs: Tensor, mask: Tensor | None) -> int:
    """Index of the window (b, K, N) whose mean squared error is the median, windows without a value left out."""
    error = (reconstruction - inputs).square()
    valid = torch.ones_like(error) if mask is None else mask.float()
    count = valid.sum(dim=(1, 2))
    mean_error = (error * valid).sum(dim=(1, 2)) / count
    order = mean_error.argsort()[: max(1, int((count > 0).sum()))]  # those without a value are NaN, sorted last
    return int(order[(len(order) - 1) // 2])


def draw_reconstruction(
    path: Path,
    *,
    original: NDArray[np.floating],
    reconstruction: NDArray[np.floating],
    time: NDArray[np.int64],
    channels: tuple[str, ...],
    units: tuple[str | None, ...],
    title: str,
) -> None:
    """Draw up to eight channels of a window, (K, N) in original units, over time (K,) in nanoseconds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    present = np.flatnonzero(~np.isnan(original).all(axis=0))
    shown = (present if len(present) else np.arange(len(channels)))[:MAX_CHANNELS]
    elapsed, unit = _elapsed(time)
    figure = Figure(figsize=(9, 1.5 + 1.15 * len(shown)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, channel in zip(rows, shown, strict=True):
        marker = "." if len(time) <= MAX_MARKED_ROWS else None
        axes.plot(elapsed, original[:, channel], color=INK, lw=1.2, marker=marker, ms=4, label="original")
        axes.plot(elapsed, reconstruction[:, channel], color=ACCENT, lw=1.6, alpha=0.9, label="reconstruction")
        name = f"{channels[channel]} [{units[channel]}]" if units[channel] else channels[channel]
        axes.set_title(name, loc="left", fontsize=9, color=INK, pad=3)
        axes.tick_params(labelsize=8, colors=INK, length=3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(MUTED)
        axes.grid(axis="y", color=MUTED, alpha=0.25, lw=0.6)
        axes.margins(x=0.01)
        axes.locator_params(axis="y", nbins=4)
    begin = str(np.datetime64(int(time[0]), "ns")).removesuffix("000000").removesuffix(".000").replace("T", " ")
    rows[-1].set_xlabel(f"{unit} since {begin} UTC", fontsize=9, color=INK)
    left_out = f", {len(shown)} of {len(channels)} channels" if len(shown) < len(channels) else ""
    figure.suptitle(title + left_out, fontsize=11, color=INK, x=0.01, ha="left")
    figure.legend(
        *rows[0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False, fontsize=9
    )
    figure.savefig(path)


def _elapsed(time: NDArray[np.int64]) -> tuple[NDArray[np.float64], str]:
    """Time since the first row in a unit that suits the span, and the name of that unit."""
    seconds = (time - time[0]) / 1e9
    span = seconds[-1]
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0)):
        if span >= 3 * length:
            return seconds / length, unit
    return seconds * 1e3, "milliseconds"
