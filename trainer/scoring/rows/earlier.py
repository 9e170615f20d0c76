"""Scores of fewer rows of the same store: which of them still hold, and which rows are to be scored.

An append adds rows behind those that are there. Rows near the end were covered by fewer windows, and by a last
window of their own; where their segment continues, they are scored again.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import zip_longest
from typing import Any

import google_crc32c
import numpy as np

from longstride.pipeline.loading.splitting.instants import instant_ns
from longstride.storage.series.data import SeriesData
from longstride.storage.store import SeriesStore
from longstride.storage.text import iso_time, named
from longstride.trainer.scoring.settings import ScoreOptions

__all__ = ["Facts", "differences", "digest", "facts_of", "first_changed"]

LAST_SEGMENTS = 8
"""Segments that are kept one by one, at the end; an append changes the last, and hardly ever one before it."""
OPTIONS = ("alarms", "threshold", "aggregate", "largest", "smooth", "raw", "rows", "since")


@dataclass(frozen=True)
class Facts:
    """What scores depend on. All is kept with them, as JSON."""

    made_by: dict[str, Any]
    """The model, its calibration and the options, by names for people."""
    store: dict[str, Any]
    """The rows of the store."""


def facts_of(store: SeriesData, judged_by: Mapping[str, Any], options: ScoreOptions) -> Facts:
    """What scores of all rows of a store depend on, but for the rounding of their last digit.

    `judged_by` are the models, by names for people.
    """
    given = {name: getattr(options, name) for name in OPTIONS}
    if options.since is not None:
        given["since"] = iso_time(instant_ns("since", options.since))
    made_by = {
        **judged_by,
        "version of longstride": version("longstride"),
        **{
            name: value if isinstance(value, int | float | bool | None) else str(value)
            for name, value in given.items()
        },
    }
    segments = _segments(store)
    before = segments[:-LAST_SEGMENTS]
    rows = {
        "rows": store.num_rows,
        "chunk_rows": store.chunk_rows,
        "content": _content(store, store.num_rows, store.chunk_rows),
        "series": len(store.series),
        "segments": len(segments),
        "segments_before": digest(json.dumps(before)),
        "last_segments": segments[-LAST_SEGMENTS:],
    }
    return Facts(json.loads(json.dumps(made_by)), rows)


def differences(there: dict[str, Any], now: Facts) -> list[str]:
    """In what scores that are there, as `Facts.made_by` says, were made in another way; nothing if in the same."""
    found = []
    for name, value in now.made_by.items():
        before = there.get(name)
        if isinstance(value, dict):
            found += _of_each_series(name, before if isinstance(before, dict) else {}, value)
        elif before != value:
            is_digest = isinstance(value, str) and len(value) == 64
            found.append(f"another {name}" if is_digest else f"{name} {_shown(before)}, now {_shown(value)}")
    return found


def _of_each_series(name: str, there: dict[str, Any], now: dict[str, Any]) -> list[str]:
    kinds = {
        f"another {name} of": [one for one in now if one in there and there[one] != now[one]],
        f"no {name} of": [one for one in now if one not in there],
        f"a {name}, which is not there now, of": [one for one in there if one not in now],
    }
    return [f"{kind} {named(series)}" for kind, series in kinds.items() if series]


def first_changed(there: dict[str, Any], store: SeriesData, window: int) -> int | None:
    """The first row whose score may differ from the one there, where `there` says which rows have been scored.

    None where the store does not begin with those rows. Raises KeyError, TypeError or ValueError for what is not
    as it was written.
    """
    number, last = int(there["rows"]), [(int(one[0]), int(one[1]), str(one[2])) for one in there["last_segments"]]
    if not 0 < number <= store.num_rows or int(there["chunk_rows"]) < 1:
        return None
    if there["content"] != _content(store, number, int(there["chunk_rows"])):
        return None
    segments = _segments(store)
    if (int(there["series"]) == 1) != (len(store.series) == 1) and segments and segments[0][0] > 0:
        return 0  # rows before the first segment are of the one series, or of none
    before = int(there["segments"]) - len(last)
    if there["segments_before"] != digest(json.dumps(segments[:before])):
        return None
    reached = segments[before - 1][1] if before else 0  # rows up to here lie in segments that are as they were
    for old, new in zip_longest(last, map(tuple, segments[before : before + len(last)])):
        if old == new:
            reached = old[1]
            continue
        if new is None or (old[0], old[2]) != (new[0], new[2]):
            return reached
        # A last window of its own covered these rows, or does now.
        return int(max(old[0], min(old[1], new[1]) - window))
    return reached


def _content(store: SeriesData, number: int, chunk_rows: int) -> str:
    """A digest of values and times of the first rows, by the checksums of their chunks."""
    found = [repr((store.channels, str(store.dtype), chunk_rows, number))]
    whole = number // chunk_rows
    for array in ("values", "time"):
        known: list[int] = []
        if isinstance(store, SeriesStore) and store.chunk_rows == chunk_rows:
            known = store.attributes["checksums_crc32c"][array][:whole]
        rows = store.checked(array)
        for chunk in range(len(known), -(-number // chunk_rows)):
            part = np.asarray(rows[chunk * chunk_rows : min((chunk + 1) * chunk_rows, number)])
            known.append(google_crc32c.value(np.ascontiguousarray(part).tobytes()))
        found.append(repr(known))
    return digest("\n".join(found))


def _segments(store: SeriesData) -> list[list[Any]]:
    """Start, stop and series of each."""
    segments = store.segments
    names = [store.series[number] for number in segments.series.tolist()]
    return [list(one) for one in zip(segments.start.tolist(), segments.stop.tolist(), names, strict=True)]


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(value: Any) -> str:
    return "all" if value is None else str(value)
