"""What was found, a line for each question, with a link to the tables that say it in full."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from benchmarks.harness.registry import OURS
from benchmarks.harness.results import Result
from benchmarks.harness.tables import Table, figure, range_of
from benchmarks.suites.codecs import Codecs
from benchmarks.suites.disk import Disk
from benchmarks.suites.ingest import Ingest
from benchmarks.suites.models.train import Train
from benchmarks.suites.objects import Objects
from benchmarks.suites.order import Order
from benchmarks.suites.shuffle import Shuffle
from benchmarks.suites.windows import Windows

__all__ = ["findings"]

HEADING = """\
## What was found
"""
TABLES = "benchmark-tables.md"

Kind = TypeVar("Kind", bound=Result)


def findings(results: Sequence[Result]) -> str:
    """A table of questions, those that the results answer."""
    rows = [[*said, f"[{title}]({TABLES}#{title.lower().replace(' ', '-')})"] for *said, title in _rows(results)]
    return "\n".join([HEADING, Table(["question", "found", "tables"], rows).markdown(), ""]) if rows else ""


def _of(results: Iterable[Result], kind: type[Kind]) -> list[Kind]:
    return [result for result in results if isinstance(result, kind)]


def _rows(results: Sequence[Result]) -> Iterator[tuple[str, str, str]]:
    warm = [cell for result in _of(results, Windows) if not result.cold for cell in result.cells]
    if copied := [cell.ratio_to_copy.median for cell in warm if cell.way == OURS.name and cell.ratio_to_copy]:
        found = f"{range_of(copied)} times the speed of a plain copy"
        yield "Are windows served as fast as memory can be copied?", found, "Windows"
    if read := [row.ratio.median for result in _of(results, Disk) for row in result.windows]:
        found = f"{range_of(read)} times the speed of reading the files from end to end"
        yield "Are they served as fast as a disk can be read?", found, "Larger than memory"
    if fetched := [row.to_fetch.median for result in _of(results, Objects) for row in result.epochs]:
        found = f"{range_of(fetched)} times the speed of fetching the objects alone"
        yield "Are they served as fast as objects can be fetched?", found, "From an object store"
    if waits := [100 * cell.wait_share for result in _of(results, Train) for cell in result.cells]:
        found = f"{range_of(waits)} % of the time of its steps"
        yield "How long does a training wait for data?", found, "What loading costs a training"
    for shuffled in _of(results, Shuffle):
        pairs = {row.pool_rows: row.pairs_per_batch for row in shuffled.orders}
        ours = range_of([pair for rows, pair in pairs.items() if rows])
        found = f"{ours} pairs in a batch of {shuffled.batch}, {figure(pairs[None])} in true random order"
        yield "Do windows of a batch overlap?", found, "What a batch mixes"
    if checks := [row.holds for result in _of(results, Order) for row in result.invariants]:
        found = f"{sum(checks)} of {len(checks)} checks hold"
        yield "Does the order keep its promises?", found, "What the order promises"
    trials = [trial for result in _of(results, Codecs) for trial in result.trials]
    if smaller := [trial.ratio for trial in trials if trial.codec == "delta"]:
        found = f"{range_of(smaller)} times, by log, with the codec `delta`"
        yield "How much smaller is a packed store?", found, "Codecs"
    cases = [row for result in _of(results, Ingest) for row in result.cases if row.way == OURS.name]
    for kind in dict.fromkeys(row.case.format for row in cases):
        sorted_ = [row for row in cases if row.case.format == kind and not row.case.shuffled]
        faster = [row.ratio_to_faster.median for row in sorted_ if row.ratio_to_faster]
        ratios = faster or [row.ratio_to_polars.median for row in sorted_]
        peer = "the faster of Polars and DuckDB" if faster else "Polars"
        found = f"{range_of(ratios)} times the speed of {peer}"
        yield f"How fast is a sorted log ingested ({kind})?", found, "Ingest"
