"""`python -m benchmarks ingest`: MB/s, rows/s and memory of an ingest, beside what people use today."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.alone import Alone, run_alone
from benchmarks.peers.converters import CONVERTERS
from benchmarks.sensor_log import SEED, write_log
from benchmarks.timing import Spread, rounds_of

__all__ = ["SUFFIXES", "Case", "Way", "as_json", "cases", "measure", "render"]

OURS = "longstride"
REFERENCE = "polars"
PANDAS = "pandas + zarr"
SUFFIXES = {"csv": ".csv", "gz": ".csv.gz", "parquet": ".parquet"}
LARGEST_SLOW_GIGABYTES = 0.5
"""Up to here the slowest peer is measured too."""
LARGEST_PEER_GIGABYTES = 5
"""Up to here more than one peer is measured."""
LARGEST_WARMED_GIGABYTES = 1.5
"""Up to here a first round, which warms the page cache, is left out; larger logs take too long for one."""


@dataclass(frozen=True)
class Case:
    """One log."""

    gigabytes: float
    """Of the log as plain CSV."""
    format: str
    """csv, gz or parquet."""
    shuffled: bool
    """Whether its rows are in random order."""

    @property
    def file_name(self) -> str:
        """Where it is kept."""
        return f"{'shuffled' if self.shuffled else 'sorted'}-{self.gigabytes:g}{SUFFIXES[self.format]}"

    @property
    def ways(self) -> list[str]:
        """What is measured on it."""
        slow = [PANDAS] if self.gigabytes <= LARGEST_SLOW_GIGABYTES and find_spec("pandas") else []
        others = ["pyarrow"] if self.gigabytes <= LARGEST_PEER_GIGABYTES else []
        return [OURS, REFERENCE, *others, *slow]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of turning one log into columns on disk. Only ours sorts it."""

    case: Case
    way: str
    num_rows: int
    megabytes_per_second: Spread
    """Of the file as it lies on disk."""
    rows_per_second: Spread
    ratio_to_polars: Spread
    peak_megabytes: Spread
    """Of the process tree."""


def cases(gigabytes: Sequence[float], formats: Sequence[str] = tuple(SUFFIXES)) -> list[Case]:
    """Every size in every format, sorted and shuffled."""
    return [
        Case(size, format_, shuffled) for size, format_, shuffled in product(gigabytes, formats, (False, True))
    ]


def measure(cases: Sequence[Case], folder: Path, *, num_columns: int, runs: int) -> Iterator[Way]:
    """Run all ways of a case in rounds, each in a process of its own."""
    for case in cases:
        source = folder / case.file_name
        num_rows = write_log(source, round(case.gigabytes * 1e9), num_columns, shuffled=case.shuffled)
        rounds: list[dict[str, Alone]] = []
        num_warming = int(case.gigabytes <= LARGEST_WARMED_GIGABYTES)
        orders = list(rounds_of(case.ways, num_warming + runs))
        for ways in tqdm(orders, desc=case.file_name, unit="round", disable=None):
            rounds.append({way: _run(way, source, folder) for way in ways})
        num_bytes = source.stat().st_size
        source.unlink()
        for way in case.ways:
            yield _figures(case, way, rounds[num_warming:], num_rows, num_bytes)


def _run(way: str, source: Path, folder: Path) -> Alone:
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    function, imports = (_ingest, ["longstride.pipeline.ingest"]) if way == OURS else CONVERTERS[way]
    done = run_alone(function, source, out, imports=imports)
    shutil.rmtree(out)
    return done


def _ingest(source: Path, folder: Path) -> None:
    from longstride import Recipe, ingest

    ingest([source], folder / "store.zarr", Recipe(time="time"))


def _figures(case: Case, way: str, rounds: list[dict[str, Alone]], num_rows: int, num_bytes: int) -> Way:
    seconds = [done[way].seconds for done in rounds]
    return Way(
        case=case,
        way=way,
        num_rows=num_rows,
        megabytes_per_second=Spread.of([num_bytes / 1e6 / taken for taken in seconds]),
        rows_per_second=Spread.of([num_rows / taken for taken in seconds]),
        ratio_to_polars=Spread.of([done[REFERENCE].seconds / done[way].seconds for done in rounds]),
        peak_megabytes=Spread.of([done[way].peak_megabytes for done in rounds]),
    )


def render(figures: Sequence[Way]) -> str:
    """Table for a terminal."""
    lines = [f"{'':<22} {'':<14} {'MB/s':>6} {'rows/s':>10} {'times Polars':>22} {'peak MB':>8}"]
    for row in figures:
        ratio = row.ratio_to_polars
        lines.append(
            f"{row.case.file_name:<22} {row.way:<14} {row.megabytes_per_second.median:>6.0f}"
            f" {row.rows_per_second.median:>10,.0f}"
            f" {ratio.median:>8.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})"
            f" {row.peak_megabytes.median:>8,.0f}"
        )
    return "\n".join(lines)


def as_json(figures: Sequence[Way], num_columns: int, runs: int) -> dict[str, Any]:
    """Everything needed to read the figures, or to measure them again."""
    import polars
    import pyarrow

    return {
        "benchmark": "ingest",
        "num_columns": num_columns,
        "runs": runs,
        "seed": SEED,
        "peers": {"pandas": version("pandas")} if any(row.way == PANDAS for row in figures) else {},
        "threads": {"polars": polars.thread_pool_size(), "pyarrow": pyarrow.cpu_count()},
        "cases": [asdict(row) for row in figures],
    }
