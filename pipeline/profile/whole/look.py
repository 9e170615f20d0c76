"""Look through what a sample leaves out, and add the rows that hold something new.

A sample cannot show a value such as -9999 in a few rows of a million. All rows, or excerpts that are spread evenly
where they are many, are compared with the sample: rows that hold a number far from its numbers, a word, a text, a
step or a fault that it lacks are added to it, and what is proposed follows from them as from all others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.duration import format_duration
from longstride.pipeline.ingest.errors import RecipeError, SourceError
from longstride.pipeline.ingest.reject import Reject
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.ingest.settings.values import Spelling
from longstride.pipeline.ingest.sources.base import Raw
from longstride.pipeline.ingest.writing.extremes import is_made_up
from longstride.pipeline.profile.clock.times import find_times
from longstride.pipeline.profile.column import Column
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.sample import Beyond, Excerpt, Sample
from longstride.pipeline.profile.spelling.find import find_spellings
from longstride.pipeline.profile.whole.clock import ClockKnown
from longstride.pipeline.profile.whole.novelty import Known
from longstride.pipeline.profile.whole.rest import read_rest, rest_of
from longstride.storage.text import counted, exact_number, number

__all__ = ["look_further", "say_beyond"]

AROUND = 2
"""Rows before and after a new one that are added with it."""
MAX_REJECTS = 20
FEW = 0.01


def look_further(sample: Sample, advance: Callable[[float, float], object]) -> Sample:
    """The sample with the rows that it lacks; `advance(done, total)` is told the bytes that were read."""
    rests = rest_of(sample)
    total = sum(rest.num_bytes for rest in rests)
    known: Known | None = None
    added: list[Excerpt] = []
    reasons = {reject.reason for _, raw in sample.excerpts for reject in raw.rejects}
    num_rows = num_added = done = 0
    is_all = len({rest.name for rest in rests} | set(sample.names)) == sample.num_files
    for rest in rests:
        num_read = 0
        try:
            for source, raw, size in read_rest(sample, rest):
                known = known or _known(sample)
                rows = known.new_rows(raw.frame) if raw.frame.height else np.zeros(0, np.int64)
                added += (Excerpt(source, part) for part in _around(raw, rows))
                if fresh := [reject for reject in raw.rejects if reject.reason not in reasons]:
                    reasons |= {reject.reason for reject in fresh}
                    added.append(Excerpt(source, _rejects_alone(raw, fresh[:MAX_REJECTS])))
                num_rows += raw.num_rows
                num_added += len(rows)
                num_read += size
                advance(done + min(num_read, rest.num_bytes), total)
                if num_added > sample.num_rows:
                    return _with(sample, added, num_rows, known, is_all=False)
        except (SourceError, RecipeError):
            is_all = False  # an ingest says it better
        is_all = is_all and not (num_read >= rest.num_bytes if rest.leaves is None else rest.leaves)
        done += rest.num_bytes
        advance(done, total)
    return sample if known is None else _with(sample, added, num_rows, known, is_all=is_all)


def _with(sample: Sample, added: list[Excerpt], num_rows: int, known: Known, *, is_all: bool) -> Sample:
    how = "all" if is_all else "spread evenly"
    seen = [f"{num_rows:,} other rows ({how}) were looked through for what these lack"]
    if filled := sorted(name for name in known.empty if any(_holds(excerpt, name) for excerpt in added)):
        seen.append(f"empty in the first rows, but with values further on, and kept: {listed(filled)}")
    return replace(
        sample, excerpts=(*sample.excerpts, *added), seen=tuple(seen), beyond=known.beyond, change=known.change
    )


def say_beyond(draft: Proposal) -> None:
    """Doubt numbers far from all others that the first rows lack, and a clock that changes."""
    nulls = set(draft.settings.get("null", ()))
    for name, beyond in draft.sample.beyond.items():
        column = draft.columns.get(name)
        if column is None or column not in draft.channels or not _is_far(beyond, draft.sample):
            continue
        ends = {value for value in (beyond.low, beyond.high) if not beyond.bounds[0] <= value <= beyond.bounds[1]}
        texts = [exact_number(value) for value in sorted(ends)]
        what = " to ".join(number(value) for value in dict.fromkeys((beyond.low, beyond.high)))
        low, high = map(number, beyond.bounds)
        how_often = counted(beyond.num_rows, "row")
        found = (
            f"{name!r} is {what} in {how_often} further on{beyond.place}, and {low} to {high} in the first rows"
        )
        if all(text in nulls or f"{name}={text}" in nulls for text in texts):
            draft.seen.append(found)
            continue
        draft.doubts.append(
            f"{found}: kept as numbers. If that means missing, say "
            f"null = {toml([f'{name}={text}' for text in texts])}"
        )
    if draft.sample.change is not None:
        usual, other, since = draft.sample.change
        longer = max(usual, other)
        together = f"To keep them together, say max-gap = {toml(format_duration(longer * 3 // 2))}; for"
        draft.doubts.append(
            f"most steps are {format_duration(usual)} in the first rows, and {format_duration(other)} from "
            f"{since} on: rows further apart than max-gap are cut apart. "
            f"{'For' if 'max-gap' in draft.settings else together} one step, say every = "
            f"{toml(format_duration(longer))}"
        )


def _is_far(beyond: Beyond, sample: Sample) -> bool:
    """Whether few numbers lie apart from all others."""
    low, high = beyond.bounds
    distance = max(low - beyond.high, beyond.low - high)
    if any(map(is_made_up, (beyond.low, beyond.high))):
        return True
    return high > low and distance >= 2 * (high - low) and beyond.num_rows <= FEW * sample.num_rows


def _known(sample: Sample) -> Known:
    """What the sample holds, as it is likely to be read."""
    frame, blocks = sample.frame(), sample.places()
    spelling = Spelling(decimal=str(sample.dialect.settings.get("decimal", ".")))
    columns: Mapping[str, Column] = {raw.name: Column(raw, spelling) for raw in frame}
    spellings = dict.fromkeys(columns, spelling)
    times = find_times(columns, blocks["block"])
    if not times:
        return Known(columns, spellings, None)
    draft = Proposal(sample, dict(columns), blocks, times)
    find_spellings(draft)
    names = ("decimal", "thousands", "strip", "scale", "negative")
    settings = {name: draft.settings[name] for name in names if name in draft.settings}
    recipe = sample.recipe(settings)
    spellings = {name: recipe.spelling_of(name) for name in columns}
    return Known(draft.columns, spellings, ClockKnown(times[0], blocks["block"]))


def _holds(excerpt: Excerpt, name: str) -> bool:
    return name in excerpt.raw.frame.columns and excerpt.raw.frame[name].count() > 0


def _around(raw: Raw, rows: NDArray[np.int64]) -> Iterator[Raw]:
    """Runs of rows around some, copied: the piece that they are of is let go."""
    if not len(rows):
        return
    near = np.unique(np.clip(rows[:, None] + np.arange(-AROUND, AROUND + 1), 0, raw.frame.height - 1))
    for run in np.split(near, np.flatnonzero(np.diff(near) > 1) + 1):
        part = raw.frame[int(run[0]) : int(run[-1]) + 1]
        texts = [raw.text(int(row)) for row in run]
        yield Raw(
            frame=pl.DataFrame(part.to_dict(as_series=False), schema=part.schema),
            lines=raw.lines[run],
            text=texts.__getitem__,
            num_rows=len(run),
            start=raw.start,
        )


def _rejects_alone(raw: Raw, rejects: list[Reject]) -> Raw:
    return Raw(
        frame=raw.frame.clear(),
        lines=np.zeros(0, np.int64),
        text=str,
        rejects=rejects,
        num_rows=len(rejects),
        start=raw.start,
    )
