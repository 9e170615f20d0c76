"""What loading costs a training, on a tiny store: that it runs and what it says, never how fast."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.pages.report import read_results, tables_page
from longstride import WindowBatch
from longstride.trainer.loop import Training
from tests.benchmarks.results import read_result

TINY = ["--device", "cpu", "--rows", "30000", "--channels", "4", "--batch", "32", "--seconds", "0.01"]
TINY += ["--models", "lstm,tcn", "--hidden", "4,8"]


def run(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        main, ["train", *TINY, "--folder", str(folder), *arguments], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a result, and what was shown as `shown.txt`."""
    folder = tmp_path_factory.mktemp("train")
    result = folder / "results" / "train-tiny.json"
    (folder / "shown.txt").write_text(run(folder, "--windows", "16,32", "--rounds", "2", "--json", str(result)))
    return result.parent


def test_every_case_is_measured_and_shown(results: Path) -> None:
    figures = read_result(results / "train-tiny.json")
    expected = [
        [model, width, k, s] for model in ("lstm", "tcn") for width in (4, 8) for k in (16, 32) for s in (1, k)
    ]
    names = ("model", "hidden", "window", "stride")
    found = [[cell["case"][name] for name in names] for cell in figures["cells"]]
    assert found == expected
    shown = (results.parent / "shown.txt").read_text().splitlines()[1:]
    assert [line.split()[:4] for line in shown] == [[str(field) for field in case] for case in expected]


def test_the_figures_fit_each_other(results: Path) -> None:
    figures = read_result(results / "train-tiny.json")
    assert figures["benchmark"] == "train"
    assert figures["device"] == "cpu"
    assert (figures["num_rows"], figures["num_channels"], figures["rounds"]) == (30_000, 4, 2)
    assert figures["machine"]["cores"] > 0
    for cell in figures["cells"]:
        loader, resident, ratio = (
            cell[name] for name in ("loader_milliseconds", "resident_milliseconds", "time_ratio")
        )
        assert 0 < cell["wait_share"] < 1
        assert loader["minimum"] / resident["maximum"] <= ratio["minimum"] <= ratio["median"] <= ratio["maximum"]
        assert ratio["maximum"] <= loader["maximum"] / resident["minimum"]


def test_the_section_of_the_report(results: Path, tmp_path: Path) -> None:
    page = tables_page(read_results(results))
    assert "## What loading costs a training" in page
    assert "30,000 rows of 4 float32" in page
    assert [line.split(" | ")[1:4] for line in page.splitlines() if line.startswith("| lstm")] == [
        [width, k, stride] for width in ("4", "8") for k in ("16", "32") for stride in ("1", k)
    ]
    assert "loading costs" not in tables_page(read_results(tmp_path))


def test_one_way_steps_through_the_loader_and_the_other_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []
    step = Training._step

    def noted(training: Training, batch: WindowBatch) -> tuple[float, float, bool, bool, bool]:
        starts.append(tuple(batch.start.tolist()))
        return step(training, batch)

    monkeypatch.setattr(Training, "_step", noted)
    run(tmp_path, "--models", "lstm", "--hidden", "4", "--windows", "16", "--rounds", "1", "--seconds", "0")
    for case in (starts[:4], starts[4:]):  # two rounds of two turns, each of one step
        assert case[1] == case[3]
        assert len(set(case)) == 3


def test_a_model_that_takes_no_steps() -> None:
    result = CliRunner().invoke(main, ["train", *TINY, "--models", "lstm,pca"])
    assert result.exit_code == 1
    assert "--models pca: it is fitted from one pass" in result.output
