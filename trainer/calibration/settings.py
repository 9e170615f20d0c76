"""The options of `longstride.calibrate`, and their defaults."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from longstride.trainer.checks import at_least, one_of
from longstride.trainer.settings import Device

if TYPE_CHECKING:
    from longstride.storage.open_data import DataOrPath

__all__ = ["CalibrateOptions", "Chosen"]

StrPath = str | os.PathLike[str]
Chosen = Literal["validation", "training", "all"]


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """The parameters of `longstride.calibrate` and the flags of its command."""

    run: StrPath = field(kw_only=False)
    """Run directory of the model."""
    store: "DataOrPath | Sequence[DataOrPath]" = field(kw_only=False)
    """The store with normal rows, or its path. Or an array, as `from_array` takes and makes it. Or a list of
    several: of a model of several stores, all of them."""
    split: Chosen = "validation"
    """Which rows are taken as normal, in windows without a label. validation: those that the shares of the run
    hold out of this store; training: those that it would train on, whose errors are too small; all: every row, for
    a store that the model was not trained on."""
    batch_size: int = 1024
    """Windows at once."""
    device: Device = "auto"
    """Where to compute."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code."""

    verify: bool = False
    """Check every chunk of the store against its checksum first."""

    def __post_init__(self) -> None:
        at_least(1, batch_size=self.batch_size)
        one_of(Chosen, split=self.split)
        one_of(Device, device=self.device)
