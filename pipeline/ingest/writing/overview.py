"""All rows of a store at a glance, from what is known of its blocks: a page shows it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from longstride.pipeline.ingest.report_page.overview import ChannelOverview, Overview
from longstride.storage.html.pictures import edges_of
from longstride.storage.series.elapsed import steps_between
from longstride.storage.series.segments import Segments
from longstride.storage.series.statistics import Statistics
from longstride.storage.writing.writer import StoreWriter

__all__ = ["overview_of"]

MAX_CHANNELS = 500
MANY_BLOCKS = 40
"""Of so many, the statistics say enough for a picture; rows of fewer are read."""
MAX_STEPS = 2**18
THREADS = 2

Ends = NDArray[np.floating]


def overview_of(writer: StoreWriter, segments: Segments) -> Overview:
    """Look at all rows that are written; `segments` are those of the whole store.

    At most 40 blocks of values and 2**18 times are read, whatever the number of rows.
    """
    blocks = writer.block_statistics()
    total = Statistics.merge(blocks)
    num_shown = min(MAX_CHANNELS, len(writer.layout.channels))
    low, high = (
        _from_statistics(blocks, num_shown)
        if len(blocks) >= MANY_BLOCKS
        else _from_rows(writer, blocks, num_shown)
    )
    steps, num_sampled = _steps(writer, len(blocks), segments)
    return Overview(
        num_rows=writer.num_rows,
        num_channels=len(writer.layout.channels),
        channels=tuple(
            ChannelOverview(
                name=writer.layout.channels[number],
                unit=writer.layout.units[number],
                num_missing=writer.num_rows - int(total.count[number]),
                minimum=float(total.minimum[number]),
                maximum=float(total.maximum[number]),
                low=low[:, number],
                high=high[:, number],
            )
            for number in range(num_shown)
        ),
        steps=steps,
        has_all_steps=num_sampled == writer.num_rows,
    )


def _from_statistics(blocks: Sequence[Statistics], num_channels: int) -> tuple[Ends, Ends]:
    """The range in each step of a picture, (steps, channels) and (steps, channels)."""
    starts = edges_of(len(blocks))[:-1]
    least = np.stack([block.minimum[:num_channels] for block in blocks])
    most = np.stack([block.maximum[:num_channels] for block in blocks])
    return np.fmin.reduceat(least, starts), np.fmax.reduceat(most, starts)


def _from_rows(writer: StoreWriter, blocks: Sequence[Statistics], num_channels: int) -> tuple[Ends, Ends]:
    """The same from the values; a step may begin in one block and end in another."""
    edges = edges_of(writer.num_rows)
    low, high = (np.full((len(edges) - 1, num_channels), np.nan, writer.layout.dtype) for _ in range(2))

    def ends_in(number: int) -> tuple[slice, Ends, Ends]:
        block, row = blocks[number], number * writer.layout.chunk_rows
        values = writer.written_values(number)[:, :num_channels]
        first, last = np.searchsorted(edges, [row, row + len(values) - 1], side="right") - 1
        starts = edges[first : last + 1].clip(min=row) - row
        if np.isinf([block.minimum, block.maximum]).any():
            values = np.where(np.isfinite(values), values, np.nan)
        pieces = np.split(values, starts[1:])  # numpy reduces one by one in a third of the time of `reduceat`
        lowest, highest = ([end.reduce(piece, axis=0) for piece in pieces] for end in (np.fmin, np.fmax))
        return slice(first, last + 1), np.array(lowest), np.array(highest)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="longstride-overview") as pool:
        for steps, lowest, highest in pool.map(ends_in, range(len(blocks))):
            low[steps] = np.fmin(low[steps], lowest)
            high[steps] = np.fmax(high[steps], highest)
    return low, high


def _steps(writer: StoreWriter, num_blocks: int, segments: Segments) -> tuple[Counter[int], int]:
    """How often each step occurs in evenly spread blocks, and how many rows these have."""
    rows = writer.layout.chunk_rows
    num_sampled = min(num_blocks, max(1, MAX_STEPS // rows))
    sampled = np.unique(np.linspace(0, num_blocks - 1, num_sampled).astype(int)).tolist()
    changes = segments.start[1:][np.diff(segments.series) != 0]
    found = [np.empty(0, np.uint64)]
    for row, times in _runs(writer, sampled):
        within = ~np.isin(np.arange(row + 1, row + len(times)), changes)
        found.append(steps_between(times)[within & (times[1:] > times[:-1])])
    lengths, counts = np.unique(np.concatenate(found), return_counts=True)
    steps = Counter(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))
    return steps, sum(min(rows, writer.num_rows - block * rows) for block in sampled)


def _runs(writer: StoreWriter, blocks: Sequence[int]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """The first row of each block and its times, with the row before it where that block is one of them too."""
    rows = writer.layout.chunk_rows
    before: NDArray[np.int64] | None = None
    for index, block in enumerate(blocks):
        times = next(writer.written_times(block * rows))
        follows = before is not None and blocks[index - 1] == block - 1
        yield block * rows - follows, np.concatenate([before, times]) if follows and before is not None else times
        before = times[-1:]
