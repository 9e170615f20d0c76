"""Detection on a small log: what is trained, and what is told."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.results_page import results_page
from storage.store import SeriesStore
from tests.trainer.conftest import waves

SETTINGS = """
window = 16
stride = 4
latent = 4
hidden = 8
batch-size = 32
max-steps = 60
normal-only = true
centre = true
"""


def detect(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["detect", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_model_is_judged(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    values = waves(4000, 3, missing=0.0)
    values[3000:3100] += np.random.default_rng(1).standard_normal((100, 3)).astype(np.float32) * 8
    labels = np.zeros((4000, 1), np.int8)
    labels[3000:3100] = 1
    store = make_store(tmp_path / "plant.zarr", values, labels=labels, label_names=["fault"]).path
    (tmp_path / "settings.toml").write_text(SETTINGS)
    result = tmp_path / "results" / "found.json"
    options = ("--settings", tmp_path / "settings.toml", "--folder", tmp_path / "runs", "--name", "gecco")
    shown = detect(store, store, "--models", "lstm,pca", "--seeds", 1, *options, "--json", result)
    lstm, pca = json.loads(result.read_text())["models"]
    assert (lstm["model"], pca["model"], lstm["seeds"], lstm["labelled"]) == ("lstm", "pca", 1, 100)
    assert lstm["figures"]["vus_pr"]["minimum"] > 0.5
    assert pca["figures"]["vus_pr"]["minimum"] > 0.5
    assert "lstm" in shown
    page = results_page(result.parent)
    assert "Settings: window 16, stride 4" in page
    assert f"{lstm['figures']['vus_pr']['median']:.3f}" in page
    better = lstm["figures"]["vus_pr"]["median"] >= pca["figures"]["vus_pr"]["median"]
    assert ("is at least as good as PCA" in page) == better


def test_settings_that_are_none(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr", rows=100).path
    (tmp_path / "settings.toml").write_text("window = ")
    command = ["detect", str(store), str(store), "--settings", str(tmp_path / "settings.toml")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert "settings.toml is no TOML file" in result.output
