"""`python -m benchmarks codecs`: how small each codec makes a log, and how fast it is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.timing import Spread
from longstride.pipeline.packing.trials import try_codecs
from longstride.storage.open import open_store

__all__ = ["Trial", "as_json", "measure", "render"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One codec on one log."""

    log: str
    num_rows: int
    num_channels: int
    codec: str
    ratio: float
    """Bytes before over bytes after."""
    megabytes_per_second: Spread
    """Decoded by one thread."""


def measure(stores: Mapping[str, str], *, rounds: int) -> list[Trial]:
    """Try all codecs on samples from all over each store, by the name of the log, several times in turn."""
    found = []
    for log, path in stores.items():
        store = open_store(path)
        trials = [try_codecs(store) for _ in range(rounds)]
        for same in zip(*trials, strict=True):
            rates = Spread.of([trial.megabytes_per_second for trial in same])
            found.append(
                Trial(
                    log=log,
                    num_rows=store.num_rows,
                    num_channels=len(store.channels),
                    codec=same[0].codec,
                    ratio=same[0].ratio,
                    megabytes_per_second=rates,
                )
            )
    return found


def render(trials: Sequence[Trial]) -> str:
    """Table for a terminal."""
    lines = [f"{'log':<16} {'codec':<10} {'times smaller':>13} {'decoded MB/s':>24}"]
    for trial in trials:
        rate = trial.megabytes_per_second
        lines.append(
            f"{trial.log:<16} {trial.codec:<10} {trial.ratio:>13.2f}"
            f" {rate.median:>8,.0f} ({rate.minimum:,.0f} to {rate.maximum:,.0f})"
        )
    return "\n".join(lines)


def as_json(trials: Sequence[Trial], rounds: int) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again: samples lie evenly, none is drawn."""
    return {
        "benchmark": "codecs",
        "seed": None,
        "threads": {"decoding": 1},
        "rounds": rounds,
        "trials": [asdict(trial) for trial in trials],
    }
