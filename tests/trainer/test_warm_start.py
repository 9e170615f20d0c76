"""A run that begins with the weights of another one."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import longstride
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import RunError, SettingsError
from longstride.trainer.saved.checkpoint import best_first, judged_weights, load_checkpoint
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

OPTIONS: dict[str, Any] = {**SIZES, "device": "cpu"}


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return judged_weights(load_checkpoint(best_first(run / "checkpoints")[0]))


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("begun") / "run"
    longstride.train(waves(2000, 3), run, max_steps=20, **OPTIONS)
    return run


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_weights_are_those_of_the_other_run(begun: Path, tmp_path: Path, ema: float) -> None:
    small = {**OPTIONS, "lr": 1e-12, "max_steps": 1, "ema": ema}
    longstride.train(waves(2000, 3), tmp_path / "run", from_=begun, **small)
    for name, weights in weights_of(tmp_path / "run").items():
        torch.testing.assert_close(weights, weights_of(begun)[name])
    longstride.train(waves(2000, 3), tmp_path / "new", **small)
    assert any(
        (weights != weights_of(begun)[name]).any() for name, weights in weights_of(tmp_path / "new").items()
    )


def test_an_average_of_weights_is_what_another_run_begins_with(tmp_path: Path) -> None:
    longstride.train(waves(2000, 3), tmp_path / "one", ema=0.9, max_steps=20, **OPTIONS)
    longstride.train(
        waves(2000, 3), tmp_path / "two", from_=tmp_path / "one", max_steps=1, **OPTIONS | {"lr": 1e-12}
    )
    for name, weights in weights_of(tmp_path / "two").items():
        torch.testing.assert_close(weights, weights_of(tmp_path / "one")[name])


def test_a_resumed_run_begins_where_it_stopped(begun: Path, tmp_path: Path) -> None:
    shutil.copytree(begun, tmp_path / "other")
    options = {**OPTIONS, "from_": tmp_path / "other"}
    longstride.train(waves(2000, 3), tmp_path / "run", max_steps=4, **options)
    shutil.rmtree(tmp_path / "other")  # nothing of it is needed any more
    longstride.train(waves(2000, 3), tmp_path / "run", max_steps=8, resume=True, **options)
    longstride.train(waves(2000, 3), tmp_path / "whole", max_steps=8, **{**OPTIONS, "from_": begun})
    for name, weights in weights_of(tmp_path / "run").items():
        assert torch.equal(weights, weights_of(tmp_path / "whole")[name])


@pytest.mark.parametrize(
    ("changes", "code", "fact"),
    [
        ({"hidden": 8}, "run-differs", "--hidden 16 (now 8)"),
        ({"model": "tcn"}, "run-differs", "--model lstm (now tcn)"),
        ({"window": 8}, "run-differs", "--window 16 (now 8)"),
        ({"model": "pca"}, "option-value", "--from"),
    ],
)
def test_another_model_is_refused(
    begun: Path, tmp_path: Path, changes: dict[str, Any], code: str, fact: str
) -> None:
    kind = RunError if code == "run-differs" else SettingsError
    with raises(code, fact, kind=kind):
        longstride.train(waves(2000, 3), tmp_path / "run", from_=begun, **{**OPTIONS, **changes})
    assert not (tmp_path / "run/checkpoints").exists()


def test_other_channels_are_refused(begun: Path, tmp_path: Path, make_store: Callable[..., SeriesStore]) -> None:
    data = longstride.from_array(np.zeros((500, 3), np.float32), channels=["x", "y", "z"])
    with raises("model-channels", "c0, c1, c2", "x, y, z", kind=RunError):
        longstride.train(data, tmp_path / "run", from_=begun, **OPTIONS)


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nothing"):
        with raises("checkpoint-missing", folder, kind=RunError):
            longstride.train(waves(500, 3), tmp_path / "run", from_=tmp_path / folder, **OPTIONS)


@pytest.mark.parametrize("labels", [["other"], ["other", "fault"], ["fault", "other"]])
def test_what_a_label_means_is_not_taken_for_another(tmp_path: Path, labels: list[str]) -> None:
    marked = {"fault": np.arange(2000) % 50 == 7, "other": np.arange(2000) % 60 == 7}

    def data_of(names: list[str]) -> Any:
        return longstride.from_array(waves(2000, 3), labels={name: marked[name] for name in names})

    options = {**OPTIONS, "task": "classify", "max_steps": 2}
    longstride.train(data_of(["fault", "other"][: len(labels)]), tmp_path / "one", **options)
    if labels == ["fault", "other"]:
        longstride.train(data_of(labels), tmp_path / "two", from_=tmp_path / "one", **options)
        return
    with raises("model-channels", "labels", ", ".join(labels), kind=RunError):
        longstride.train(data_of(labels), tmp_path / "two", from_=tmp_path / "one", **options)
    assert not (tmp_path / "two").exists()


def test_lists_that_differ_are_shown_as_they_are_given(begun: Path, tmp_path: Path) -> None:
    with raises("run-differs", "--targets none (now c0,c1)", kind=RunError):
        longstride.train(waves(2000, 3), tmp_path / "run", from_=begun, targets=["c0", "c1"], **OPTIONS)
