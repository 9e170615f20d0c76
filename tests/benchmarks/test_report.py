from pathlib import Path

from benchmarks.report import report

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_committed_results_say() -> None:
    assert (ROOT / "docs" / "benchmarks.md").read_text() == report(ROOT / "benchmarks" / "results")
