"""The options of `longstride.score` and `evaluate`, and their defaults."""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from longstride.trainer.settings import Device, at_least, check, one_of

if TYPE_CHECKING:
    from longstride.storage.open_data import DataOrPath

__all__ = ["BUFFER", "ScoreOptions"]

StrPath = str | os.PathLike[str]

BUFFER = 100
"""Rows of both buffers of a labelled span together, at their widest, for VUS-PR."""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """The parameters of `longstride.score` and the flags of its command."""

    run: StrPath = field(kw_only=False)
    """Run directory of the model."""
    store: "DataOrPath" = field(kw_only=False)
    """The store whose rows are scored, or its path. Or an array, as `from_array` takes and makes it."""
    out: StrPath = field(kw_only=False)
    """Parquet file to write."""
    normal: "DataOrPath | None" = None
    """The store that the model was trained on; needed only if its path has changed. The array, if the model was
    trained on an array and another one is scored."""
    stride: int | None = None
    """Rows between the starts of windows; by default as in training."""
    batch_size: int = 1024
    """Windows that each process takes at once."""
    alarms: float = 0.001
    """Share of the normal rows that score above the threshold of the scores: false alarms."""
    device: Device = "auto"
    """Where to compute."""
    overwrite: bool = False
    """Replace the file where there is one."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code; and
    read the store of the run at a URL that only the run names, with your credentials."""

    verify: bool = False
    """Check every chunk of both stores against its checksum before scoring."""

    def __post_init__(self) -> None:
        at_least(1, stride=self.stride, batch_size=self.batch_size)
        check(0 < self.alarms < 1, "alarms", self.alarms, "above 0 and below 1")
        one_of(Device, device=self.device)
