"""Detection on a small log: what is trained, and what is told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.harness.timing import Spread
from benchmarks.pages.results_page import results_page
from benchmarks.suites.models.detect import FIGURES, RATIO, Detection, Detections, flags
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
    figures = {name: pca["figures"][name]["median"] for name in FIGURES}
    assert figures[RATIO] == pytest.approx(figures["f1"] / figures["best_f1"])
    assert 0 <= figures["false_alarm_rate"] < 0.1
    assert f"{pca['figures']['vus_pr']['median']:.3f}" in shown
    again = CliRunner().invoke(main, ["detect", str(store), str(store), "--models", "tcn,pca", *map(str, options)])
    assert again.exit_code == 1
    assert f"{tmp_path / 'runs' / 'gecco' / 'pca-0'} is there already" in again.output
    assert not (tmp_path / "runs" / "gecco" / "tcn-0").exists()
    # The runs of a log lie in the folder of its name: those of another one meet none of these.
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["gecco"]


def test_settings_of_steps_are_not_for_pca() -> None:
    settings = {"window": 16, "normal-only": True, "centre": "mean", "lr": 0.1}
    assert flags("lstm", settings) == ["--model=lstm", "--window=16", "--normal-only", "--centre=mean", "--lr=0.1"]
    assert flags("nearest", settings) == ["--model=nearest", "--window=16", "--normal-only", "--centre=mean"]
    assert flags("pca", settings) == ["--model=pca", "--window=16", "--normal-only"]
    assert flags("forecast-cnn", {"lr": 0.1}) == ["--model=cnn", "--task=forecast", "--lr=0.1"]


def test_a_model_is_added_to_those_of_a_file(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    values = waves(2000, 3, missing=0.0)
    labels = np.zeros((2000, 1), np.int8)
    labels[1700:1750] = 1
    store = make_store(tmp_path / "plant.zarr", values, labels=labels, label_names=["fault"]).path
    (tmp_path / "settings.toml").write_text(SETTINGS.replace("60", "2"))
    result = tmp_path / "found.json"
    same = ("--settings", tmp_path / "settings.toml", "--seeds", 1, "--json", result, "--name", "nab")
    for number, model in enumerate(("pca", "patch", "pca")):
        detect(store, store, "--models", model, *same, "--folder", tmp_path / f"runs-{number}")
    assert [model["model"] for model in read_result(result)["models"]] == ["pca", "patch"]
    command = ["detect", str(store), str(store), *map(str, same), "--since", "2024-01-01"]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 1
    assert "holds models of 'nab' with other settings" in refused.output


def found(log: str, figures: dict[str, float], seeds: int = 3) -> Detections:
    """Models with a figure for VUS-PR each, by name; all other figures are half of it."""
    models = tuple(
        Detection(
            model=model,
            seeds=seeds,
            rows=1000,
            labelled=100,
            spans=2,
            figures={name: Spread(*[figure / (1 if name == "vus_pr" else 2)] * 3) for name in FIGURES},
            validation_loss=None,
        )
        for model, figure in figures.items()
    )
    return Detections(log=log, threads={"torch": 1}, settings={"window": 16, "stride": 4}, models=models)


def test_the_page_says_which_models_are_better() -> None:
    page = results_page([found("gecco", {"lstm": 0.7, "tcn": 0.8, "patch": 0.4, "pca": 0.5})])
    assert "Settings: window 16, stride 4." in page
    assert "| lstm | 3 | 0.700 (0.700 to 0.700) |" in page
    assert "By VUS-PR, lstm, tcn are at least as good as PCA; patch is not as good as PCA (0.500)." in page
    assert "## All logs" not in page


def test_all_logs_in_one_table() -> None:
    some = found("nab", {"lstm": 0.2, "pca": 0.4}, seeds=1), found("gecco", {"lstm": 0.6, "tcn": 0.8})
    page = results_page(some)
    assert "| gecco | 0.600 (0.30) | 0.800 (0.40) |  |\n| nab | 0.200 (0.10) |  | 0.400 (0.20) |" in page
    assert "is 0.25 of the best F1 in the median of these 4 cells" in page
    assert "| lstm | 1 | 0.200 | 0.100 |" in page


def test_settings_that_are_none(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", rows=100).path
    (tmp_path / "settings.toml").write_text("window = ")
    command = ["detect", str(store), str(store), "--settings", str(tmp_path / "settings.toml")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "settings.toml is not a TOML file" in result.output
