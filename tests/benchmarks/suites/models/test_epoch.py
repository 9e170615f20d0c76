"""An epoch beside what people write, on tiny data: that every way trains and what is said, never how fast."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.harness.training.fit_case import FitCase
from benchmarks.pages.report import read_results, tables_page
from benchmarks.pages.waits import waits
from benchmarks.peers.training.autoencoders import autoencoder
from tests.benchmarks.results import read_result
from tests.helpers.paths import ROOT

TINY = ["--epoch-windows", "5000", "--channels", "3", "--hidden", "8", "--batch", "16"]
TINY += ["--processes", "1", "--rounds", "2", "--seconds", "0.01"]
WAYS = ["one batch", "longstride", "longstride before", "torch", "torch, memmap, 2 workers", "lightning"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["epoch", *TINY, *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a result."""
    folder = tmp_path_factory.mktemp("epoch")
    ways = [
        "--ways",
        "torch; torch, memmap, 2 workers; lightning",
        "--whole",
        "torch; longstride",
        "--against",
        str(ROOT),
    ]
    run(*ways, "--folder", str(folder), "--json", str(folder / "results" / "epoch-tiny.json"))
    return folder


def test_every_way_trains(folder: Path) -> None:
    figures = read_result(folder / "results" / "epoch-tiny.json")
    (cell,) = figures["cells"]
    ways = {way["way"]: way for way in cell["ways"]}
    assert list(ways) == WAYS
    assert (figures["num_windows"], figures["num_rows"]) == (5000, 5063)
    for way in ways.values():
        assert way["cannot"] is None
        assert way["num_steps"] >= 2
        assert way["seconds"]["minimum"] <= way["seconds"]["median"]
        assert way["cpu_seconds"] > 0
        assert way["peak_megabytes"] > 50
    assert [name for name, way in ways.items() if way["whole_epoch_seconds"]] == ["longstride", "torch"]
    assert ways["longstride"]["num_steps"] % 10 == 0  # it tells of so many at a time
    assert ways["one batch"]["to_resident"]["median"] == ways["longstride"]["to_ours"]["median"] == 1


def test_the_pages(folder: Path, tmp_path: Path) -> None:
    results = read_results(folder / "results")
    page = tables_page(results)
    assert "## Epochs of training" in page
    assert "an epoch of 5,000 windows of K = 64 at stride 1, 3 float32\nchannels, B = 16" in page
    assert [line.split(" | ")[1] for line in page.splitlines() if line.startswith("| lstm (8)")] == WAYS
    waited = waits([*results.values()])
    (row,) = [line.split(" | ") for line in waited.splitlines() if line.startswith("| training")]
    assert row[0] == "| training, an epoch of 5,000 windows, K = 64 (lstm, 8 wide)"
    assert all(cell.endswith(" s") for cell in row[1:4])
    assert row[3].split(":")[0] in WAYS[3:]


def test_a_case_is_added_to_a_file(folder: Path, tmp_path: Path) -> None:
    result = tmp_path / "epoch.json"
    shutil.copy(folder / "results" / "epoch-tiny.json", result)
    kept = json.loads(result.read_text())["cells"]
    more = ["--ways", "torch", "--folder", str(folder), "--json", str(result)]
    run("--hidden", "4", *more)
    found = read_result(result)["cells"]
    assert [cell["case"]["hidden"] for cell in found] == [8, 4]
    assert found[:1] == kept
    refused = CliRunner().invoke(main, ["epoch", *TINY, "--channels", "2", *more])
    assert "holds cases with other num_channels" in refused.output


def test_ways_and_models_that_are_none() -> None:
    unknown = CliRunner().invoke(main, ["epoch", *TINY, "--ways", "torch; tensorflow"])
    assert "'tensorflow': expected all, or of one batch; longstride; torch;" in unknown.output
    fitted = CliRunner().invoke(main, ["epoch", *TINY, "--models", "pca"])
    assert "--models pca: it is fitted from one pass" in fitted.output


def test_the_model_that_people_write_is_the_same() -> None:
    sizes = {"window": 12, "stride": 1, "batch": 4, "num_rows": 100, "num_channels": 3, "hidden": 8, "latent": 2}
    case = FitCase(store="", raw="", model="lstm", learning_rate=0.1, clip_norm=1.0, **sizes)
    theirs, ours = autoencoder(case), autoencoder(replace(case, our_model=True))
    windows = torch.randn(4, 12, 3)
    ours.load_state_dict(theirs.state_dict() | {"_extra_state": torch.tensor(True)})
    torch.testing.assert_close(theirs(windows), ours(windows))
