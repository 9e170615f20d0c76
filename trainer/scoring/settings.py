"""The options of `longstride.score` and `evaluate`, and their defaults."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from longstride.storage.location import local_path
from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.settings import Device

if TYPE_CHECKING:
    from datetime import date

    from numpy import datetime64

    from longstride.storage.open_data import DataOrPath

__all__ = ["BUFFER", "AlarmOptions", "ScoreOptions", "ScorerOptions", "StrPath"]

Aggregate = Literal["mean", "max", "largest", "log"]
"""How the errors of channels become a score."""
Rule = Literal["quantile", "tail"]
"""How the threshold is set by the scores of normal rows."""
StrPath = str | os.PathLike[str]

BUFFER = 100
"""Rows of both buffers of a labelled span together, at their widest, for VUS-PR."""
LARGEST = 3
EVENT_FILES = (".json", ".csv", ".parquet")
MAX_SMOOTH = 128
"""Half of the rows that are kept together in a calibration."""


@dataclass(frozen=True, kw_only=True)
class AlarmOptions:
    """How errors of a row become its score and an alarm: in a store, as rows come, and in a deployed model."""

    alarms: float = 0.001
    """Share of the normal rows that score above the threshold of the scores: false alarms."""
    threshold: Rule = "quantile"
    """quantile: the score that this share of the normal rows exceeds; tail: by a distribution fitted to their
    highest scores (peaks over threshold), for few normal rows or a very small share."""
    aggregate: Aggregate = "mean"
    """How the errors of channels become a score: their mean, max, the mean of the `largest`, or the mean of their
    log, in which one channel weighs little."""
    largest: int = LARGEST
    """How many channels `--aggregate largest` takes."""

    def __post_init__(self) -> None:
        check(0 < self.alarms < 1, "alarms", self.alarms, "above 0 and below 1")
        at_least(1, largest=self.largest)
        one_of(Rule, threshold=self.threshold)
        one_of(Aggregate, aggregate=self.aggregate)
        is_used = self.largest == LARGEST or self.aggregate == "largest"
        check(is_used, "largest", self.largest, f"{LARGEST}, its default, unless --aggregate is largest")


@dataclass(frozen=True, kw_only=True)
class ScorerOptions(AlarmOptions):
    """The same with what rows before a row have to do with its score."""

    smooth: int = 1
    """Rows whose scores are averaged: a row and those before it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, smooth=self.smooth)
        check(self.smooth <= MAX_SMOOTH, "smooth", self.smooth, f"at most {MAX_SMOOTH}")


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(ScorerOptions):
    """The parameters of `longstride.score` and the flags of its command."""

    run: StrPath | Sequence[StrPath] = field(kw_only=False)
    """Run directory of the model; or several, whose models score together."""
    store: "DataOrPath" = field(kw_only=False)
    """The store whose rows are scored, or its path. Or an array, as `from_array` takes and makes it."""
    out: StrPath = field(kw_only=False)
    """Parquet file to write."""
    rows: tuple[int, int] | None = None
    """First row to score, and the one after the last, such as 2000:3000; by default all rows."""
    since: "str | date | datetime64 | None" = None
    """Score the rows of this time and later ones, such as 2024-03-01T08:30:00Z; without a zone it is UTC."""
    update: bool = False
    """Where there are scores of the same job, made before rows were appended to the store: score the new rows, and
    those that new windows reach, into the same file. Other scores are an error."""
    stride: int | None = None
    """Rows between the starts of windows; by default as in training."""
    batch_size: int = 1024
    """Windows that each process takes at once."""
    raw: bool = False
    """Write the squared error of each channel as well, before it is compared with those of normal rows."""
    events: StrPath | None = None
    """File to write with a line for each event: alarms fewer than a window apart, with its start, end, peak, and
    the channels that carry it. JSON, CSV or Parquet, by its ending."""
    device: Device = "auto"
    """Where to compute."""
    overwrite: bool = False
    """Replace the file where there is one."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code."""

    verify: bool = False
    """Check every chunk of the store against its checksum before scoring."""

    @property
    def runs(self) -> list[StrPath]:
        """The run directories."""
        return [self.run] if isinstance(self.run, str | os.PathLike) else list(self.run)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(len(self.runs) > 0, "run", self.run, "the directory of a run, or several")
        at_least(1, stride=self.stride, batch_size=self.batch_size)
        both = self.update and self.overwrite
        check(not both, "update", "given", "left out with --overwrite, which scores all rows again")
        one_of(Device, device=self.device)
        ending = "" if self.events is None else os.path.splitext(self.events)[1].lower()  # noqa: PTH122
        is_right = self.events is None or ending in EVENT_FILES
        check(is_right, "events", self.events, f"a file that ends with {', '.join(EVENT_FILES)}")
        is_other = self.events is None or _place(self.events) != _place(self.out)
        check(is_other, "events", self.events, "another file than the scores")


def _place(path: StrPath) -> str:
    """Where a path leads, whatever it is called."""
    return os.path.realpath(local_path(path))
