from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.report import report
from benchmarks.results_page import results_page

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("page", "write"), [("benchmarks.md", report), ("results.md", results_page)])
def test_the_page_is_what_the_committed_results_say(page: str, write: Callable[[Path], str]) -> None:
    assert (ROOT / "docs" / page).read_text() == write(ROOT / "benchmarks" / "results")
