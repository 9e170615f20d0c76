"""The loader that a training loop iterates."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader

from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.dataset import WindowDataset
from longstride.pipeline.loading.describe import as_html, as_text
from longstride.pipeline.loading.device_pools import DevicePools
from longstride.pipeline.loading.frameworks.dataloader_options import also_dataloader_options
from longstride.pipeline.loading.frameworks.trainer_epoch import TrainerEpoch
from longstride.pipeline.loading.normalising.normaliser import Normaliser
from longstride.pipeline.loading.options import LoaderOptions, Transform, device_of
from longstride.pipeline.loading.state import LoaderState, Position
from longstride.pipeline.loading.workers import START_METHOD, StartsFromWorkers, warn_of_workers
from longstride.storage.cli.keywords import keywords_of

__all__ = ["WindowLoader"]


class WindowLoader(DataLoader[WindowBatch]):
    """Batches (B, K, N) of the windows of a store: a torch `DataLoader` of `WindowBatch`es.

        import longstride

        loader = longstride.WindowLoader("plant.zarr", window=64, stride=4, batch_size=128)
        for epoch in range(10):
            for batch in loader:
                batch.values  # (128, 64, N), NaN where a value is missing
                batch.mask  # the same shape, True where a value is present; None where all are
                batch.start  # (128,) rows of the store at which the windows start

    Each iteration serves the next epoch, unless `set_epoch` chooses another. `__init__` explains the options:

    - which rows a window has: window, stride, horizon, gap, dilation, max_jitter, ragged
    - when it starts: at, every, timezone
    - what it has of them: channels, targets
    - what else a batch holds: future, time, calendar, series, static, label, label_names
    - how values are changed: normalise, augment
    - which rows: split, max_missing, without_labels, weights, windows_per_epoch, balance, replacement
    - in which order: batch_size, shuffle, stateful, seed, rank, world_size, lanes, pool_rows, block_rows
    - how rows are read: cache_dir, cache_bytes, num_workers, device, transform

    A batch is gathered once, in the process that uses it, by one `index_select` from the mapped store into a
    buffer. A buffer is not used again while the batch, or any view of it, is still referred to.
    """

    dataset: WindowDataset

    # Accelerate would deal batches out to processes once more; so it takes the loader, and its state, as they are.
    _is_accelerate_prepared = True
    use_stateful_dataloader = True

    @also_dataloader_options
    @keywords_of(LoaderOptions)
    def __init__(self, options: LoaderOptions) -> None:
        """Serve windows of one store or several; each is an opened store, a path or a URL.

        Raises LongstrideError for options that do not fit each other or the stores, and where no window (no batch,
        if shuffled) fits the rows.
        """
        device = None if options.device is None else device_of(options.device)
        dataset = WindowDataset(**options.of_dataset())
        if options.num_workers and device is None and dataset.collection.is_at_hand:
            warn_of_workers(stacklevel=4)  # where the loader is made: past the two decorators
        self._begin(dataset, options.num_workers, device, options.transform)

    def _begin(
        self,
        dataset: WindowDataset,
        num_workers: int,
        device: torch.device | None,
        transform: Transform | None,
        repeats: int | None = None,
    ) -> None:
        super().__init__(
            dataset,
            batch_size=None,
            num_workers=num_workers,
            multiprocessing_context=START_METHOD if num_workers else None,
        )
        self.store = dataset.collection.stores
        """The stores and arrays that are served, opened."""
        self.device, self.transform = device, transform
        self.pools: DevicePools | None = None
        """What makes windows on the device, if one is named."""
        self._workers: StartsFromWorkers | None = None
        self._repeats = repeats
        """The epoch that every iteration serves; None for the next one each time."""
        self._next = repeats or 0, 0
        """Epoch and step that the next iteration begins with."""
        self._is_new = True
        """Whether nothing was served, loaded or chosen yet."""
        self._trainer = TrainerEpoch()
        vars(self)["sampler"] = self._trainer  # torch refuses to have it set
        self._position = Position(*self._next)
        self._prepare()

    def _made_again(self, dataset: WindowDataset, num_workers: int, device: Any, transform: Any) -> None:
        """Be a loader of the same windows, as Lightning makes one for `predict` and for `overfit_batches`.

        Both begin at a first batch, and the second needs the same batches in every epoch.
        """
        self._begin(dataset, num_workers, device, transform, repeats=dataset.begin[0])

    def _prepare(self) -> None:
        """Make what belongs to this process and its rank, unless it is there."""
        if self.device is not None and self.pools is None:
            self.pools = DevicePools(self.dataset, self.device, self.transform)
        if self.num_workers and (self._workers is None or not self._workers.are_for(self.dataset)):
            self._workers = StartsFromWorkers(self.dataset, self.num_workers, instead_of=self._workers)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "pools": None, "_workers": None}

    def __repr__(self) -> str:
        return as_text("WindowLoader", self.dataset.facts)

    def _repr_html_(self) -> str:
        return as_html("WindowLoader", self.dataset.facts)

    @property
    def num_windows(self) -> int:
        """Number of windows, W."""
        return len(self.dataset.index)

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of what `series` numbers: the series of the first store, then those of the second, and so on."""
        return self.dataset.series_names

    @property
    def label_names(self) -> tuple[str, ...]:
        """L names, in the order of `label`; empty where it is not asked for."""
        return self.dataset.label_names

    @property
    def normaliser(self) -> Normaliser | None:
        """What normalises the batches, to undo it, or to save it with a model; None where it is not asked for."""
        return self.dataset.normaliser

    @property
    def num_skipped(self) -> int:
        """Windows left out for missing values or labels."""
        return self.dataset.num_skipped

    @property
    def num_dropped(self) -> int:
        """Windows that a shuffled epoch leaves out: fewer than one global batch."""
        return self.dataset.order.num_dropped

    @property
    def fingerprint(self) -> str:
        """Hash of everything that the batches depend on, except epoch and step."""
        return hashlib.sha256(json.dumps(self.dataset.settings).encode()).hexdigest()

    def set_epoch(self, epoch: int, step: int | None = None) -> None:
        """Let the next iteration serve `epoch` from `step` on: by default from its beginning.

        If the state that was loaded lies in the middle of this epoch, the iteration resumes there. Raises
        LongstrideError for a step outside the epoch.
        """
        if step is None:
            step = self._next[1] if epoch == self._next[0] else 0
        self.dataset.set_epoch(epoch, step)
        self._is_new = False
        self._next = epoch, step
        self._position = Position(epoch, step)

    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: plain values of constant size. Batches that were handed out count as consumed."""
        epoch, step = self._position.epoch, self._position.step
        if step == len(self):
            epoch, step = self._after(epoch), 0
        return LoaderState(epoch, step, self.dataset.settings).as_plain()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume where the state was taken, on any number of ranks with the same number of lanes.

        Raises LongstrideError, which says what differs, for a state that belongs to other batches.
        """
        loaded = LoaderState.from_plain(state, self.dataset.settings)
        done = loaded.step == len(self)  # of a dataset, which does not count epochs
        self.set_epoch(*((loaded.epoch + 1, 0) if done else (loaded.epoch, loaded.step)))

    def _after(self, epoch: int) -> int:
        return epoch + 1 if self._repeats is None else epoch

    def __iter__(self) -> Iterator[WindowBatch]:  # type: ignore[override]
        # torch's own iterator would only add its overhead to each batch.
        return self._serve(self._next)

    def _serve(self, begin: tuple[int, int]) -> Iterator[WindowBatch]:
        """Batches from here on. What the next iteration begins with changes at the first of them.

        Lightning may ask for two iterations, and take batches of the second alone.
        """
        epoch, step = begin
        if self._is_new and self._repeats is None:
            epoch = self._trainer.epoch  # a hook may make a loader for each epoch
        if self._next is begin:  # no epoch was chosen since
            self._next, self._is_new = (self._after(epoch), 0), False
        # The position of an iteration before stays with it, however far it goes.
        self._position = self.dataset.position = position = Position(epoch, step)
        self.dataset.take_rank()
        self._prepare()
        groups = (self._workers or self.dataset).steps(epoch, step)
        served = self.dataset if self.pools is None else self.pools
        for batch in self.dataset.finished(served.serve(epoch, groups), epoch, step):
            position.step += 1
            yield batch
