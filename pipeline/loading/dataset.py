"""The windows of stores as a torch dataset of ready batches."""

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from longstride.pipeline.loading.augmenting.seeded import Augmenter
from longstride.pipeline.loading.batch import WindowBatch
from longstride.pipeline.loading.describe import as_html, as_text, facts_of
from longstride.pipeline.loading.frameworks.ranks import ServedRank
from longstride.pipeline.loading.geometry.anchors import anchored
from longstride.pipeline.loading.geometry.sizes import geometry_of
from longstride.pipeline.loading.make_order import make_order
from longstride.pipeline.loading.normalising.chosen import chosen_normaliser
from longstride.pipeline.loading.options import DatasetOptions
from longstride.pipeline.loading.orphans import end_with_parent
from longstride.pipeline.loading.serving.batches import BatchGather
from longstride.pipeline.loading.serving.decoded_pools import DecodedPools, PoolPlan
from longstride.pipeline.loading.serving.drawn_lengths import drawn_lengths
from longstride.pipeline.loading.serving.extras import Extras, wanted_of
from longstride.pipeline.loading.serving.readahead import DiskWatch
from longstride.pipeline.loading.serving.restarts import with_restarts
from longstride.pipeline.loading.serving.row_reader import merged
from longstride.pipeline.loading.serving.stores import Collection, opened_all, segments_of
from longstride.pipeline.loading.state import LoaderState, Position, data_hash, hashes_of_tables
from longstride.pipeline.loading.window_map import Numbers, WindowMap
from longstride.storage.cli.keywords import keywords_of
from longstride.storage.errors import LongstrideError

__all__ = ["Steps", "WindowDataset"]

Batches = Iterator[WindowBatch]


class Steps(NamedTuple):
    """Consecutive steps, whose windows are drawn together."""

    step: int
    """The first."""
    starts: NDArray[np.int64]
    """Rows of the collection at which windows start, (steps, B / world_size)."""
    served: slice = slice(None)
    """Which of the steps are to be served."""


class WindowDataset(IterableDataset[WindowBatch]):
    """Batches of windows, in an order that is a pure function of (seed, epoch, step).

    Serve it through `WindowLoader`, or a plain `DataLoader` with `batch_size=None`.
    """

    @keywords_of(DatasetOptions)
    def __init__(self, options: DatasetOptions) -> None:
        """Serve windows of one store or several; each is an opened store, a path or a URL.

        Raises LongstrideError for options that do not fit each other or the stores, and where no window (no batch,
        if shuffled) fits the rows.
        """
        self.batch_size = options.batch_size
        self._served_rank = ServedRank(
            options.ranks,
            options.batch_size,
            options.resolved_lanes if options.shuffle else None,
            is_given=options.world_size is not None,
        )
        given = opened_all(options.store)
        self.collection, segments = Collection(given, options), segments_of(given, options.split)
        stores = self.collection.stores
        how = options.dilation, options.max_jitter, options.ragged
        geometry = geometry_of(stores, segments, options.lengths, *how)
        if options.clock is not None:
            geometry, segments = anchored(stores, segments, geometry, options.clock)
        windows = self.collection.windows(segments, geometry, options)
        self.index = windows.index
        self.num_skipped = windows.num_skipped
        """Windows left out for missing values or labels."""
        self.order = make_order(windows, self.collection, options)
        self._drawn = drawn_lengths(options, geometry, stores[0])
        self._is_stateful = options.stateful
        self.wanted = wanted_of(options, self.collection)
        """What a batch holds beside values, if anything."""
        self.normaliser = chosen_normaliser(options, self.collection)
        """What normalises values, target and future; None where it is not asked for."""
        self.augmenter = Augmenter(options.augment, options.seed) if options.augment else None
        """What changes batches at random, if anything."""
        self._tables = options.tables
        self._order_settings = {
            **options.order_settings(geometry, self.collection.channels, self.collection.targets),
            **(self.wanted.settings if self.wanted else {}),
            **({"windows": list(self._drawn.rows)} if self._drawn else {}),
            **({"normalise": self.normaliser.digest} if self.normaliser else {}),
            **({"augment": self.augmenter.names} if self.augmenter else {}),
        }
        self._disk = DiskWatch()
        # Epoch, step, and whether worker processes serve. Shared, so that they see what is set while they live.
        self._begin = torch.zeros(3, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._process = os.getpid()
        self.position = Position(0, 0)
        """Where the last iteration is."""
        self._loaded: Position | None = None

    @property
    def rank(self) -> int:
        """Number of this process among `world_size`: as given, or as it was when an iteration last began."""
        return self._served_rank.ranks.rank

    @property
    def world_size(self) -> int:
        """Processes that share each batch."""
        return self._served_rank.ranks.world_size

    @property
    def num_windows(self) -> int:
        """Number of windows, W."""
        return len(self.index)

    def window(self, number: int) -> WindowBatch:
        """One window, as a batch without its first axis: its values are (K, N).

        Windows are numbered 0 to W - 1 in row order, or -W to -1 from the end, for any order and rank.
        Raises WindowOutsideError, which is an IndexError, for another number.
        """
        return self.as_map()[number]

    def windows(self, numbers: Numbers) -> WindowBatch:
        """Windows of these numbers, a list, array, range or slice, as a batch (B, K, N) in this order.

        Raises WindowOutsideError for a number outside -W to W - 1.
        """
        return self.as_map().batch(numbers)

    def as_map(self) -> WindowMap:
        """All windows as a map-style dataset of torch, for `Subset`, samplers and plots; without `augment`."""
        return WindowMap(self.collection, self.index, self.extras, self.normaliser)

    def take_rank(self) -> None:
        """Serve the rank that this process has now, if none was given; every iteration begins with it.

        Raises LongstrideError where it is not clear which rank that is.
        """
        if get_worker_info() is None and self._process != os.getpid():
            # A rank that was forked or spawned with the dataset must not share with the others where it begins.
            self._process = os.getpid()
            self._begin = self._begin.clone().share_memory_()
        if self._served_rank.follow():
            for name in ("_gather", "_decoded"):
                vars(self).pop(name, None)

    @property
    def facts(self) -> dict[str, int]:
        """Sizes of batches and epochs, by the letters and words of `describe.MEANINGS`."""
        windows = facts_of(self.index, self.collection.channels, self.collection.targets)
        counts = {"steps": len(self), "dropped": self.order.num_dropped, "skipped": self.num_skipped}
        return {"B": self.batch_size, **windows, **counts}

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of what `series` numbers: the series of the first store, then those of the second, and so on."""
        return self.collection.series_names

    @property
    def label_names(self) -> tuple[str, ...]:
        """L names, in the order of `label`; empty where it is not asked for."""
        return self.wanted.label_names if self.wanted else ()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Everything that the batches depend on, epoch and step apart; the first call reads all of an array."""
        rows = self.collection.stores, self.index
        return {"data": data_hash(*rows), **hashes_of_tables(*rows, self._tables), **self._order_settings}

    def __repr__(self) -> str:
        return as_text("WindowDataset", self.facts)

    def _repr_html_(self) -> str:
        return as_html("WindowDataset", self.facts)

    def __len__(self) -> int:
        """Steps of an epoch, the same on every rank."""
        return self.order.num_steps

    def set_epoch(self, epoch: int, step: int | None = None) -> None:
        """Let the next iteration serve `epoch` from `step` on; any later one starts at its first step.

        By default an epoch is served from its beginning, or from where a state that was loaded lies in it. In a
        plain `DataLoader` with worker processes, that holds for every iteration until it is called again.
        Raises LongstrideError for a step outside the epoch.
        """
        for name, number in (("epoch", epoch), ("step", 0 if step is None else step)):
            if not (hasattr(number, "__index__") and 0 <= number < 2**63):
                raise LongstrideError(f"{name} {number!r:.80} is not a whole number", code="option-value")
        if step is None:
            step = self.begin[1] if epoch == self.begin[0] else 0
        if not 0 <= step <= len(self):
            raise LongstrideError(f"step {step} is outside the {len(self)} steps of an epoch", code="option-value")
        self.take_rank()
        self._begin.copy_(torch.tensor([epoch, step, 0]))
        self.position = Position(epoch, step)

    @property
    def begin(self) -> tuple[int, int]:
        """Epoch and step that the next iteration begins with, also in a worker process."""
        epoch, step, _ = self._begin.tolist()
        return epoch, step

    def state_dict(self) -> dict[str, Any]:
        """Where the last iteration is: plain values of constant size, for a dataset or a loader to resume.

        In a worker process of torchdata's `StatefulDataLoader`, where the share of that worker is. Raises
        LongstrideError where worker processes serve the batches, and this process does not know how many.
        """
        worker = get_worker_info()
        if worker is None and self._begin[2]:
            raise LongstrideError(
                "worker processes serve this dataset, each with a state of its own: take the state of torchdata's "
                "StatefulDataLoader, or use WindowLoader, which counts what it hands out",
                code="option-value",
            )
        every = worker.num_workers if worker else 1
        return LoaderState(self.position.epoch, self.position.step, self.settings, every).as_plain()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration resume where the state was taken; in a worker process, its share.

        Raises LongstrideError, which says what differs, for a state that belongs to other batches.
        """
        worker = get_worker_info()
        loaded = LoaderState.from_plain(state, self.settings, worker.num_workers if worker else 1)
        if worker is None:
            self.set_epoch(loaded.epoch, loaded.step)
        else:
            self._begin[0] = loaded.epoch  # the same for all workers
            self._loaded = Position(loaded.epoch, loaded.step)

    def __iter__(self) -> Iterator[WindowBatch]:
        worker = get_worker_info()
        epoch, first = self.begin
        if worker is None:
            self.take_rank()
            self._begin.copy_(torch.tensor([epoch, 0, 0]))
            self.position = Position(epoch, first)
            return self._deal(self.position, 1)
        end_with_parent()
        self.take_rank()
        self._begin[2] = 1
        # A DataLoader takes from its workers in turn, so this deals the steps out in their order.
        self.position = self._loaded or Position(epoch, first + worker.id)
        self._loaded = None
        return self._deal(self.position, worker.num_workers)

    def _deal(self, position: Position, every: int) -> Iterator[WindowBatch]:
        epoch, first = position.epoch, position.step
        mine = (
            Steps(step, starts, slice((first - step) % every, None, every))
            for step, starts, _ in self.steps(epoch, first)
        )
        for batch in self.finished(self.serve(epoch, mine), epoch, first, every):
            position.step += every
            yield batch

    def finished(self, batches: Batches, epoch: int, step: int, every: int = 1) -> Batches:
        """The batches of every so many steps from `step` on, with what depends on the step."""
        if self._is_stateful:
            batches = with_restarts(batches, self.index, self.collection.first_row, step, every)
        if self.collection.is_joined:
            batches = map(self.collection.numbered, batches)
        if self._drawn is not None:
            batches = self._drawn.over(batches, epoch, step, every)
        return self.augmenter.over(batches, epoch, step, self.rank, every) if self.augmenter else batches

    def serve(self, epoch: int, groups: Iterator[Steps]) -> Iterator[WindowBatch]:
        """The batches of these steps of an epoch, normalised, and not augmented."""
        batches = self._serve(epoch, groups)
        return map(self.normaliser.in_place, batches) if self.normaliser else batches

    def _serve(self, epoch: int, groups: Iterator[Steps]) -> Iterator[WindowBatch]:
        if self._needs_pools:
            yield from self._decoded.serve(
                (plan._replace(local=plan.local[steps.served]), steps.starts[steps.served])
                for steps in groups
                for plan in [self.plan_of(epoch, steps)]
            )
            return
        for steps in groups:
            batches = self._gather.batches(steps.starts[steps.served])
            yield from batches if self.extras is None else map(self.extras.of_stores, batches)

    @property
    def _needs_pools(self) -> bool:
        """Whether batches are made of copies of rows: where some have to be decoded, where windows may be shorter,
        and where those of several stores must stay in their places."""
        if self.index.ragged or (self._is_stateful and len(self.collection.stores) > 1):
            return True
        return self.collection.arrays is None or not (self.extras is None or self.extras.are_at_hand)

    def plan_of(self, epoch: int, steps: Steps) -> PoolPlan:
        """The rows that the windows of some steps are made of, and where in them each window begins."""
        first, _ = self.order.run_of(steps.step)
        ranges = merged(self.order.rows(epoch, steps.step, self.rank, self.world_size))
        local = self.order.draw(epoch, first, self.rank, self.world_size, within=ranges)[steps.step - first :]
        return PoolPlan(ranges, local, int((ranges[:, 1] - ranges[:, 0]).sum()) + self.index.padding)

    def __getstate__(self) -> dict[str, Any]:
        # A worker process has buffers of its own, and no process group to ask for its rank.
        self.take_rank()
        return {name: value for name, value in vars(self).items() if name not in ("_gather", "_decoded", "extras")}

    @cached_property
    def extras(self) -> Extras | None:
        """What adds to batches what they hold beside values."""
        return None if self.wanted is None else Extras(self.wanted, self.collection, self.index)

    @cached_property
    def _gather(self) -> BatchGather:
        # A worker sends a batch from another thread: what shares its memory must not change at that time.
        apart = self.normaliser is not None or self.augmenter is not None
        return BatchGather(self.collection, self.index, self.batch_size // self.world_size, apart=apart)

    @cached_property
    def _decoded(self) -> DecodedPools:
        batch = self.batch_size // self.world_size
        return DecodedPools(self.collection, self.index, batch, self.extras, by_store=not self._is_stateful)

    def steps(self, epoch: int, step: int) -> Iterator[Steps]:
        """The steps of an epoch from `step` on, those that are drawn together at a time."""
        self._read_ahead(epoch, step)
        while step < len(self):
            first, _ = self.order.run_of(step)
            for starts in self.order.draw_some(epoch, first, self.rank, self.world_size):
                steps = Steps(step, starts[step - first :])
                step = first = first + len(starts)
                self._read_ahead(epoch, step)
                yield steps

    def read_ahead(self, epoch: int, step: int) -> None:
        """Ask the system to read from disk the rows of `step` and of the steps drawn with it; do not wait."""
        self.collection.read_ahead(self.order.rows(epoch, step, self.rank, self.world_size))

    def _read_ahead(self, epoch: int, step: int) -> None:
        if step < len(self) and self._disk.is_worth_it():
            self.read_ahead(epoch, step)
