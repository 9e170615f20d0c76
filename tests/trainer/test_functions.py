"""`longstride.train`, `score` and `evaluate`, as a notebook and a script under torchrun call them."""

import inspect
import json
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

import longstride
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import RunError, SettingsError
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, TORCHRUN, lines_of, waves


@pytest.fixture(scope="module")
def plant(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> SeriesStore:
    values, labels = waves(3000, 2), np.zeros((3000, 1), np.int8)
    values[2800:2850] += 20
    labels[2800:2850] = 1
    path = tmp_path_factory.mktemp("plant") / "plant.zarr"
    return make_store(path, values, labels=labels, label_names=["fault"])


def table(shown: object) -> list[list[str | None]]:
    html = shown._repr_html_()  # type: ignore[attr-defined]
    return [[cell.text for cell in row] for row in ElementTree.fromstring(html).iter("tr")]


def test_a_notebook_goes_from_a_store_to_figures(plant: SeriesStore, tmp_path: Path) -> None:
    run, scores = tmp_path / "run", tmp_path / "scores.parquet"
    result = longstride.train(plant, run, **SIZES, epochs=2, device="cpu")
    assert result.finished
    assert Path(result.out) == run
    assert result.last_loss == lines_of(run, "train")[-1]["loss"]
    assert json.loads((run / "settings.json").read_text())["data"]["store"] == str(plant.path)
    assert ["report", str(run / "report.html")] in table(result)
    with pytest.raises(FrozenInstanceError):
        result.steps = 0  # type: ignore[misc]

    scored = longstride.score(run, plant, scores, device="cpu", stride=1)
    assert scored.rows == 3000 > scored.covered > 2900  # in some rows both values are missing
    assert ["rows", "3,000"] in table(scored)

    found = longstride.evaluate(scores, plant.path)
    (figures,) = found.figures
    assert (found.model, figures.labelled, figures.threshold) == ("lstm", 50, scored.threshold)
    assert figures.auc_pr > 0.9
    assert repr(found).splitlines()[0].startswith(f"{scores}: lstm of {run}")
    assert table(found)[1][:3] == ["fault", "all", f"{scored.covered:,}"]


def test_every_setting_is_a_keyword_that_help_shows() -> None:
    for function in (longstride.train, longstride.score):
        signature = inspect.signature(function)
        for name in signature.parameters:
            assert re.search(rf"^{name}( = .*)?\n    \S", function.__doc__, re.MULTILINE)
    parameters = inspect.signature(longstride.train).parameters
    assert list(parameters)[:3] == ["store", "out", "window"]
    assert (parameters["batch_size"].default, parameters["schedule"].default) == (None, "constant")
    assert parameters["lr"].kind is inspect.Parameter.KEYWORD_ONLY


def test_what_is_wrong_is_an_error_of_its_kind(plant: SeriesStore, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="windwo"):
        longstride.train(plant, tmp_path / "run", windwo=3)  # type: ignore[call-arg]
    with raises("option-value", "--window is 0", kind=SettingsError):
        longstride.train(plant, tmp_path / "run", window=0)
    with raises("option-value", "--alarms is 1", kind=SettingsError):
        longstride.score(tmp_path / "run", plant, tmp_path / "scores.parquet", alarms=1)
    with raises("option-value", "--buffer is -1", kind=SettingsError):
        longstride.evaluate(tmp_path / "scores.parquet", plant, buffer=-1)
    with raises("run-missing", tmp_path, kind=RunError):
        longstride.score(tmp_path, plant, tmp_path / "scores.parquet", device="cpu")
    assert not list(tmp_path.iterdir())


def test_another_thread_can_train(plant: SeriesStore, tmp_path: Path) -> None:
    found = []
    options = {**SIZES, "max_steps": 2, "device": "cpu"}
    thread = threading.Thread(target=lambda: found.append(longstride.train(plant, tmp_path / "run", **options)))
    thread.start()
    thread.join()
    assert found[0].steps == 2


SCRIPT = """
import json, os, sys
from dataclasses import asdict
import longstride

store, out = sys.argv[1:]
if __name__ == "__main__":
    sizes = {"window": 16, "stride": 4, "batch_size": 32, "hidden": 16, "latent": 8, "device": "cpu"}
    trained = longstride.train(store, out + "/run", max_steps=5, **sizes)
    scored = longstride.score(trained.out, store, out + "/scores.parquet", device="cpu")
    with open(f"{out}/{os.environ['RANK']}.json", "w") as file:
        json.dump([asdict(trained), asdict(scored)], file)
"""


def test_a_script_under_torchrun_gets_the_same_results_on_every_rank(plant: SeriesStore, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    launch = [sys.executable, *TORCHRUN, "--standalone", "--nproc-per-node=2"]
    command = [*launch, str(tmp_path / "script.py"), str(plant.path), str(tmp_path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=150)
    assert result.returncode == 0, result.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first == second
    assert first[0]["steps"] == 5
    assert first[1]["rows"] == 3000
