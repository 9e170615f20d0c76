"""How every picture of a run looks, its colours and axes, and how it is put into a page."""

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ACCENT", "INK", "MAX_CHANNELS", "MUTED", "as_data", "stacked", "title_above"]

INK, MUTED, ACCENT = "#1f2933", "#9aa5b1", "#d9480f"
MAX_CHANNELS = 8
"""Most channels in one figure."""
MAX_SVG_LENGTH = 250_000


def stacked(number: int, height: float, *, others: float) -> "tuple[Figure, list[Axes]]":
    """A figure of `number` axes, one above the other, each `height` inches with its title, and `others` around."""
    from matplotlib.figure import Figure

    width, left, right, bottom, title = 9.0, 0.7, 0.1, 0.5, 0.3
    whole = others + number * height
    figure = Figure(figsize=(width, whole), dpi=120)
    # Computed here: matplotlib's own layout takes longer than drawing.
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / whole,
        top=(bottom + number * height - title) / whole,
        hspace=title / (height - title),
    )
    rows = list(figure.subplots(number, 1, sharex=True, squeeze=False)[:, 0])
    for axes in rows:
        axes.tick_params(labelsize=8, colors=INK, length=3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(MUTED)
        axes.grid(axis="y", color=MUTED, alpha=0.25, lw=0.6)
        axes.margins(x=0.01)
    for axes in rows[:-1]:
        axes.xaxis.set_visible(False)  # ticks take longer to draw than all else
    return figure, rows


def title_above(axes: "Axes", text: str) -> None:
    """Put a title above what is drawn; names of the user are not formulas, whatever signs are in them."""
    axes.set_title(text, loc="left", fontsize=9, color=INK, pad=3, parse_math=False)


def as_data(figure: "Figure") -> str:
    """The figure as a `data:` address that a page can show: SVG, or PNG where that is long and PNG shorter."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "longstride"}):  # text stays text
        data = _saved(figure, "svg+xml", format="svg", metadata={"Date": None})
    if len(data) <= MAX_SVG_LENGTH:
        return data
    return min(data, _saved(figure, "png", format="png", dpi=96), key=len)


def _saved(figure: "Figure", kind: str, **options: Any) -> str:
    file = io.BytesIO()
    figure.savefig(file, **options)
    return f"data:image/{kind};base64,{b64encode(file.getvalue()).decode()}"
