"""The options that say which rows a window has, and where it may begin."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from longstride.pipeline.loading.geometry.clock import Clock, Every, clock_of
from longstride.pipeline.loading.geometry.lengths import (
    Length,
    check_dilation,
    checked_length,
    checked_lengths,
)
from longstride.storage.errors import LongstrideError
from longstride.storage.open_data import DataOrPath

__all__ = ["GeometryOptions", "Stores", "check_option"]

Stores = DataOrPath | Sequence[DataOrPath]


@dataclass(frozen=True, kw_only=True)
class GeometryOptions:
    """Where windows are taken from, and which rows they have."""

    store: "Stores" = field(kw_only=False)
    """One store or several, opened or as paths and URLs; or arrays, as `from_array` takes them."""

    window: "Length | Sequence[Length]"
    """Rows of a window, K; or, as of the next three, a duration such as "10min". Of several, such as (64, 256),
    each batch has one, drawn by seed, epoch and step: the last so many rows of windows of the longest."""
    stride: "Length" = 1
    """Rows between the starts of windows."""
    horizon: "Length" = 0
    """Rows after each window that are to be predicted, H."""
    gap: "Length" = 0
    """Rows between each window and its horizon, which are in neither."""
    dilation: int = 1
    """Take every so many-th row: of the window, the gap and the horizon alike."""
    max_jitter: float = 0.01
    """With durations: refuse rows whose distance in time differs from the usual step by more than this share."""
    ragged: bool = False
    """Serve the rows at the end of a segment that no window reaches, and segments shorter than a window, too: as
    windows that are filled up with zeros. `length` of the batch says how many rows each has."""
    at: str | Sequence[str] = ()
    """Start windows at times of day alone, such as "08:00": at the first row then, or less than a step later."""
    every: "Every | None" = None
    """Start windows so often alone, counted from `at` or from midnight: "1d", or a part of it, such as "1h"."""
    timezone: str = "UTC"
    """Time zone of the clock that `at` and `every` mean, such as "Europe/Berlin"."""

    def __post_init__(self) -> None:
        if isinstance(self.at, str):
            object.__setattr__(self, "at", (self.at,))
        if isinstance(self.window, list | tuple):
            several = checked_lengths(self.window)
            object.__setattr__(self, "window", several if len(several) > 1 else several[0])
        for name, length in self.lengths.items():
            if name != "window" or not self.windows:
                object.__setattr__(self, name, checked_length(name, length))
        check_dilation(self.dilation)
        check_option(self.max_jitter >= 0, f"max_jitter={self.max_jitter}: expected a share from 0 on")
        check_option(
            not self.ragged or not self.horizon,
            "ragged=True serves the last rows of segments, and no horizon follows them: leave one of both out",
        )
        check_option(
            not (self.ragged and self.windows),
            "ragged=True serves windows of one length: give one window, or no ragged",
        )
        check_option(not self.gap or bool(self.horizon), "gap is before the horizon: say how long with horizon=")
        if self.clock is None:
            check_option(self.timezone == "UTC", "timezone is that of at= and every=: give one of them")
        else:
            check_option(
                self.stride == 1, f"stride={self.stride}: windows start at {self.clock.shown}; leave stride out"
            )

    @cached_property
    def clock(self) -> "Clock | None":
        """What says where windows may start, if anything does."""
        asked = bool(self.at) or self.every is not None
        return clock_of(tuple(self.at), self.every, self.timezone) if asked else None

    @property
    def windows(self) -> "tuple[Length, ...]":
        """Several lengths of windows, the longest last; none where there is one."""
        return self.window if isinstance(self.window, tuple) else ()

    @property
    def lengths(self) -> "dict[str, Length]":
        """Those options that are rows or durations, by name; of several windows, the longest."""
        window: Any = self.windows[-1] if self.windows else self.window
        return {"window": window, "stride": self.stride, "horizon": self.horizon, "gap": self.gap}


def check_option(is_right: bool, message: str) -> None:
    """Raise LongstrideError with this message unless it is right."""
    if not is_right:
        raise LongstrideError(message, code="option-value")
