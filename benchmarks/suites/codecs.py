"""`python -m benchmarks codecs`: how small each codec makes a log, and how fast it is decoded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks.harness.options import JSON, count
from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table
from benchmarks.harness.timing import Spread
from longstride.storage.cli.group import example

__all__ = ["Codecs", "Trial", "codecs"]

CODECS = """\
## Codecs

How many times smaller the values of a log become, and how fast one thread decodes them. GECCO is a public log of a
water works, Beijing one of the air at three stations, counters are those of a router (float64), demo is the log of
`python -m benchmarks synth`, walk a random one of three decimals, whose steps are about 1,000 of the last decimal.

    python -m benchmarks codecs --log NAME=STORE
"""


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


@dataclass(frozen=True, kw_only=True)
class Codecs(Result):
    """All codecs on some logs."""

    BENCHMARK = "codecs"
    INTRODUCTION = CODECS
    seed: None = field(default_factory=lambda: None)
    """Samples lie evenly, none is drawn."""
    threads: dict[str, int] = field(default_factory=lambda: {"decoding": 1})
    rounds: int
    trials: tuple[Trial, ...]

    def table(self) -> Table:
        """A row a codec and log."""
        return Table.of(
            self.trials,
            {
                "log": lambda trial: trial.log,
                "codec": lambda trial: f"`{trial.codec}`",
                "times smaller": lambda trial: f"{trial.ratio:.2f}",
                "decoded MB/s": lambda trial: f"{trial.megabytes_per_second.median:,.0f}",
            },
        )


@click.command(epilog=example("python -m benchmarks codecs --log plant=plant.zarr --json codecs.json"))
@click.option(
    "--log", "logs", multiple=True, required=True, metavar="NAME=STORE", help="A store, and what to call it."
)
@count("--rounds", 5, "Measurements of a codec.")
@JSON
def codecs(logs: tuple[str, ...], rounds: int, json_path: Path | None) -> None:
    """How small each codec of the packed layout makes a log, and how fast one thread decodes it."""
    stores = dict(entry.split("=", 1) for entry in logs if "=" in entry)
    if len(stores) < len(logs):
        raise click.BadParameter("expected NAME=STORE, each name once", param_hint="--log")
    Codecs(rounds=rounds, trials=tuple(_measure(stores, rounds))).show(json_path)


def _measure(stores: Mapping[str, str], rounds: int) -> Iterator[Trial]:
    """Try all codecs on samples from all over each store, by the name of the log, several times in turn."""
    from longstride.pipeline.packing.trials import try_codecs
    from longstride.storage.open import open_store

    for log, path in stores.items():
        store = open_store(path)
        for same in zip(*(try_codecs(store) for _ in range(rounds)), strict=True):
            yield Trial(
                log=log,
                num_rows=store.num_rows,
                num_channels=len(store.channels),
                codec=same[0].codec,
                ratio=same[0].ratio,
                megabytes_per_second=Spread.of([trial.megabytes_per_second for trial in same]),
            )
