"""The picture of scores: the signal, the score with its threshold, and where rows are labelled."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from longstride.storage.store import SeriesStore
from longstride.storage.writing.copy import name_of
from longstride.storage.writing.output import check_output, output_file
from longstride.trainer.errors import ScoresError
from longstride.trainer.reporting.plot_style import ACCENT, INK, MAX_CHANNELS, stacked, title_above
from longstride.trainer.scoring.judging.vus import spans_of
from longstride.trainer.scoring.rows.ranges import check_rows
from longstride.trainer.scoring.score_reader import Scores, read_scores
from longstride.trainer.scoring.shown.envelope import edges_of, envelope, extremes
from longstride.trainer.scoring.shown.page import page_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_scores"]

MAX_POINTS = 1500
"""Points across the picture; of more rows, the smallest and the largest value between two points are drawn."""
KEYS = {".png": "longstride", ".svg": "Identifier", ".pdf": "Keywords"}
"""Kinds of pictures, and under which key of its metadata a picture names the job that has drawn it."""
PAGE = ".html"
ENDS = {".png": b"IEND\xaeB`\x82", ".svg": b"</svg>", ".pdf": b"%%EOF", PAGE: b"</html>"}
"""Last bytes of a whole picture or page."""
LABELLED = "#f59f00"


def draw_scores(
    path: Path,
    store: SeriesStore,
    source: Path,
    *,
    rows: tuple[int, int] | None = None,
    channels: tuple[str, ...] = (),
    title: str = "",
    overwrite: bool = False,
) -> bool:
    """Draw rows start:stop of a store with the scores of a file, and of its channels those named.

    By default, all rows that the file has, and the first eight channels; a page shows those of each event. Over
    time, or over rows where they are of several series. No more rows are read at a time than a chunk has, or lie
    between two points. Whether something was drawn: not where this very picture is there already.
    Raises ScoresError for rows or channels that the store does not have, for a path that is not a picture, and as
    `read_scores`; LongstrideError as `output_file`.
    """
    if path.suffix not in ENDS:
        raise ScoresError(
            f"{path} is not a picture or a page: expected a name that ends with {', '.join(ENDS)}",
            code="option-value",
        )
    scores = read_scores(source, store)
    start, stop = rows or (int(scores.rows[0, 0]), int(scores.rows[-1, 1]))
    check_rows(store, start, stop)
    if unknown := [name for name in channels if name not in store.channels]:
        raise ScoresError(
            f"{store.name} has no channel {unknown[0]}: it has {', '.join(store.channels)}",
            code="column-missing",
        )
    is_page = path.suffix == PAGE
    shown = channels if channels or is_page else store.channels[:MAX_CHANNELS]
    job = _job_of(store, scores, (start, stop), shown, "page" if is_page else title)
    if not overwrite and _was_drawn(path, job):
        return False
    check_output(path, overwrite=overwrite)
    if is_page:
        page = page_of(source, store, scores, rows=(start, stop), channels=shown, job=job)
        with output_file(path, overwrite=overwrite) as file:
            file.write(page.encode(errors="backslashreplace"))
        return True
    figure = _figure(store, scores, (start, stop), shown, title)
    with output_file(path, overwrite=overwrite) as file:
        figure.savefig(file, format=path.suffix[1:], metadata={KEYS[path.suffix]: job})
    return True


def _figure(
    store: SeriesStore, scores: Scores, rows: tuple[int, int], shown: tuple[str, ...], title: str
) -> "Figure":
    start, stop = rows
    edges = edges_of(start, stop, MAX_POINTS)
    at, unit = _axis(store, edges)
    figure, panels = stacked(len(shown) + 1, 0.9, others=0.8)
    lows, highs = envelope(store, edges, [store.channels.index(name) for name in shown])
    for axes, name, low, high in zip(panels, shown, lows.T, highs.T, strict=False):
        _draw(axes, at, low, high, INK)
        title_above(axes, name)
        axes.locator_params(axis="y", nbins=3)
    axes = panels[-1]
    low, high = extremes(scores.scores[start:stop], edges[:-1] - start)
    _draw(axes, at, low, high, ACCENT)
    _draw_threshold(axes, scores.about["threshold"], low, high)
    title_above(
        axes, f"score ({scores.about['model']}), asinh scale: linear up to the threshold, then logarithmic"
    )
    _mark_labels(panels, store, edges, at)
    _say_time(axes, at, unit)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2, frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11, color=INK, x=0.01, y=0.99, ha="left", parse_math=False)
    return figure


def _job_of(
    store: SeriesStore, scores: Scores, rows: tuple[int, int], channels: tuple[str, ...], title: str
) -> str:
    """Name of a job: a hash of all that a picture shows."""
    drawn = hashlib.sha256(scores.scores.tobytes() + json.dumps(scores.about).encode()).hexdigest()
    return name_of(store, ["plot", drawn, rows, channels, title])


def _was_drawn(path: Path, job: str) -> bool:
    """Whether a job has left its picture, and that is whole."""
    if not path.is_file():
        return False
    found = path.read_bytes()
    return job.encode() in found and found.rstrip().endswith(ENDS[path.suffix])


def _axis(store: SeriesStore, edges: NDArray[np.int64]) -> tuple[NDArray[Any], str]:
    """Where the points are drawn (P,), and the name of that axis."""
    inside = (store.segments.start < edges[-1]) & (store.segments.stop > edges[0])
    series = np.unique(store.segments.series[inside])
    if len(series) > 1:
        return edges[:-1], "row"
    name = f", series {store.series[series[0]]}" if len(series) and store.series[series[0]] else ""
    return np.asarray(store.checked("time")[edges[:-1]]).astype("datetime64[ns]"), f"time, UTC{name}"


def _draw(axes: Any, at: NDArray[Any], low: NDArray[np.floating], high: NDArray[np.floating], color: str) -> None:
    if np.array_equal(low, high, equal_nan=True):
        axes.plot(at, low, color=color, lw=1.0)
    else:
        axes.fill_between(at, low, high, color=color, lw=0.6, step="post")


def _draw_threshold(axes: Any, threshold: float, low: NDArray[np.floating], high: NDArray[np.floating]) -> None:
    """Draw the threshold on an axis that shows faults, with scores in the thousands, and other rows."""
    axes.axhline(threshold, color=INK, lw=0.9, ls="--", label=f"threshold {threshold:.3g}")
    axes.set_yscale("asinh", linear_width=max(1.0, threshold))
    top = 2 * float(np.nanmax(high, initial=max(threshold, 5.0)))
    axes.set_ylim(np.nanmin(low, initial=-1.0), top)
    decades = np.arange(1, int(np.log10(top)) + 1)
    ticks = [0.0, *10.0 ** decades[:: -(-len(decades) // 3)]]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks([], minor=True)


def _say_time(axes: Any, at: NDArray[Any], unit: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    if at.dtype.kind == "M":
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel(unit, fontsize=9, color=INK)


def _mark_labels(panels: Any, store: SeriesStore, edges: NDArray[np.int64], at: NDArray[Any]) -> None:
    if not store.label_names:
        return
    start, stop = int(edges[0]), int(edges[-1])
    labelled = (np.asarray(store.checked("labels")[start:stop]) != 0).any(axis=1)
    spans, _ = spans_of(labelled, np.array([[0, stop - start]]))
    points = np.searchsorted(edges, spans + start, side="right") - 1
    last = len(at) - 1
    for number, (first, end) in enumerate(points.tolist()):
        for axes in panels:
            axes.axvspan(
                at[first],
                at[min(max(end, first + 1), last)],
                color=LABELLED,
                alpha=0.35,
                lw=0.5,
                label="labelled" if number == 0 and axes is panels[-1] else None,
            )
