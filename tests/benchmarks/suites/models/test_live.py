"""The benchmark of live scores on tiny models: that it runs and what it says, never how fast."""

from pathlib import Path

from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.pages.report import read_results, tables_page
from tests.benchmarks.results import read_result

TINY = [
    "--models",
    "pca,lstm:8",
    "--channels",
    "2",
    "--window",
    "8",
    "--batch",
    "16",
    "--rows",
    "64",
    "--rounds",
    "2",
]


def test_every_case_is_measured_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "results" / "live.json"
    arguments = ["live", *TINY, "--folder", str(tmp_path / "runs"), "--json", str(path)]
    for _ in range(2):  # the second time runs are there
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    paces = read_result(path)["paces"]
    found = [[pace["model"], pace.get("hidden"), pace["series"], pace["every"]] for pace in paces]
    models = [["pca", None], ["lstm", 8]]
    assert found == [[*model, series, every] for model in models for every in (1, 4) for series in (1, 16)]
    assert all(pace["rows_per_cpu_second"]["median"] > 0 for pace in paces)
    assert [pace["latency_milliseconds"] is not None for pace in paces] == [True, False, False, False] * 2
    assert "| lstm (8) | 16 | 4 |" in tables_page(read_results(path.parent))
