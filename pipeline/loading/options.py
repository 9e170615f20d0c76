"""Every option of a loader: its name, type, default and meaning, checked once here."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.frameworks.ranks import Ranks, ranks_here
from longstride.pipeline.loading.geometry.options import GeometryOptions, Stores, check_option
from longstride.pipeline.loading.geometry.sizes import Geometry
from longstride.pipeline.loading.ordering.order import POOL_ROWS
from longstride.pipeline.loading.ordering.shuffled import BLOCK_ROWS, lanes_for
from longstride.pipeline.loading.splits import Split
from longstride.storage.errors import LongstrideError
from longstride.storage.location import local_path

if TYPE_CHECKING:
    from longstride.pipeline.loading.normalising.normaliser import Normaliser

__all__ = [
    "Augmentation",
    "Balance",
    "DatasetOptions",
    "LoaderOptions",
    "Static",
    "Stores",
    "Transform",
    "check_option",
    "device_of",
]

Static = Mapping[str, Any] | Sequence[Any] | NDArray[Any] | Tensor
"""Values of each series, (S,) or one, by its name; or an array of all of them, (G, S) or (G,)."""

TIMES = ("start", "rows")
CALENDAR = ("day", "week", "year")
LABEL_RULES = ("any", "share", "first", "last", "majority", "rows")

Transform = Callable[[Tensor], Tensor]
"""Rows (R, C) of the served channels on the device to rows of the same shape, of any float type."""

Augmentation = Callable[[WindowBatch, torch.Generator], WindowBatch]
"""A batch, and a generator on its device that is seeded for this step, to a batch with other values or target."""

Balance = str | Sequence[str] | Mapping[str, float] | Sequence[float] | np.ndarray[Any, Any] | Tensor
"""Names of labels, a share for each, or one weight for each row or window."""


@dataclass(frozen=True, kw_only=True)
class DatasetOptions(GeometryOptions):
    """What `WindowDataset` takes."""

    channels: str | Sequence[str] | None = None
    """Channels of `values`, in this order; all of the store by default."""
    targets: str | Sequence[str] | None = None
    """Channels of `target`; by default those of `values` where there is a horizon, and none otherwise."""

    future: str | Sequence[str] = ()
    """Channels of `future`: inputs that are known ahead, such as a forecast, in the H rows after each window."""
    time: str | None = None
    """Give times: "start" of the first row of each window, "rows" of all of its rows and of its horizon."""
    calendar: str | Sequence[str] = ()
    """Give sine and cosine of where each row, also of the horizon, is in the "day", "week" or "year", in UTC."""
    series: bool = False
    """Give the number of the series of each window; `series_names` of the loader has the names."""
    static: "Static | None" = None
    """Values to give for the series of each window: a mapping of names of series to one or S values, or an array
    (G, S) in the order of `series_names`."""
    label: str | None = None
    """Give labels of each window: "any" (whether a row has one that is not 0), "share" (of such rows), "first"
    or "last" (that of this row), "majority" (the most frequent; of equals, the smallest), "rows" (of each row)."""
    label_names: str | Sequence[str] | None = None
    """The labels to give, in this order; all of the store by default."""

    normalise: "str | Normaliser | None" = None
    """Normalise values, target and future: "standard", "robust" or "minmax", by the training rows alone, whatever
    split is served; "window", each window by itself (RevIN); or a `Normaliser`. `shift` and `scale` of a batch
    undo it."""
    augment: Augmentation | Sequence[Augmentation] = ()
    """Functions of (batch, generator) that change values, one after the other, after these were normalised. The
    generator is seeded by seed, epoch, step and rank, so a resumed run repeats what they do."""

    split: "Split | Sequence[Split] | None" = None
    """Take windows from the rows of this split only; of several stores, one split for each."""
    max_missing: float | None = None
    """Leave out windows in which more than this share of the values is missing, 0 to 1."""
    without_labels: str | Sequence[str] = ()
    """Leave out windows in which one of these labels is not 0 in a row, also in one of the gap or the horizon."""
    weights: Sequence[float] | None = None
    """Share of the windows of an epoch for each store; by default every window comes once."""
    windows_per_epoch: int | None = None
    """Windows of an epoch, if not all: the next ones each time, and none again before all others were served."""
    balance: "Balance | None" = None
    """Draw windows by weights. Shares of the windows with a label in a row, {"fault": 0.3}; names of labels, for
    equal shares of each and of the windows without them; or an array of one weight for each window, or for each
    row of all stores: a window then weighs as much as its K rows."""
    replacement: bool = False
    """With balance: draw each window independently, instead of each as often as its weight says, rounded."""

    batch_size: int
    """Windows of a global batch, B: all ranks together."""
    shuffle: bool = True
    """Mix the windows, and leave out the last ones that do not fill a batch; otherwise row order, padded."""
    stateful: bool = False
    """Let each place of a batch continue where it stopped in the batch before, so that state can be carried over;
    `restart` of the batch says where it does not. A window begins where the one before ended: stride=window."""
    seed: int = 0
    """Seed of the order: the same seed gives the same batches."""
    rank: int | None = None
    """Number of this process among `world_size`, from 0 on. By default that of torch's process group, which
    Lightning and Accelerate set up, or of torchrun; without them, one process serves all."""
    world_size: int | None = None
    """Processes that share each batch; given with `rank`, or 1 alone to serve all windows in each process."""
    lanes: int | None = None
    """Parts of the epoch, of equal size; each batch takes the same number of windows from every part. A multiple
    of `world_size` that divides the batch. By default the greatest common divisor of the batch and 48, so that
    most numbers of ranks serve the same batches."""
    pool_rows: int = POOL_ROWS
    """Rows that are mixed at a time, over all lanes; part of the order."""
    block_rows: int = BLOCK_ROWS
    """Rows that stay together until they are mixed in a pool; part of the order."""

    cache_dir: str | os.PathLike[str] | None = None
    """Folder that keeps decoded rows of packed stores, for later epochs and all processes of the machine."""
    cache_bytes: int | None = None
    """Size that the cache of each store may have; by default that of its values."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("channels", "targets", "future", "calendar", "label_names", "without_labels"):
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, (getattr(self, name),))
        if self.cache_dir is not None:
            object.__setattr__(self, "cache_dir", local_path(self.cache_dir))
        check_option(
            self.world_size == 1 or (self.rank is None) == (self.world_size is None),
            f"rank={self.rank} and world_size={self.world_size}: give both, or neither for those of the process",
        )
        batch, (rank, world) = self.batch_size, self.ranks
        check_option(batch >= 1, f"batch_size={batch}: expected at least 1")
        check_option(0 <= rank < world, f"rank={rank} of world_size={world}: expected 0 to {world - 1}")
        check_option(
            batch % world == 0,
            f"a global batch of {batch} windows cannot be shared by {world} ranks: "
            f"take a multiple of {world}, for example {-(-batch // world) * world}",
        )
        lanes = self.resolved_lanes
        check_option(
            not self.stateful or lanes == batch,
            f"lanes={lanes}: with stateful=True every window of a batch is a lane of its own; leave lanes out",
        )
        check_option(
            not self.shuffle or (lanes >= 1 and batch % lanes == 0 and lanes % world == 0),
            f"{lanes} lanes do not fit a batch of {batch} on {world} ranks: give "
            f"lanes={world}, or another multiple of {world} that divides {batch}",
        )
        check_option(
            self.max_missing is None or 0 <= self.max_missing <= 1,
            f"max_missing={self.max_missing}: expected a share from 0 to 1",
        )
        check_option(
            self.shuffle or (self.weights is None and self.windows_per_epoch is None),
            "weights and windows_per_epoch choose windows at random: they need shuffle=True",
        )
        check_option(
            not self.stateful
            or (self.weights is None and self.windows_per_epoch is None and self.balance is None),
            "stateful=True serves every window once, in runs: leave weights, windows_per_epoch and balance out",
        )
        if self.windows:
            given = {
                "stateful": self.stateful,
                "normalise": getattr(self.normalise, "kind", self.normalise),
                "time": self.time,
                "label": self.label,
            }
            of_all = ("window", "start", True, *(rule for rule in LABEL_RULES if rule not in ("last", "rows")))
            for name, value in given.items():
                check_option(
                    not isinstance(value, str | bool) or value not in of_all,
                    f"{name}={value!r} is of whole windows, and a batch has the last rows of those of the longest "
                    f"length of window={list(self.windows)}: give one length, or loaders of one length each",
                )
        check_option(
            self.channels is None or len(self.channels) > 0,
            "channels is empty: name at least one, or leave the option out for all",
        )
        check_option(
            not self.future or bool(self.horizon), "future has inputs of the horizon: say how long with horizon="
        )
        for name, allowed in (("time", TIMES), ("label", LABEL_RULES), ("calendar", CALENDAR)):
            given = getattr(self, name)
            for one in [given] if isinstance(given, str) else given or ():
                check_option(
                    one in allowed, f"{name}={one!r:.80}: expected {', '.join(allowed[:-1])} or {allowed[-1]}"
                )
        check_option(
            self.label_names is None or self.label is not None,
            "label_names chooses labels to give: say how with label=, such as label='any'",
        )
        check_option(
            self.label_names is None or len(self.label_names) > 0,
            "label_names is empty: name at least one, or leave the option out for all",
        )
        check_option(
            self.balance is None or (self.shuffle and self.weights is None),
            "balance draws windows at random, of all stores together: it needs shuffle=True, and no weights",
        )
        check_option(self.balance is not None or not self.replacement, "replacement=True needs balance=")
        check_option(
            self.balance is None or self.windows_per_epoch is None or self.windows_per_epoch >= 1,
            f"windows_per_epoch={self.windows_per_epoch}: expected at least 1",
        )
        shares = self.balance_by_label
        check_option(
            shares is None or (min(shares.values(), default=0) > 0 and sum(shares.values()) < 1 + 1e-9),
            f"balance={self.balance!r:.80}: expected shares above 0, with a sum of at most 1",
        )
        for name in ("pool_rows", "block_rows"):
            check_option(getattr(self, name) >= 1, f"{name}={getattr(self, name)}: expected at least 1")
        check_option(
            self.cache_bytes is None or self.cache_bytes >= 0,
            f"cache_bytes={self.cache_bytes}: expected 0 or more",
        )

    @cached_property
    def ranks(self) -> Ranks:
        """The rank and the number of ranks, as they are given or found when the loader is made."""
        if self.world_size is not None:
            return Ranks(self.rank or 0, self.world_size)
        return ranks_here() or Ranks(0, 1)

    @property
    def resolved_lanes(self) -> int:
        """Lanes L of the order."""
        if self.lanes is not None:
            return self.lanes
        return self.batch_size if self.stateful else lanes_for(self.batch_size, self.ranks.world_size)

    @property
    def balance_by_label(self) -> dict[str, float] | None:
        """Share of the windows with each label, where `balance` is by labels; None otherwise."""
        if isinstance(self.balance, Mapping):
            return {str(name): float(share) for name, share in self.balance.items()}
        names = (self.balance,) if isinstance(self.balance, str) else self.balance
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            return None
        return {name: 1 / (len(set(names)) + 1) for name in names}

    @property
    def tables(self) -> set[str]:
        """What batches depend on besides values and the bounds of segments: labels, time or series."""
        asked = {
            "labels": self.label is not None or self.balance_by_label is not None,
            "time": self.time is not None or len(self.calendar) > 0,
            "series": self.series or self.static is not None,
        }
        return {name for name, is_asked in asked.items() if is_asked}

    def _balance_settings(self) -> dict[str, Any]:
        if self.balance is None:
            return {}
        balance: Any = self.balance_by_label
        if balance is None:
            balance = hashlib.sha256(np.asarray(self.balance, np.float64).tobytes()).hexdigest()
        return {"balance": balance, "replacement": self.replacement}

    def order_settings(
        self, geometry: Geometry, channels: Sequence[str], targets: Sequence[str]
    ) -> dict[str, Any]:
        """Options that the batches depend on, as plain values, where these rows, channels and targets are served.

        The other options choose rows, or which process serves them and how.
        """
        return {
            "channels": list(channels),
            "targets": list(targets),
            # Only what is asked for, so that states of earlier versions can be loaded.
            **({"gap": geometry.gap} if geometry.gap else {}),
            **({"dilation": geometry.dilation} if geometry.dilation > 1 else {}),
            **({"ragged": True} if geometry.ragged else {}),
            **({"future": list(self.future)} if self.future else {}),
            "window": geometry.window,
            "stride": geometry.stride,
            "horizon": geometry.horizon,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            **({"stateful": True} if self.stateful else {}),
            "seed": self.seed,
            "weights": None if self.weights is None else list(self.weights),
            "windows_per_epoch": self.windows_per_epoch,
            "lanes": self.resolved_lanes,
            "pool_rows": self.pool_rows,
            "block_rows": self.block_rows,
            **self._balance_settings(),
        }


@dataclass(frozen=True, kw_only=True)
class LoaderOptions(DatasetOptions):
    """What `WindowLoader` takes."""

    num_workers: int = 0
    """Processes that draw the order and read ahead. They send window starts; batches are gathered in this one. For
    rows that stay in memory it is faster without, and a warning says so."""
    device: torch.device | str | None = None
    """Where batches are made, such as "cuda": the rows of a pool are sent there once, and made into windows there.
    By default they are made in memory."""
    transform: Transform | None = None
    """With a device: a function that is applied there to all rows (R, C) of a pool, before they are made into
    windows, to normalise, fill and cast. It must return the same shape; C are the channels, then the targets that
    are not among them, then those of `future`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_option(self.num_workers >= 0, f"num_workers={self.num_workers}: expected 0 or more")
        check_option(
            self.transform is None or self.device is not None,
            "transform works on a device: name one with device=, such as device='cpu'",
        )
        check_option(
            self.transform is None or self.normalise is None,
            "transform and normalise both change the rows, and their order is not known: call "
            "`normaliser.rows(rows)` of Normaliser.fit(splits.train) in the transform, and leave normalise out",
        )

    def of_dataset(self) -> dict[str, Any]:
        """Those of `WindowDataset`, by name."""
        return {field.name: getattr(self, field.name) for field in fields(DatasetOptions)}


def device_of(name: torch.device | str) -> torch.device:
    """The device of a name. Raises LongstrideError where this machine, or torch, has none of it."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise LongstrideError(f"device={str(name)!r} cannot be used: {reason}", code="device-missing") from error
    return device
