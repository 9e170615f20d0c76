"""Many short files, a tiny fleet of them: that it runs and what it says, never how fast."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.data.fleet import KINDS, fleet_log
from benchmarks.pages.report import read_results, tables_page
from tests.benchmarks.results import read_result


def test_a_tiny_fleet_from_raw_files_to_an_evaluation(tmp_path: Path) -> None:
    result = tmp_path / "results" / "fleet-tiny.json"
    tiny = ["--files", "3", "--rows", "400", "--model", "pca", "--json", str(result)]
    shown = CliRunner().invoke(main, ["fleet", *tiny, "--folder", str(tmp_path / "fleet")], catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    figures = read_result(result)
    assert [step["command"] for step in figures["steps"]] == ["ingest", "train --per-series", "score", "evaluate"]
    assert all(step["cpu_seconds"] > 0 for step in figures["steps"])
    assert 0 < figures["f1"] <= figures["best_f1"] <= 1
    assert "3 made-up files of 400 rows" in tables_page(read_results(result.parent))


@pytest.mark.parametrize("kind", KINDS)
def test_faults_lie_in_the_second_half_and_the_seed_decides(kind: str) -> None:
    values, is_fault = fleet_log(kind, 1000, seed=3)
    assert not is_fault[:500].any()
    assert np.diff(is_fault.astype(int), prepend=0, append=0).clip(0).sum() == 4
    assert np.array_equal(values, fleet_log(kind, 1000, seed=3)[0])
    assert not np.array_equal(values, fleet_log(kind, 1000, seed=4)[0])
