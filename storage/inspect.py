"""The output of `longstride inspect`, as data and as text."""

from dataclasses import asdict, dataclass

import numpy as np

from longstride.storage.store import SeriesStore
from longstride.storage.text import iso_time

__all__ = ["ChannelSummary", "StoreSummary", "render", "summarise"]

MAX_SEGMENTS_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class ChannelSummary:
    """One channel over all rows; the figures are None where it has no value at all."""

    name: str
    unit: str | None
    missing_share: float
    mean: float | None
    std: float | None
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, kw_only=True)
class SegmentSummary:
    """One segment: rows start:stop of a series, and its first and last time (ISO 8601, UTC)."""

    series: str
    start: int
    stop: int
    first_time: str
    last_time: str


@dataclass(frozen=True, kw_only=True)
class StoreSummary:
    """Shape, span, cadence, segments, channels and the number of windows for one K and stride."""

    path: str
    generation: int
    """Number of the last commit; after the first one, each has appended."""
    num_rows: int
    num_channels: int
    dtype: str
    value_bytes: int
    chunk_rows: int
    first_time: str
    last_time: str
    cadence_seconds: float
    series: list[str]
    segments: list[SegmentSummary]
    labels: dict[str, int]
    """Rows marked (label above 0), by label name."""
    channels: list[ChannelSummary]
    window: int
    stride: int
    num_windows: int

    def as_json(self) -> dict[str, object]:
        """Plain values for `json.dumps`; an infinite figure, which JSON cannot hold, becomes a string."""
        document = asdict(self)
        for channel in document["channels"]:
            channel |= {key: str(item) for key, item in channel.items() if item in (np.inf, -np.inf)}
        return document


def summarise(store: SeriesStore, window: int, stride: int) -> StoreSummary:
    """Gather the summary; only `time` at segment ends and the labels are read, statistics are stored."""
    segments, time = store.segments, store.checked("time")
    first, last = store.span_ns
    return StoreSummary(
        path=store.name,
        generation=store.generation,
        num_rows=store.num_rows,
        num_channels=len(store.channels),
        dtype=str(store.values.dtype),
        value_bytes=store.values.nbytes,
        chunk_rows=store.chunk_rows,
        first_time=iso_time(first),
        last_time=iso_time(last),
        cadence_seconds=store.cadence_ns / 1e9,
        series=list(store.series),
        segments=[
            SegmentSummary(
                series=store.series[series],
                start=int(start),
                stop=int(stop),
                first_time=iso_time(int(time[start])),
                last_time=iso_time(int(time[stop - 1])),
            )
            for start, stop, series in zip(segments.start, segments.stop, segments.series, strict=True)
        ],
        labels=_label_counts(store),
        channels=_channels(store),
        window=window,
        stride=stride,
        num_windows=int(segments.num_windows(window, stride).sum()),
    )


def render(summary: StoreSummary) -> str:
    """Text for a terminal, at most 110 columns wide for channel names of usual length."""
    s = summary
    lines = [
        f"{s.path}",
        f"  rows x channels   {s.num_rows:,} x {s.num_channels} {s.dtype}"
        f" ({s.value_bytes / 2**20:,.1f} MiB in chunks of {s.chunk_rows:,} rows)",
        f"  span              {s.first_time} to {s.last_time} UTC",
        f"  cadence           {s.cadence_seconds:,.9g} s",
        f"  windows           {s.num_windows:,} of K={s.window}, stride {s.stride}",
        f"  generation        {s.generation:,}{' (rows were appended)' if s.generation > 1 else ''}",
    ]
    lines += [f"  label             {name}: {count:,} rows" for name, count in s.labels.items()]
    lines.append(f"  segments          {len(s.segments):,} in {len(s.series):,} series")
    for segment in s.segments[:MAX_SEGMENTS_SHOWN]:
        rows = f"rows {segment.start:>12,} to {segment.stop:>12,}"
        name = f" {segment.series}" if segment.series else ""
        lines.append(f"    {rows}{name}  {segment.first_time} to {segment.last_time}")
    if len(s.segments) > MAX_SEGMENTS_SHOWN:
        lines.append(f"    and {len(s.segments) - MAX_SEGMENTS_SHOWN:,} more (--json has all)")
    width = max(len("channel"), *(len(_channel_title(channel)) for channel in s.channels))
    lines.append(f"  {'channel':<{width}} {'missing':>9} {'mean':>12} {'std':>12} {'minimum':>12} {'maximum':>12}")
    for channel in s.channels:
        figures = (channel.mean, channel.std, channel.minimum, channel.maximum)
        cells = " ".join(f"{'-' if figure is None else format(figure, '.6g'):>12}" for figure in figures)
        lines.append(f"  {_channel_title(channel):<{width}} {channel.missing_share:>8.3%} {cells}")
    return "\n".join(lines)


def _channel_title(channel: ChannelSummary) -> str:
    return f"{channel.name} [{channel.unit}]" if channel.unit else channel.name


def _channels(store: SeriesStore) -> list[ChannelSummary]:
    stats = store.stats()
    figures = np.stack([stats.mean, stats.std, stats.minimum, stats.maximum], axis=1)
    rows = [[None if np.isnan(figure) else float(figure) for figure in row] for row in figures]
    return [
        ChannelSummary(
            name=name,
            unit=unit,
            missing_share=1 - float(count) / store.num_rows,
            mean=row[0],
            std=row[1],
            minimum=row[2],
            maximum=row[3],
        )
        for name, unit, count, row in zip(store.channels, store.units, stats.count, rows, strict=True)
    ]


def _label_counts(store: SeriesStore) -> dict[str, int]:
    if not store.label_names:
        return {}
    labels = store.checked("labels")
    marked = np.zeros(len(store.label_names), np.int64)
    for row in range(0, store.num_rows, store.rows_at_a_time):
        marked += (labels[row : row + store.rows_at_a_time] > 0).sum(axis=0)
    return dict(zip(store.label_names, marked.tolist(), strict=True))
