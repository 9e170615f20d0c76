"""What a loader serves."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from longstride.storage.html.table import html_table

__all__ = ["WindowBatch"]


class WindowBatch(NamedTuple):
    """B windows of K rows of N channels."""

    values: Tensor
    """(B, K, N), float as stored, NaN where missing."""
    start: Tensor
    """(B,) int64, row of the store at which each window starts; -1 marks a window that only fills the batch."""
    mask: Tensor | None
    """(B, K, N) bool, True where a value is present and counts; None when all do."""
    target: Tensor | None = None
    """Values to predict, NaN where missing: M target channels in the H rows of the horizon, (B, H, M), or,
    without one, in the rows of the window, (B, K, M). None without a horizon and targets."""
    target_mask: Tensor | None = None
    """The same shape as `target`, True where a value is present and counts; None when all do."""
    store: Tensor | None = None
    """(B,) int64, number of the store that each window comes from; None where there is only one."""

    # The fields below are None unless an option asks for them. In a window that only fills the batch, whole
    # numbers are -1, and others are 0. Of batches made on a device, all fields but `start` and `store` are there.
    future: Tensor | None = None
    """(B, H, F), inputs that are known ahead: F channels in the H rows after each window, NaN where missing."""
    future_mask: Tensor | None = None
    """The same shape as `future`, True where a value is present and counts; None when all do."""
    time: Tensor | None = None
    """int64, nanoseconds since 1970-01-01 UTC: of the first row of each window (B,), or of its rows and those of
    its horizon (B, K + H)."""
    calendar: Tensor | None = None
    """(B, K + H, 2F) float32: where the rows of each window and of its horizon are in F periods, such as the day,
    as sine and cosine of each in turn."""
    series: Tensor | None = None
    """(B,) int64, number of the series of each window in `series_names` of the loader."""
    static: Tensor | None = None
    """(B, S), values of the series of each window, float32, or int64 where all are whole numbers."""
    label: Tensor | None = None
    """Labels of each window, by the rule that was asked for: (B, L), or (B, K, L) of its rows."""
    shift: Tensor | None = None
    """(B, 1, N), where values were normalised: values * scale + shift is what they were."""
    scale: Tensor | None = None
    """(B, 1, N), above 0."""

    length: Tensor | None = None
    """(B,) int64, how many of the K rows each window has; those behind them are as in a window that only fills the
    batch, which has none."""
    restart: Tensor | None = None
    """(B,) bool: True where a window does not follow the one at the same place of the batch before, so that state
    carried over from there has to be reset."""

    def __repr__(self) -> str:
        """Types, shapes and shares of missing values, never the values themselves."""
        fields = [
            f"{name}: {kind} {shape}{share and f', {share} missing'}" for name, kind, shape, share in self._shown()
        ]
        return f"WindowBatch({'; '.join(fields)})"

    def _repr_html_(self) -> str:
        return html_table("WindowBatch", ["field", "type", "shape", "missing"], self._shown())

    def _shown(self) -> Iterator[tuple[str, str, str, str]]:
        shares = {
            "values": self._missing(self.mask),
            "target": self._missing(self.target_mask),
            "future": self._missing(self.future_mask),
        }
        for name, field in self._asdict().items():
            if isinstance(field, Tensor):
                where = f" on {field.device}" * (field.device.type != "cpu")
                kind = str(field.dtype).removeprefix("torch.") + where
                yield name, kind, str(tuple(field.shape)), shares.get(name, "")

    def _missing(self, mask: Tensor | None) -> str:
        """Share of the values that are missing, where a window does not only fill the batch."""
        if mask is None:
            return "0%"
        counted = mask[(self.start >= 0).to(mask.device)]
        return f"{1 - int(counted.sum()) / max(counted.numel(), 1):.2%}"
