"""The options of `longstride.Detector`, and their defaults."""

from dataclasses import dataclass, field

from longstride.storage.duration import read_duration
from longstride.trainer.checks import at_least, check, one_of
from longstride.trainer.scoring.settings import ScorerOptions, StrPath
from longstride.trainer.settings import Device

__all__ = ["DetectorOptions"]


@dataclass(frozen=True, kw_only=True)
class DetectorOptions(ScorerOptions):
    """The parameters of `longstride.Detector` and flags of `longstride watch`."""

    run: StrPath = field(kw_only=False)
    """Run directory of the model."""
    stride: int | None = None
    """Rows between the starts of windows by which normal rows set the threshold: that of `longstride score
    --stride`, whose scores these then equal. By default as in training."""
    every: int = 1
    """Score one row in so many, counted in each segment from the first full window on; the others have no score.
    The model then has less to do."""
    max_gap: str | None = None
    """A longer step in time begins a new segment, such as 90s. By default as in the store of the calibration, and
    1.5 usual steps where its recipe does not say."""
    max_series: int = 10_000
    """Series that are remembered; rows of one more are refused."""
    batch_size: int = 128
    """Rows that are scored at once."""
    device: Device = "auto"
    """Where to compute."""

    trust: bool = False
    """Import the model if the run names it by an import path (package.module:function), which runs its code."""

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, stride=self.stride, every=self.every, max_series=self.max_series, batch_size=self.batch_size)
        one_of(Device, device=self.device)
        is_length = self.max_gap is None or ((found := read_duration(self.max_gap)) is not None and found >= 1)
        check(is_length, "max_gap", self.max_gap, "a duration such as 90s, above 0")

    @property
    def max_gap_ns(self) -> int | None:
        """`max_gap` in nanoseconds."""
        found = None if self.max_gap is None else read_duration(self.max_gap)
        return None if found is None else min(int(found), 2**63 - 1)
