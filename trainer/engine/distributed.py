"""The processes of one training: this one alone, or those that torchrun started."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from longstride.storage.errors import LongstrideError, of_system
from longstride.trainer.engine.lost_ranks import end_by_errors_at_once, told_to_others
from longstride.trainer.errors import RunError, SettingsError

__all__ = ["Ranks", "choose_device", "start_ranks"]

T = TypeVar("T")

_starts = itertools.count()


@dataclass(frozen=True)
class Ranks:
    """This process among all of them. With one process, every method works and nothing is sent."""

    rank: int
    world_size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, the only one that writes and reports."""
        return self.rank == 0

    def sum(self, *numbers: Tensor | float) -> list[float]:
        """Sum each number over all ranks, in float64; waits for the device."""
        totals = torch.stack([torch.as_tensor(n, dtype=torch.float64, device=self.device) for n in numbers])
        if self.world_size > 1:
            dist.all_reduce(totals)
        sums: list[float] = totals.tolist()
        return sums

    def add_up(self, tensor: Tensor) -> None:
        """Sum a tensor over all ranks, in its place."""
        if self.world_size > 1:
            dist.all_reduce(tensor)

    def gather(self, item: T) -> list[T]:
        """Every rank's item, in the order of ranks, on every rank."""
        items: list[T] = [item] * self.world_size
        if self.world_size > 1:
            dist.all_gather_object(items, item)
        return items

    def together(self, function: Callable[[], T]) -> T:
        """Run a function on every rank; a LongstrideError or OSError of any rank is raised on all of them.

        Without this the other ranks would wait for the one that failed.
        """
        error: LongstrideError | None = None
        try:
            result = function()
        except LongstrideError as caught:
            error = caught
        except OSError as caught:
            error = of_system(caught)
        first = next((other for other in self.gather(error) if other is not None), None)
        if first is not None:
            raise first
        return result

    def on_first(self, function: Callable[[], T]) -> T:
        """Run a function on rank 0, as `together` would, and return its result on every rank."""
        result = [self.together(lambda: function() if self.is_first else None)]
        if self.world_size > 1:
            dist.broadcast_object_list(result, src=0)
        (first,) = result
        return cast(T, first)

    def parallel(self, model: nn.Module) -> nn.Module:
        """Wrap a model so that its gradients are averaged over the ranks, its weights taken from rank 0.

        The gradients of a step are added in the same order in every step, so that a resumed run takes the same
        ones: how ranks are added up depends on where a weight lies in the buckets of what is sent, and torch would
        sort these again after the first step of each start.
        """
        has_gradients = any(parameter.requires_grad for parameter in model.parameters())
        if self.world_size == 1 or not has_gradients:
            return model
        return DistributedDataParallel(
            _WithIdleWeight(model).to(self.device),
            device_ids=[self.device.index] if self.device.type == "cuda" else None,
            find_unused_parameters=True,  # alone keeps the buckets as they are
        )


class _WithIdleWeight(nn.Module):
    """A model, and a weight that it does not use: torch warns where it looks for such weights and finds none."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.idle = nn.Parameter(torch.zeros(1))

    def forward(self, windows: Tensor) -> Tensor:
        found: Tensor = self.model(windows)
        return found


@contextmanager
def start_ranks(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun started (gloo on the CPU, nccl on CUDA), or be the only one.

    A process group that the program has made itself is taken, and left as it is. `device` is auto, cpu or cuda.
    Raises SettingsError where there is no CUDA device for this process.
    """
    chosen = choose_device(device)
    if dist.is_initialized():
        yield Ranks(dist.get_rank(), dist.get_world_size(), chosen)
        return
    if "RANK" not in os.environ:
        yield Ranks(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    store, rank, world_size = _meet()
    store = PrefixStore(f"start-{next(_starts)}", store)  # a script may train and then score
    if os.environ.get("GROUP_WORLD_SIZE") == "1":
        # torchrun's store outlives a restart, and with it the addresses of ranks that are gone (pytorch#167288).
        # The count is of one machine's agent: where there are several they need not agree on it.
        store = PrefixStore(f"restart-{os.environ['TORCHELASTIC_RESTART_COUNT']}", store)
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world_size)
    end_by_errors_at_once()
    try:
        with told_to_others(store, rank):
            yield Ranks(dist.get_rank(), dist.get_world_size(), chosen)
    except LongstrideError:  # all ranks agreed on it, or heard of it
        dist.destroy_process_group()
        raise
    # Not after any other error: the others may be well, and to wait for them here could keep this process, and so
    # torchrun, from ending.
    dist.destroy_process_group()


@cache
def _meet() -> tuple[Store, int, int]:
    """From the environment that torchrun sets: the store through which ranks meet, the rank, and their number."""
    try:
        met: tuple[Store, int, int] = next(rendezvous("env://"))
    except ValueError as error:
        raise RunError(
            f"RANK is set, as by torchrun, but not the rest ({error}): start by torchrun, or unset RANK",
            code="ranks-incomplete",
        ) from None
    return met


def choose_device(name: str) -> torch.device:
    """The device of this process by auto, cpu or cuda. Raises SettingsError where there is none for it."""
    num_devices = torch.cuda.device_count()
    if name == "cpu" or (name == "auto" and not num_devices):
        return torch.device("cpu")
    num_processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if num_processes > num_devices:
        raise SettingsError(
            f"{num_processes} processes on this machine need as many CUDA devices, but it has {num_devices}: "
            + (f"start {num_devices}, or give --device cpu" if num_devices else "give --device cpu"),
            code="device-missing",
        )
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
