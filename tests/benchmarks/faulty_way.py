"""A way of serving windows that does what the variable FAULT says, asked as a peer is."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.case import Case

WORKERS = (0, 1)
FAULT = os.environ["FAULT"]


def cannot(case: Case) -> str | None:
    return "it has no stride" if FAULT == "no stride" and case.stride > 1 else None


class loader:
    def __init__(self, case: Case) -> None:
        self.case = case

    def __iter__(self) -> Iterator[Any]:
        return _batches(self.case)


def _batches(case: Case) -> Iterator[Any]:
    rows = np.array(case.rows())
    match FAULT:
        case "slow":
            time.sleep(60)
        case "large":
            held = np.ones(200_000_000)
            time.sleep(60)
            del held
        case "dead":
            os._exit(7)
        case "broken":
            raise OSError("no such thing")
        case "other values":
            rows[len(rows) // 2] += 1
    starts = case.starts[: len(case.starts) // case.batch * case.batch]
    if FAULT == "other stride":
        starts = starts + 1
    if FAULT == "twice":
        starts = np.sort(np.concatenate([starts[::2], starts[::2]]))
    for first in range(0, len(starts), case.batch):
        batch = np.stack([rows[start : start + case.window] for start in starts[first : first + case.batch]])
        if FAULT == "slow workers":
            time.sleep(case.workers / 10)
        yield batch.transpose(0, 2, 1) if FAULT == "channels first" else batch


if FAULT == "written":

    def write(case: Case) -> None:
        with open(os.environ["WRITES"], "a") as log:
            print(case.folder, file=log)
        for start in case.written:
            case.rows()[start : start + case.window].tofile(Path(case.folder) / f"{start}.f32")
