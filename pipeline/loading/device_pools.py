"""Pools on a device: the rows of some steps are sent there once, and windows are made of them there.

At stride 1 a row is in K windows, so sending rows instead of windows sends K times less. While one pool is served,
the next is copied to page-locked memory by a thread and from there by a stream of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.dataset import Steps, WindowDataset
from longstride.pipeline.loading.options import Transform
from longstride.pipeline.loading.serving.arrange import Arranger
from longstride.pipeline.loading.serving.prefetch import Prefetch
from longstride.pipeline.loading.serving.row_reader import RowReader
from longstride.pipeline.loading.serving.row_tables import PoolTables
from longstride.storage.errors import LongstrideError

__all__ = ["DevicePools"]

NUM_STAGES = 2
MAX_INT32 = 2**31 - 1


class _Pool(NamedTuple):
    values: Tensor
    """(R, N) on the device."""
    target: Tensor | None
    """(R, M)."""
    present: Tensor | None
    """(R, C), of all served channels; None when no value is missing."""
    future: Tensor | None
    """(R, F)."""
    tables: dict[str, Tensor]
    """Times and labels (R, W), where they are asked for."""
    series: Tensor | None
    """(steps, B / world_size), number of the series of each window, where it is asked for."""
    starts: Tensor
    """(steps, B / world_size) on the device: row of the pool at which each window starts."""
    rows: NDArray[np.int64]
    """The same, as rows of the collection, or PADDING."""
    is_there: Any
    """Event after which all of it is on the device."""


class DevicePools:
    """Serves the batches of a dataset from pools on a device."""

    def __init__(self, dataset: WindowDataset, device: torch.device, transform: Transform | None) -> None:
        """`transform` is applied to the rows of a pool, once, on the device; or they are normalised there."""
        self._dataset = dataset
        self._collection = dataset.collection
        self._transform = transform
        self._finish: Callable[[WindowBatch], WindowBatch] | None = None
        if (normaliser := dataset.normaliser) is not None:
            of_windows = normaliser.kind == "window"
            self._finish = normaliser.in_place if of_windows else normaliser.noted
            self._transform = transform if of_windows else normaliser.rows
        self._link = _CudaLink(device) if device.type == "cuda" else _Link(device)
        served = self._collection.served
        self._columns = [served.index(name) for name in self._collection.channels]
        self._target_columns = [served.index(name) for name in self._collection.targets]
        self._future_columns = [served.index(name) for name in self._collection.future]
        self._reader = RowReader(self._collection)
        self._arranger = Arranger(self._collection, dataset.index)
        self._extras = dataset.extras
        self._has_missing = self._collection.has_missing
        self.bytes_sent = 0
        """To the device, so far."""

    def serve(self, epoch: int, groups: Iterator[Steps]) -> Iterator[WindowBatch]:
        """The batches of these steps of an epoch."""
        self._link.follow()
        for pool in Prefetch(self._send(epoch, steps) for steps in groups):
            sent = [pool.values, pool.target, pool.present, pool.starts, pool.future, pool.series]
            self._link.wait(pool.is_there, [*sent, *pool.tables.values()])
            for step, (starts, rows) in enumerate(zip(pool.starts, pool.rows, strict=True)):
                batch = self._batch(pool, starts, rows)
                if self._extras is not None:
                    series = None if pool.series is None else pool.series[step]
                    batch = self._extras.of_pool(batch, PoolTables(pool.tables), starts, series)
                yield batch if self._finish is None else self._finish(batch)

    def _send(self, epoch: int, steps: Steps) -> _Pool:
        ranges, local, num_rows = self._dataset.plan_of(epoch, steps)
        assert num_rows <= MAX_INT32
        with self._link.staging((num_rows, len(self._collection.served)), self._reader.dtype) as staged:
            self._reader.read(ranges, staged)
            raw, local_starts = self._link.send(staged), self._link.send(torch.from_numpy(local.astype(np.int32)))
            self.bytes_sent += raw.nbytes + local_starts.nbytes
            present = ~raw.isnan() if self._has_missing else None
            rows = raw if self._transform is None else _checked(self._transform(raw), raw)
            values, target, future = _columns(rows, self._columns), None, None
            if self._target_columns:
                target = _columns(rows, self._target_columns)
            if self._future_columns:
                future = _columns(rows, self._future_columns)
            tables, series = self._send_extras(ranges, steps)
            is_there = self._link.mark()
        return _Pool(values, target, present, future, tables, series, local_starts, steps.starts, is_there)

    def _send_extras(self, ranges: NDArray[np.int64], steps: Steps) -> tuple[dict[str, Tensor], Tensor | None]:
        if self._extras is None:
            return {}, None
        found, series = self._extras.read(ranges).tables, self._extras.series_at(steps.starts)
        tables = {name: self._link.send(table) for name, table in found.items()}
        self.bytes_sent += sum(table.nbytes for table in found.values())
        return tables, None if series is None else self._link.send(torch.from_numpy(series))

    def _batch(self, pool: _Pool, starts: Tensor, rows: NDArray[np.int64]) -> WindowBatch:
        index = self._dataset.index
        ahead = index.ahead
        dilation = index.dilation
        values = _windows(pool.values, index.window, starts, dilation)
        mask = target = target_mask = future = future_mask = None
        if pool.target is not None:
            target = _windows(pool.target, index.horizon or index.window, starts + ahead, dilation)
        if pool.present is not None:
            mask = _windows(_columns(pool.present, self._columns), index.window, starts, dilation)
        if pool.present is not None and target is not None:
            present = _columns(pool.present, self._target_columns)
            target_mask = _windows(present, target.shape[1], starts + ahead, dilation)
        if pool.future is not None:
            future = _windows(pool.future, index.horizon, starts + ahead, dilation)
        if pool.present is not None and future is not None:
            present = _columns(pool.present, self._future_columns)
            future_mask = _windows(present, index.horizon, starts + ahead, dilation)
        places = self._arranger.places(rows, by_store=False)
        return self._arranger.batch(places, values, mask, target, target_mask, future, future_mask)


def _checked(made: Any, rows: Tensor) -> Tensor:
    """What a transform made of rows, contiguous. Raises LongstrideError where windows of it would be of others."""
    if isinstance(made, Tensor) and made.shape == rows.shape and made.device == rows.device:
        return made.contiguous()
    found = f"{tuple(made.shape)} on {made.device}" if isinstance(made, Tensor) else f"a {type(made).__name__}"
    raise LongstrideError(
        f"transform made {found} of rows {tuple(rows.shape)} on {rows.device}: expected one of the same shape "
        "there",
        code="transform-result",
    )


def _columns(rows: Tensor, columns: list[int]) -> Tensor:
    return rows if columns == list(range(rows.shape[1])) else rows[:, columns]


def _windows(rows: Tensor, window: int, starts: Tensor, dilation: int) -> Tensor:
    """Windows (B, K, N) of every `dilation`-th of contiguous rows (R, N)."""
    num_rows, num_channels = rows.shape
    shape = (num_rows - (window - 1) * dilation, window, num_channels)
    view = rows.as_strided(shape, (num_channels, dilation * num_channels, 1))
    if rows.dtype == torch.bool:  # bytes are copied much faster
        return view.view(torch.uint8).index_select(0, starts).view(torch.bool)
    return view.index_select(0, starts)


class _Link:
    """The way to a device that shares the host's memory: this processor."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def follow(self) -> None:
        """Let what is done there come after what this thread has asked of the device: a transform may need it."""

    @contextmanager
    def staging(self, shape: tuple[int, int], dtype: torch.dtype) -> Iterator[Tensor]:
        """Memory of the host to fill with rows, and then to send."""
        yield torch.empty(shape, dtype=dtype)

    def send(self, staged: Tensor) -> Tensor:
        """The same on the device."""
        return staged.to(self.device)

    def mark(self) -> Any:
        """What `wait` is to wait for."""
        return None

    def wait(self, mark: Any, tensors: list[Tensor | None]) -> None:
        """Let what follows in this thread see what was sent before the mark."""


class _CudaLink(_Link):
    """The way to a GPU: page-locked memory, and another stream than the one that computes."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._stages: list[tuple[Tensor, Any]] = []

    def follow(self) -> None:
        """See _Link."""
        self._stream.wait_stream(torch.cuda.current_stream(self.device))

    @contextmanager
    def staging(self, shape: tuple[int, int], dtype: torch.dtype) -> Iterator[Tensor]:
        """See _Link; at most two are in use, and one is filled again when it has been sent."""
        memory = torch.empty(0, dtype=dtype)
        if len(self._stages) == NUM_STAGES:
            memory, sent = self._stages.pop(0)
            sent.synchronize()
        size = shape[0] * shape[1]
        if memory.numel() < size:
            memory = torch.empty(size, dtype=dtype, pin_memory=True)
        with torch.cuda.stream(self._stream):
            yield memory[:size].view(shape)
            self._stages.append((memory, self.mark()))

    def send(self, staged: Tensor) -> Tensor:
        """See _Link."""
        return (staged if staged.is_pinned() else staged.pin_memory()).to(self.device, non_blocking=True)

    def mark(self) -> Any:
        """See _Link."""
        return self._stream.record_event()

    def wait(self, mark: Any, tensors: list[Tensor | None]) -> None:
        """See _Link. The memory is not given to others before this thread's stream is done with it."""
        stream = torch.cuda.current_stream(self.device)
        stream.wait_event(mark)
        for tensor in tensors:
            if tensor is not None:
                tensor.record_stream(stream)
