"""Files that each hold one sensor, or one machine, and say so in their names alone."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import polars as pl

from longstride.pipeline.ingest.columns import listed
from longstride.pipeline.ingest.setting import toml
from longstride.pipeline.profile.column import MOST, steps
from longstride.pipeline.profile.layout.file_names import GROUP, namings
from longstride.pipeline.profile.layout.long_log import COMMON_GRID
from longstride.pipeline.profile.layout.quantities import are_far
from longstride.pipeline.profile.proposal import Proposal
from longstride.pipeline.profile.words.quantity_names import are_quantities
from longstride.pipeline.profile.words.time_names import plain

__all__ = ["FileLayout", "find_file_layout"]

FEWEST = 3
"""Rows by which a file is judged."""
ANY_VALUE = {
    "value",
    "values",
    "val",
    "v",
    "y",
    "data",
    "reading",
    "wert",
    "messwert",
    "valeur",
    "valor",
    "tagvalue",
}
"""Names that do not say what is measured."""


class FileLayout(NamedTuple):
    """What names of files say."""

    setting: str
    pattern: str
    column: str
    """The group of the pattern."""
    doubt: str


def find_file_layout(draft: Proposal, files: Sequence[str]) -> FileLayout | str | None:
    """How the names of `files` tell whose rows they hold; a doubt where they should and do not; None otherwise."""
    together = _together(draft)
    if not together:
        return None
    for pattern, keys in namings(files):
        if all(keys[one] != keys[other] for one, other in together):
            return _layout(draft, pattern, keys)
    one, other = together[0]
    return (
        f"rows of {one} and {other} have the same columns and the same times, with other values: if these are two "
        "sensors, name the files after them, and say prefix-from; if two machines, series-from"
    )


def _together(draft: Proposal) -> list[tuple[str, str]]:
    """Pairs of files of the same columns and times, whose rows are not the same."""
    if any(_is_of_files(draft, column.texts) for column in draft.free if not column.is_number):
        return []
    rows = draft.rows.with_columns(column.numbers for column in draft.channels).drop_nulls("time")
    within = steps(rows["time"], rows["block"])
    if int((within > 0).sum()) < MOST * len(within):
        return []  # a file holds several itself
    found: list[tuple[str, str]] = []
    # Of other files, only a few rows are there, at which something was new.
    rows = rows.filter(pl.col("file").is_in(draft.sample.names))
    by_file = dict(rows.partition_by("file", as_dict=True, maintain_order=True))
    for (one, ours), (other, theirs) in combinations(by_file.items(), 2):
        if ours["group"][0] == theirs["group"][0] and _overlap(ours["time"], theirs["time"]) > 0.5:
            values = [column.name for column in draft.channels]
            both = ours.join(theirs, on="time", suffix=" of other", maintain_order="left")
            same = [(both[name].eq_missing(both[f"{name} of other"])) for name in values]
            num_same = int(pl.DataFrame(same).select(pl.all_horizontal(pl.all()).sum()).item()) if len(both) else 0
            if not len(both) or num_same <= len(both) / 2:
                found.append((str(one[0]), str(other[0])))
    return found


def _overlap(ours: pl.Series, theirs: pl.Series) -> float:
    """The time that two files share, as a part of the shorter one."""
    if min(len(ours), len(theirs)) < FEWEST:
        return 0.0
    (begin, end), (first, last) = ((float(one.min()), float(one.max())) for one in (ours, theirs))  # type: ignore[arg-type]
    return (min(end, last) - max(begin, first)) / max(1.0, min(end - begin, last - first))


def _is_of_files(draft: Proposal, texts: pl.Series) -> bool:
    """Whether each file holds one text of its own."""
    rows = pl.DataFrame({"file": draft.rows["file"], "text": texts})
    each = rows.group_by("file").agg(pl.col("text").n_unique(), pl.col("text").first().alias("first"))
    return bool((each["text"] == 1).all()) and each["first"].n_unique() > 1 and not each["first"].null_count()


def _layout(draft: Proposal, pattern: str, keys: object) -> FileLayout:
    assert isinstance(keys, dict)
    named = draft.rows["file"].replace_strict(keys, return_dtype=pl.String)
    values = [column for column in draft.channels if column.numbers.n_unique() > 1]
    different = list(dict.fromkeys(keys.values()))
    are_sensors = (
        any(are_far(column.numbers, named) for column in values)
        or are_quantities(different)
        or (len(values) == 1 and plain(values[0].name) in ANY_VALUE)
    )
    column = "series_of_file" if "series" in draft.columns else "series"
    prefix_from, series_from = (pattern.replace(GROUP, name) for name in ("prefix", column))
    shown = listed(different[:3]) + (" and others" if len(different) > 3 else "")
    names = listed([column.name for column in values[:4]])
    if are_sensors:
        doubt = (
            f"prefix-from: files have the same columns ({names}) and the same times, so each ({shown}) is taken "
            f"for a sensor, with channels of its own, as {different[0]}/{values[0].name}. "
            f"If each is a machine, say series-from = {toml(series_from)} instead. {COMMON_GRID}"
        )
        return FileLayout("prefix-from", prefix_from, "prefix", doubt)
    doubt = (
        f"series-from: files have the same columns ({names}) and the same times, so each ({shown}) is taken for a "
        f"machine, a series of its own. If they are sensors of one machine, say prefix-from = {toml(prefix_from)} "
        "instead: a channel for each column of each"
    )
    return FileLayout("series-from", series_from, column, doubt)
