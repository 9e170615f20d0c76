"""Detection on a small log: what is trained, and what is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.harness.timing import Spread
from benchmarks.pages.results_page import results_page
from benchmarks.suites.models.detect import FIGURES, Detection, Detections, flags
from longstride.storage.store import SeriesStore
from tests.benchmarks.results import read_result
from tests.helpers.runs.training import waves

SETTINGS = """
window = 16
stride = 4
latent = 4
hidden = 8
batch-size = 32
max-steps = 60
normal-only = true
centre = "mean"
"""


def detect(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["detect", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_scores_are_judged(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    values = waves(4000, 3, missing=0.0)
    values[3000:3100] += np.random.default_rng(1).standard_normal((100, 3)).astype(np.float32) * 8
    labels = np.zeros((4000, 1), np.int8)
    labels[3000:3100] = 1
    store = make_store(tmp_path / "plant.zarr", values, labels=labels, label_names=["fault"]).path
    (tmp_path / "settings.toml").write_text(SETTINGS)
    options = ("--settings", tmp_path / "settings.toml", "--folder", tmp_path / "runs", "--name", "gecco")
    result = tmp_path / "found.json"
    shown = detect(store, store, "--models", "pca", "--seeds", 1, *options, "--json", result)
    (pca,) = read_result(result)["models"]
    assert (pca["model"], pca["seeds"], pca["labelled"], pca["spans"]) == ("pca", 1, 100, 1)
    assert pca["figures"]["vus_pr"]["minimum"] > 0.5
    assert f"{pca['figures']['vus_pr']['median']:.3f}" in shown
    again = CliRunner().invoke(main, ["detect", str(store), str(store), "--models", "tcn,pca", *map(str, options)])
    assert again.exit_code == 1
    assert f"{tmp_path / 'runs' / 'gecco' / 'pca-0'} is there already" in again.output
    assert not (tmp_path / "runs" / "gecco" / "tcn-0").exists()
    # The runs of a log lie in the folder of its name: those of another one meet none of these.
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["gecco"]


def test_settings_of_steps_are_not_for_pca() -> None:
    settings = {"window": 16, "normal-only": True, "centre": "mean", "lr": 0.1}
    assert flags("lstm", settings) == ["--window=16", "--normal-only", "--centre=mean", "--lr=0.1"]
    assert flags("nearest", settings) == ["--window=16", "--normal-only", "--centre=mean"]
    assert flags("pca", settings) == ["--window=16", "--normal-only"]


@pytest.mark.parametrize(("lstm", "verdict"), [(0.7, "is at least as good as"), (0.4, "is not as good as")])
def test_the_page_says_which_is_better(lstm: float, verdict: str) -> None:
    models = tuple(
        Detection(
            model=model,
            seeds=3,
            rows=1000,
            labelled=100,
            spans=2,
            figures={name: Spread(figure, figure, figure) for name in FIGURES},
            validation_loss=Spread(0.1, 0.1, 0.1),
            seconds=Spread(9, 9, 9),
        )
        for model, figure in (("lstm", lstm), ("pca", 0.5))
    )
    settings = {"window": 16, "stride": 4}
    page = results_page([Detections(log="gecco", seed=0, threads={"torch": 1}, settings=settings, models=models)])
    assert "Settings: window 16, stride 4." in page
    assert "| lstm | " + f"{lstm:.3f} ({lstm:.3f} to {lstm:.3f})" in page
    assert f"({lstm:.3f}) {verdict} PCA (0.500)" in page


def test_settings_that_are_none(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", rows=100).path
    (tmp_path / "settings.toml").write_text("window = ")
    command = ["detect", str(store), str(store), "--settings", str(tmp_path / "settings.toml")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "settings.toml is not a TOML file" in result.output
