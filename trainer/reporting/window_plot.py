"""The picture of a sample: the original and what the model predicts of it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from longstride.storage.text import readable_time
from longstride.trainer.reporting.examples import Example
from longstride.trainer.reporting.plot_style import ACCENT, INK, MAX_CHANNELS, stacked, title_above

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["begin_of", "draw_window"]

MAX_WORST_CHANNELS = 4
MAX_DOTTED_ROWS = 128


def draw_window(example: Example, title: str, *, worst: bool = False, dots: bool = True) -> "Figure":
    """Draw the first eight channels of a window that have a value, or the four `worst`, over time.

    Each row of a short window gets a dot; without `dots`, which enlarge a file, only values between two gaps.
    """
    present = np.flatnonzero(~np.isnan(example.original).all(axis=0))
    shown = (present if len(present) else np.arange(len(example.channels)))[:MAX_CHANNELS]
    if worst:
        shown = np.sort(present[np.argsort(-example.channel_errors[present], kind="stable")][:MAX_WORST_CHANNELS])
    elapsed, unit = _elapsed(example.time)
    figure, rows = stacked(len(shown), 1.15, others=0.8)
    for axes, channel in zip(rows, shown, strict=True):
        original, predicted = example.original[:, channel], example.predicted[:, channel]
        dotted = None if dots and len(elapsed) <= MAX_DOTTED_ROWS else _between_gaps(original)
        axes.plot(elapsed, original, color=INK, lw=1.2, marker=".", markevery=dotted, ms=4, label="original")
        low, high = example.low[:, channel], example.high[:, channel]
        if not np.isnan(low).all():
            axes.fill_between(
                elapsed, low, high, color=ACCENT, alpha=0.25, lw=0, label="lowest to highest quantile"
            )
            if len(alone := _between_gaps(low)):
                axes.vlines(elapsed[alone], low[alone], high[alone], color=ACCENT, alpha=0.25, lw=4)
        if not np.isnan(predicted).all():
            (line,) = axes.plot(elapsed, predicted, color=ACCENT, lw=1.6, alpha=0.9, label="prediction")
            if alone := _between_gaps(predicted):  # a forecast of one row
                line.set(marker="o", markevery=alone, ms=4)
        name, unit_of_channel = example.channels[channel], example.units[channel]
        title_above(axes, f"{name} [{unit_of_channel}]" if unit_of_channel else name)
        axes.locator_params(axis="y", nbins=4)
    rows[-1].set_xlabel(f"{unit} since {begin_of(example)}", fontsize=9, color=INK)
    of = f"the worst {len(shown)}" if worst else len(shown)
    left_out = f", {of} of {len(example.channels)} channels" if len(shown) < len(example.channels) else ""
    figure.suptitle(title + left_out, fontsize=11, color=INK, x=0.01, y=0.99, ha="left", parse_math=False)
    rows[0].legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=3, frameon=False, fontsize=9)
    return figure


def begin_of(example: Example) -> str:
    """Time of the first row, to read."""
    return f"{readable_time(int(example.time[0]))} UTC"


def _between_gaps(values: NDArray[np.floating]) -> list[int]:
    """Rows whose value has no value before and after it, so that no line is drawn to it."""
    there = np.concatenate([[False], ~np.isnan(values), [False]])
    found: list[int] = np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:]).tolist()
    return found


def _elapsed(time: NDArray[np.int64]) -> tuple[NDArray[np.float64], str]:
    """Time since the first row in a unit that suits the span, and the name of that unit."""
    # As an unsigned number, also where it is longer than the 292 years of int64.
    seconds = (time - time[0]).view(np.uint64) / 1e9
    span = seconds[-1]
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0)):
        if span >= 3 * length:
            return seconds / length, unit
    return seconds * 1e3, "milliseconds"
