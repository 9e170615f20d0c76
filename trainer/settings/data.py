"""Which windows are served, and in which batches."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from longstride.storage.location import local_path
from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings.stores import check_weights, kept_names

if TYPE_CHECKING:
    from longstride.storage.open_data import Arraylike
    from longstride.storage.series.data import SeriesData

__all__ = ["DataSettings"]

StrPath = str | os.PathLike[str]
SplitBy = Literal["time", "within-series", "by-series"]


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which windows are served, and in which batches."""

    store: "SeriesData | Arraylike | StrPath | Sequence[SeriesData | Arraylike | StrPath]" = field(kw_only=False)
    """The store, its path, or the URL of a packed one; kept as an absolute path, or as the URL. Or an array, as
    `from_array` takes and makes it; of one in memory, only what it is called is kept. Or a list of several, with
    the same channels, for one model of all."""
    window: int = 64
    """Rows of a window, K."""
    stride: int = 16
    """Rows between the starts of windows."""
    horizon: int = 0
    """Rows after each window that are forecast, H."""
    channels: Sequence[str] = ()
    """Channels that the model sees; all of the store by default."""
    max_missing: float | None = None
    """Leave out windows in which more than this share of the values is missing, in training and validation."""
    batch_size: int = 256
    """Windows of a step, over all processes."""
    split: SplitBy = "time"
    """How rows are held out. time: all series are cut at the same two times; within-series: each series by itself,
    for series recorded at different times; by-series: whole series, chosen by their names."""
    train_share: float = 0.8
    """Share of the rows to train on, from the start; of each series, or of all series, as `split` says."""
    validation_share: float = 0.1
    """Share of the rows after them to validate on; the rest is left for a test."""
    train_rows: int | None = None
    """Number of rows of each series to train on, such as its first 400, instead of a share; for `--split
    within-series`."""
    validation_rows: int | None = None
    """Number of rows of each series after them to validate on, instead of a share."""
    series: str | None = None
    """The only series to train on, by its name; by default all."""
    normal_only: bool = False
    """Leave out windows in which a row has a label, in training and validation."""
    weights: Sequence[float] | None = None
    """Share of the training windows of an epoch for each of several stores, such as 2,1; by default every window
    comes once."""
    cache_dir: StrPath | None = None
    """Folder that keeps decoded rows of a packed store, for later epochs and all processes of the machine."""

    def __post_init__(self) -> None:
        names = kept_names(self.store)
        object.__setattr__(self, "store", names)
        if self.weights is not None:
            object.__setattr__(self, "weights", tuple(map(float, self.weights)))
        check_weights(self.weights, names, self.series)
        if self.cache_dir is not None:
            object.__setattr__(self, "cache_dir", str(local_path(self.cache_dir)))
        at_least(1, window=self.window, stride=self.stride, batch_size=self.batch_size)
        at_least(0, horizon=self.horizon)
        object.__setattr__(self, "channels", tuple(self.channels))
        is_once = len(set(self.channels)) == len(self.channels)
        check(is_once, "channels", ", ".join(self.channels), "given once each")
        is_share = self.max_missing is None or 0 <= self.max_missing <= 1
        check(is_share, "max_missing", self.max_missing, "a share from 0 to 1")
        one_of(SplitBy, split=self.split)
        at_least(1, train_rows=self.train_rows, validation_rows=self.validation_rows)
        is_whole = self.series is None or self.split != "by-series"
        check(is_whole, "split", self.split, "time or within-series where a model has one series alone")
        if self.split != "within-series" and self.series is None:
            for name in ("train_rows", "validation_rows"):
                given = getattr(self, name)
                check(given is None, name, given, "left out, or given with --split within-series or --per-series")
        check(0 < self.train_share <= 1, "train_share", self.train_share, "above 0 and at most 1")
        check(0 <= self.validation_share < 1, "validation_share", self.validation_share, "0 or more, below 1")
        if self.train_share + self.validation_share > 1 + 1e-9:
            raise SettingsError(
                f"--train-share {self.train_share} and --validation-share {self.validation_share} have a sum of "
                "more than 1: lower one of them",
                code="option-value",
            )

    @property
    def stores(self) -> tuple[str, ...]:
        """What is kept of each of the stores."""
        kept: Any = self.store
        return (kept,) if isinstance(kept, str) else tuple(kept)

    @property
    def span(self) -> int:
        """Rows of a window and of its horizon."""
        return self.window + self.horizon
