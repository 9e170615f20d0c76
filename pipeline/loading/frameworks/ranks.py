"""Which share of each batch a process serves: the given one, or that of its rank, as soon as it has one."""

import os
from typing import NamedTuple

import torch.distributed as dist
from torch.utils.data import get_worker_info

from longstride.storage.errors import LongstrideError

__all__ = ["Ranks", "ServedRank", "ranks_here"]

ALONE = "give rank= and world_size=; world_size=1 serves all windows in each process"


class Ranks(NamedTuple):
    """One process among those that share the work."""

    rank: int
    world_size: int


class ServedRank:
    """The rank that is served. Where none was given, it follows the process group, which may be set up later."""

    def __init__(self, ranks: Ranks, batch_size: int, lanes: int | None, *, is_given: bool) -> None:
        """Each batch of `batch_size` windows is shared by ranks that divide it, and its `lanes` if it has any."""
        self.ranks = ranks
        self._batch_size, self._lanes, self._is_given = batch_size, lanes, is_given

    def follow(self) -> bool:
        """Take the rank that this process has now; return whether it is another than before.

        Raises LongstrideError where ranks cannot share the batches that were planned, and where it is not clear
        whether there are several.
        """
        # A worker process has no process group. Its dataset was sent by a process that knew its rank.
        if self._is_given or (get_worker_info() is not None and not _has_group()):
            return False
        found = ranks_here()
        if found is None:
            _check_alone(self.ranks)
            return False
        if found == self.ranks:
            return False
        if self._batch_size % found.world_size or (self._lanes or 0) % found.world_size:
            lanes = "" if self._lanes is None else f" in {self._lanes} lanes"
            raise LongstrideError(
                f"{found.world_size} ranks cannot share batches of {self._batch_size} windows{lanes}, planned for "
                f"{self.ranks.world_size}: make the loader after the process group (in Lightning, in "
                "`train_dataloader`), or give a batch_size and lanes that they divide",
                code="ranks-unclear",
            )
        self.ranks = found
        return True


def ranks_here() -> Ranks | None:
    """The rank of this process in torch's process group, or in torchrun's environment; None where there is none.

    Lightning and Accelerate set up the process group. Raises LongstrideError for an environment that is no number.
    """
    if _has_group():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return _of_environment() if "TORCHELASTIC_RUN_ID" in os.environ else None


def _has_group() -> bool:
    return dist.is_available() and dist.is_initialized()


def _of_environment() -> Ranks | None:
    rank, world_size = os.environ.get("RANK"), os.environ.get("WORLD_SIZE")
    if rank is None or world_size is None:
        return None
    try:
        return Ranks(int(rank), int(world_size))
    except ValueError:
        raise LongstrideError(
            f"RANK={rank[:80]!r} and WORLD_SIZE={world_size[:80]!r} of the environment are no numbers: {ALONE}",
            code="ranks-unclear",
        ) from None


def _check_alone(ranks: Ranks) -> None:
    """Raise LongstrideError where a launcher means several processes, and none of them knows its share yet."""
    meant = _of_environment()
    if ranks.world_size == 1 and meant is not None and meant.world_size > 1:
        raise LongstrideError(
            f"the environment has RANK={meant.rank} and WORLD_SIZE={meant.world_size}, but no process group is "
            "initialised and torchrun did not start this process, so every rank would be served the same windows: "
            f"call torch.distributed.init_process_group before, or {ALONE}",
            code="ranks-unclear",
        )
