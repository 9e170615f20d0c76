"""`python -m benchmarks ingest`: MB/s, rows/s and memory of an ingest, compared with what people use today."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.harness.options import AGAINST, JSON, count, folder, listed
from benchmarks.harness.registry import ROOT
from benchmarks.harness.results import SEED, Result
from benchmarks.harness.tables import Table, machine_line, spread
from benchmarks.harness.timing import Spread, rounds_of
from longstride.storage.cli.group import example

if TYPE_CHECKING:
    from benchmarks.harness.isolated import Isolated

__all__ = ["OURS", "SUFFIXES", "Case", "Ingest", "Way", "cases", "ingest", "section"]

OURS = "longstride"
POLARS = "polars"
DUCKDB = "duckdb"
ANOTHER = "the other checkout"
PANDAS = "pandas + zarr"
PACKAGES = {DUCKDB: "duckdb", PANDAS: "pandas"}
"""Of peers that are not always installed."""
SUFFIXES = {"csv": ".csv", "gz": ".csv.gz", "parquet": ".parquet"}
LARGEST_SLOW_GIGABYTES = 0.5
"""Up to here the slowest peer is measured too."""
LARGEST_PEER_GIGABYTES = 5
"""Up to here pyarrow is measured too."""
LARGEST_WARMED_GIGABYTES = 1.5
"""Up to here a first round, which warms the page cache, is left out; larger logs take too long for one."""

INGEST = """\
## Ingest

A log of {num_columns} columns, as CSV (plain, gzipped) and as Parquet, sorted and shuffled, to columns on disk:
Longstride to its store, Polars by `scan_csv(...).sink_parquet(...)`, DuckDB, where it was measured, by
`COPY ... TO` a Parquet file, pyarrow by `open_csv` and a `ParquetWriter`, pandas by chunks appended to a Zarr
array. "Of the faster" is of Polars and DuckDB. A size is that of the log as plain CSV; MB/s count the file itself.
Only Longstride sorts a shuffled log, checks every line, and resumes after it was killed. Each run is a process of
its own; memory is the peak of all its processes together.

    python -m benchmarks ingest
"""


@dataclass(frozen=True)
class Case:
    """One log."""

    gigabytes: float
    """Size of the log as plain CSV."""
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
        duckdb = [DUCKDB] if find_spec("duckdb") else []
        return [OURS, POLARS, *duckdb, *others, *slow]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of turning one log into columns on disk. Only ours sorts it."""

    case: Case
    way: str
    num_rows: int
    megabytes_per_second: Spread
    """Megabytes of the file on disk."""
    rows_per_second: Spread
    ratio_to_polars: Spread
    ratio_to_faster: Spread | None = None
    """To the faster of Polars and DuckDB in the same round; None where DuckDB was not measured."""
    peak_megabytes: Spread
    """Memory of the process tree."""


def _threads() -> dict[str, int]:
    import polars
    import pyarrow

    return {"polars": polars.thread_pool_size(), "pyarrow": pyarrow.cpu_count()}


@dataclass(frozen=True, kw_only=True)
class Ingest(Result):
    """All ways of ingesting some logs."""

    BENCHMARK = "ingest"
    num_columns: int
    runs: int
    seed: int = SEED
    peers: dict[str, str]
    """Versions of those that are not always installed."""
    threads: dict[str, int] = field(default_factory=_threads)
    cases: tuple[Way, ...]
    against: dict[str, Spread] | None = None
    """How many times as fast as the ingest of another checkout, by file name."""

    def table(self) -> Table:
        """A row a log and way."""
        return _table([self])

    def render(self) -> str:
        """The table, and a line for each log that another checkout read too."""
        found = (self.against or {}).items()
        return "\n".join([super().render(), *(f"{name}: {spread(ratio)} of {ANOTHER}" for name, ratio in found)])


@click.command(epilog=example("python -m benchmarks ingest --gigabytes 0.25,1,4 --columns 32 --runs 3"))
@listed("--gigabytes", "0.25,1,4", "Sizes of the log, as plain CSV.", float)
@listed("--formats", "csv,gz,parquet", "Formats of the log.", str)
@count("--columns", 32, "Channels of the log.")
@count("--runs", 3, "Measurements of each way.")
@AGAINST
@folder("build/ingest")
@JSON
def ingest(
    gigabytes: Sequence[float],
    formats: Sequence[str],
    columns: int,
    runs: int,
    against: Path | None,
    folder: Path,
    json_path: Path | None,
) -> None:
    """MB/s, rows/s and peak memory of the process tree, by size, order and format of the log.

    Compared with Polars (`scan_csv(...).sink_parquet(...)`), with DuckDB (`COPY ... TO` Parquet) where it is
    installed, with pyarrow (`open_csv` to a `ParquetWriter`) up to 5 GB and, up to half a gigabyte and where it is
    installed, with pandas and zarr. Each run is a process of its own, all ways of a case in turn. Only ours sorts
    a shuffled log. With --against, the ingest of another checkout of this project is measured in turn too, and a
    line for each log says how many times as fast this one is.
    """
    if unknown := [name for name in formats if name not in SUFFIXES]:
        raise click.BadParameter(f"{unknown[0]!r}: expected {', '.join(SUFFIXES)}", param_hint="--formats")
    from importlib.metadata import version

    asked = cases(gigabytes, formats)
    found: list[Way] = []
    compared: dict[str, Spread] = {}
    for case in asked:
        rows, ratio = _measure(case, folder.resolve(), num_columns=columns, runs=runs, against=against)
        found += rows
        if ratio:
            compared[case.file_name] = ratio
    Ingest(
        num_columns=columns,
        runs=runs,
        peers={name: version(name) for way, name in PACKAGES.items() if any(row.way == way for row in found)},
        cases=tuple(found),
        against=compared or None,
    ).show(json_path)


def cases(gigabytes: Sequence[float], formats: Sequence[str] = tuple(SUFFIXES)) -> list[Case]:
    """Every size in every format, sorted and shuffled."""
    return [
        Case(size, format_, shuffled) for size, format_, shuffled in product(gigabytes, formats, (False, True))
    ]


def _measure(
    case: Case, folder: Path, *, num_columns: int, runs: int, against: Path | None
) -> tuple[list[Way], Spread | None]:
    """Run all ways of a case in rounds, each in a process of its own; the ratio is ours to the other checkout."""
    from tqdm import tqdm

    from benchmarks.data.sensor_log import write_log

    source = folder / case.file_name
    num_rows = write_log(source, round(case.gigabytes * 1e9), num_columns, shuffled=case.shuffled)
    rounds: list[dict[str, Isolated]] = []
    num_warming = int(case.gigabytes <= LARGEST_WARMED_GIGABYTES)
    orders = list(rounds_of([*case.ways, *([ANOTHER] if against else [])], num_warming + runs))
    for ways in tqdm(orders, desc=case.file_name, unit="round", disable=None):
        rounds.append({way: _run(way, source, folder, against) for way in ways})
    num_bytes = source.stat().st_size
    source.unlink()
    counted = rounds[num_warming:]
    rows = [_figures(case, way, counted, num_rows, num_bytes) for way in case.ways]
    if not against:
        return rows, None
    ours, other = ([done[way].seconds for done in counted] for way in (OURS, ANOTHER))
    return rows, Spread.ratio(other, ours)


def _run(way: str, source: Path, folder: Path, against: Path | None) -> "Isolated":
    from benchmarks.harness.isolated import run_isolated
    from benchmarks.peers.converters import CONVERTERS

    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    ours = (_ingest, ["longstride.pipeline.ingest.job"])
    function, imports = ours if way in (OURS, ANOTHER) else CONVERTERS[way]
    checkout = against if against and way == ANOTHER else ROOT
    done = run_isolated(function, source, out, imports=imports, checkout=checkout)
    shutil.rmtree(out)
    return done


def _ingest(source: Path, folder: Path) -> None:
    from longstride import Recipe, ingest

    ingest([source], folder / "store.zarr", Recipe(time="time"))


def _figures(case: Case, way: str, rounds: "list[dict[str, Isolated]]", num_rows: int, num_bytes: int) -> Way:
    seconds = [done[way].seconds for done in rounds]
    return Way(
        case=case,
        way=way,
        num_rows=num_rows,
        megabytes_per_second=Spread.of([num_bytes / 1e6 / taken for taken in seconds]),
        rows_per_second=Spread.of([num_rows / taken for taken in seconds]),
        ratio_to_polars=Spread.of([done[POLARS].seconds / done[way].seconds for done in rounds]),
        ratio_to_faster=_of_the_faster(way, rounds) if DUCKDB in case.ways else None,
        peak_megabytes=Spread.of([done[way].peak_megabytes for done in rounds]),
    )


def _of_the_faster(way: str, rounds: "list[dict[str, Isolated]]") -> Spread:
    return Spread.of([min(done[peer].seconds for peer in (POLARS, DUCKDB)) / done[way].seconds for done in rounds])


def section(results: Sequence[Ingest]) -> str:
    """Section of docs/benchmark-tables.md: a table for each machine, number of threads and number of columns."""
    groups: dict[str, list[Ingest]] = {}
    for result in results:
        groups.setdefault(repr((result.machine, result.threads, result.num_columns)), []).append(result)
    return "\n".join(map(_section, groups.values()))


def _section(results: Sequence[Ingest]) -> str:
    peers = {name: version for result in results for name, version in result.peers.items()}
    introduction = INGEST.format(**vars(results[0]))
    return "\n".join([introduction, machine_line(results[0], peers), "", _table(results).markdown(), ""])


def _table(results: Sequence[Ingest]) -> Table:
    found = [(row.case, row, result.runs) for result in results for row in result.cases]
    faster = ["of the faster"] if any(row.ratio_to_faster for _, row, _ in found) else []
    head = ["GB", "log", "", "runs", "MB/s", "rows/s", "of Polars", *faster, "peak MB"]
    found.sort(key=lambda each: (each[0].gigabytes, each[0].format, each[0].shuffled))
    rows = [
        [
            f"{case.gigabytes:g}",
            f"{'shuffled' if case.shuffled else 'sorted'} {case.format}",
            row.way,
            f"{runs}",
            f"{row.megabytes_per_second.median:.0f}",
            f"{row.rows_per_second.median:,.0f}",
            spread(row.ratio_to_polars),
            *([spread(row.ratio_to_faster) if row.ratio_to_faster else ""] if faster else []),
            f"{row.peak_megabytes.median:,.0f}",
        ]
        for case, row, runs in found
    ]
    return Table(head, rows)
