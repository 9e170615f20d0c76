"""`--verify`: every chunk of stores against its checksum, once, shared by the processes of a machine."""

import os
from itertools import zip_longest

from longstride.storage.errors import StoreError
from longstride.storage.series.data import SeriesData
from longstride.storage.series.joined import parts_of
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_chunks, num_chunk_files
from longstride.trainer.engine.distributed import Ranks

__all__ = ["verify_data"]


def verify_data(data: SeriesData, ranks: Ranks) -> None:
    """Check every chunk file of a store, or of those that were joined; call it on every rank.

    An array has no checksums. Each machine checks all files, since it may have a copy of its own. Raises
    StoreError on every rank where one is missing, cut short or changed on any machine.
    """
    for part in parts_of(data):
        if isinstance(part, SeriesStore):
            _verify(part, ranks)


def _verify(store: SeriesStore, ranks: Ranks) -> None:
    here = ranks.world_size > 1 and "LOCAL_RANK" in os.environ
    part, parts = (int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])) if here else (0, 1)
    checks = check_chunks(store, part=part, parts=parts)
    # In step with each other: a rank that waits for minutes would be taken for lost.
    rounds = max(ranks.gather(-(-num_chunk_files(store) // parts)))
    for _, check in zip_longest(range(rounds), checks):
        fault = None if check is None or check.fault is None else f"{check.name} {check.fault}"
        if found := next(filter(None, ranks.gather(fault)), None):
            raise StoreError(f"{found}: restore it from a backup, or ingest again", code="store-damaged")
