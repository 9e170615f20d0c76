from dataclasses import replace
from pathlib import Path

from benchmarks.harness.tables import figure
from benchmarks.harness.timing import Spread
from benchmarks.pages.report import read_results
from benchmarks.pages.waits import waits
from benchmarks.suites.ingest import Ingest

RESULTS = read_results(Path(__file__).parents[3] / "benchmarks" / "results")


def test_an_ingest_beside_an_earlier_one_and_the_fastest_peer() -> None:
    ingest = next(each for name, each in RESULTS.items() if isinstance(each, Ingest) and "-1-gb" in name)
    rows = [row for row in ingest.cases if row.case.file_name == "sorted-1.csv"]
    seconds = {row.way: row.num_rows / row.rows_per_second.median for row in rows}
    ours = seconds.pop("longstride")
    peer = min(seconds, key=seconds.__getitem__)
    twice = {"sorted-1.csv": Spread(2, 1, 3), "shuffled-1.csv": Spread(9, 9, 9)}
    found = waits([replace(ingest, against=twice)])
    (row,) = [line for line in found.splitlines() if line.startswith("| ingest")]
    before, now, best = (f"{figure(each, 1)} s" for each in (2 * ours, ours, seconds[peer]))
    cells = [before, now, f"{peer}: {best}", f"{seconds[peer] / ours:.2f}"]
    assert row == f"| {' | '.join(['ingest of 1 GB of CSV', *cells])} |"
    assert f"Seconds on {ingest.machine.processor}, {ingest.machine.cores} cores" in found


def test_without_an_earlier_version_nothing_is_said_of_ingest() -> None:
    ingests = [replace(each, against=None) for each in RESULTS.values() if isinstance(each, Ingest)]
    assert waits(ingests) == ""
