"""`train --callback`: what a function of the user is told, and what becomes of the run if it fails."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from longstride.trainer.errors import DivergenceError, RunError, SettingsError
from tests.helpers.errors import assert_refused, raises
from tests.helpers.paths import ROOT
from tests.helpers.runs.training import (
    SIZES,
    finish,
    lines_of,
    newest_checkpoint,
    start_training,
    waves,
    weights_of,
)

HOOKS = """
import json, os, time
from pathlib import Path

def told(event):
    with open("events", "a") as file:
        print(json.dumps(event), file=file)

def failing(event):
    told(event)
    if event["kind"] == os.environ["FAIL_AT"]:
        raise ValueError("no such table")

class Class:
    def __init__(self, event):
        pass
"""
FIGURES = ("train", "validation")


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hooks.py").write_text(HOOKS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{tmp_path}")
    return tmp_path


def train(store: Any, out: Path, callback: Any, **changes: Any) -> longstride.TrainResult:
    return longstride.train(store, out, callback=callback, **{"device": "cpu", "epochs": 1, **SIZES, **changes})


def events_of(folder: Path) -> list[dict[str, Any]]:
    path = folder / "events"
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def starts_of(folder: Path) -> int:
    return sum(event["kind"] == "start" for event in events_of(folder))


def place(event: dict[str, Any]) -> tuple[str, int]:
    return event["kind"], event["step"]


def assert_same_weights(one: Path, other: Path) -> None:
    theirs = weights_of(other)
    assert all(torch.equal(values, theirs[name]) for name, values in weights_of(one).items())


@pytest.mark.parametrize("model", ["lstm", "pca"])
def test_it_is_told_what_metrics_are_logged(store: Path, tmp_path: Path, model: str) -> None:
    events: list[dict[str, Any]] = []
    train(store, tmp_path / "run", events.append, epochs=2, model=model)
    begin, *rest = events
    assert (begin["kind"], begin["step"], begin["out"]) == ("start", 0, str(tmp_path / "run"))
    assert begin["settings"] == json.loads((tmp_path / "run" / "settings.json").read_text())
    assert begin["channels"] == list(longstride.open(store).channels)
    logged = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rest == [{**line, "series": None} for line in logged]
    assert {line["kind"] for line in logged} == {"validation", "summary"} | (
        {"train"} if model == "lstm" else set()
    )
    json.dumps(events)


def test_what_it_draws_changes_nothing(store: Path, tmp_path: Path) -> None:
    """The model draws in each step as well."""
    drawing = "tests.helpers.runs.my_models:dropping"
    train(store, tmp_path / "without", None, model=drawing)
    train(store, tmp_path / "with", lambda event: torch.rand(7), model=drawing)
    assert_same_weights(tmp_path / "with", tmp_path / "without")


@pytest.mark.parametrize("kind", ["train", "validation"])
def test_if_it_fails_the_run_is_saved_and_can_be_resumed(store: Path, tmp_path: Path, kind: str) -> None:
    events: list[dict[str, Any]] = []

    def failing(event: dict[str, Any]) -> None:
        events.append(event)
        if event["kind"] == kind and event["step"] > 7:
            raise ValueError("no such table")

    out = tmp_path / "run"
    told = "test_callback.py", "failing", kind, "ValueError: no such table", "--resume"
    with raises("callback-failed", *told, kind=RunError) as caught:
        train(store, out, failing)
    assert isinstance(caught.value.__cause__, ValueError)
    assert f"saved after step {newest_checkpoint(out / 'checkpoints').name[-3:].lstrip('0')}:" in str(caught.value)  # type: ignore[union-attr]
    failed_at = events[-1]["step"]
    assert lines_of(out, "summary") == []
    after: list[dict[str, Any]] = []
    assert train(store, out, after.append, resume=True).finished
    assert after[0]["kind"] == "start"
    assert after[0]["step"] >= failed_at
    shown = [
        (event["kind"], event["step"]) for event in events + after if event["kind"] in ("train", "validation")
    ]
    assert len(shown) == len(set(shown))
    train(store, tmp_path / "whole", None)
    assert_same_weights(out, tmp_path / "whole")
    for kind in FIGURES:
        losses = [[line["loss"] for line in lines_of(run, kind)] for run in (out, tmp_path / "whole")]
        assert losses[0] == losses[1]


def failing_at(kind: str) -> Callable[[dict[str, Any]], None]:
    def fail(event: dict[str, Any]) -> None:
        if event["kind"] == kind:
            sys.exit("enough")

    return fail


def test_if_it_fails_at_the_start_the_same_command_can_be_run_again(store: Path, tmp_path: Path) -> None:
    with raises("callback-failed", "start", "SystemExit: enough", kind=RunError):
        train(store, tmp_path / "run", failing_at("start"))
    assert newest_checkpoint(tmp_path / "run" / "checkpoints") is None
    assert train(store, tmp_path / "run", None).finished


def test_if_it_fails_at_the_end_the_run_has_finished(store: Path, tmp_path: Path) -> None:
    with raises("callback-failed", "summary", "finished", kind=RunError):
        train(store, tmp_path / "run", failing_at("summary"))
    assert len(lines_of(tmp_path / "run", "summary")) == 1
    assert longstride.score(tmp_path / "run", store, tmp_path / "s.parquet", device="cpu").rows == 6000


def test_an_error_of_the_run_comes_first(store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    events: list[dict[str, Any]] = []

    def failing(event: dict[str, Any]) -> None:
        events.append(event)
        failing_at("failed")(event)

    with raises("loss-not-finite", kind=DivergenceError), caplog.at_level(logging.WARNING, "longstride"):
        train(store, tmp_path / "run", failing, lr=1e30)
    assert (events[-1]["kind"], events[-1]["code"]) == ("failed", "loss-not-finite")
    assert "not a finite number" in events[-1]["error"]
    assert "SystemExit: enough" in caplog.text


@pytest.mark.parametrize("callback", [3, dict, "hooks", "hooks:nothing", "hooks:Class", "nowhere:told", ":"])
def test_what_is_not_a_function_is_refused(
    store: Path, hooks: Path, callback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(hooks)
    with raises("option-value", "callback", kind=SettingsError):
        train(store, hooks / "run", callback)
    assert not (hooks / "run").exists()


class Waiting:
    async def __call__(self, event: dict[str, Any]) -> None: ...


async def waiting(event: dict[str, Any]) -> None: ...


def yielding(event: dict[str, Any]) -> Any:
    yield event


@pytest.mark.parametrize("callback", [waiting, yielding, Waiting(), partial(waiting)])
def test_what_does_nothing_when_it_is_called_is_refused(store: Path, tmp_path: Path, callback: Any) -> None:
    with raises("option-value", "neither async nor with yield", kind=SettingsError):
        train(store, tmp_path / "run", callback)
    assert not (tmp_path / "run").exists()


def test_a_path_that_only_a_file_names_is_not_imported(
    store: Path, hooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(hooks)
    (hooks / "run.toml").write_text('callback = "hooks:told"\nmax-steps = 2\nwindow = 16\n')
    command = ["train", str(store), "--out=run", "--device=cpu", "--config=run.toml"]
    refused = CliRunner().invoke(main, command).output
    assert_refused(refused, "import-untrusted", "run.toml", "hooks:told", "--trust")
    assert not (hooks / "run").exists()
    assert CliRunner().invoke(main, [*command, "--trust"]).exit_code == 0
    assert events_of(hooks)[-1]["kind"] == "summary"


def test_each_series_has_its_own_events(tmp_path: Path) -> None:
    data = longstride.from_array(waves(1500, 2), series={"a": 700, "b": 100, "c": 700})
    sizes = {"per_series": True, "stride": 2, "max_steps": 8, "validation_share": 0.2}
    events: list[dict[str, Any]] = []
    train(data, tmp_path / "run", events.append, **sizes)
    for name in ("a", "c"):
        own = [event for event in events if event["series"] == name]
        assert [event["kind"] for event in own] == ["start", "train", "validation", "summary"] or own
        assert (own[0]["kind"], own[-1]["kind"]) == ("start", "summary")
        assert own[0]["settings"]["data"]["series"] == name
        assert str(tmp_path / "run" / "series") in own[0]["out"]
    assert {event["series"] for event in events} == {"a", "c"}
    again: list[dict[str, Any]] = []
    train(data, tmp_path / "run", again.append, resume=True, **sizes)
    assert again == []


def test_it_fails_at_one_series_and_the_others_are_trained_later(tmp_path: Path) -> None:
    data = longstride.from_array(waves(1400, 2), series={"a": 700, "c": 700})
    sizes = {"per_series": True, "stride": 2, "max_steps": 8, "validation_share": 0.2}
    with raises("callback-failed", "train", kind=RunError):
        train(data, tmp_path / "run", failing_at("train"), **sizes)
    result = train(data, tmp_path / "run", None, resume=True, **sizes)
    assert result.finished
    assert set(result.series) == {"a", "c"}


def test_ctrl_c_is_told_when_the_run_is_saved(store: Path, hooks: Path) -> None:
    flags = ("--epochs=600", "--checkpoint-every=10", "--callback=hooks:told", "--resume")
    for start in (1, 2):
        process = start_training(store, hooks / "run", *flags)
        while starts_of(hooks) < start or events_of(hooks)[-1]["kind"] != "train":
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        finish(process, code=130)
        last = events_of(hooks)[-1]
        assert (last["kind"], last["signal"]) == ("stopped", signal.SIGINT)
    figures = [place(event) for event in events_of(hooks) if event["kind"] in FIGURES]
    assert len(figures) == len(set(figures))


def test_what_was_told_before_a_kill_is_not_told_again(store: Path, hooks: Path) -> None:
    flags = ("--epochs=3", "--checkpoint-every=1000", "--callback=hooks:told")
    process = start_training(store, hooks / "run", *flags)
    while not starts_of(hooks) or events_of(hooks)[-1]["step"] < 50:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    finish(start_training(store, hooks / "run", *flags, "--resume"))
    figures = [place(event) for event in events_of(hooks) if event["kind"] in FIGURES]
    assert sorted(figures) == sorted(place(line) for kind in FIGURES for line in lines_of(hooks / "run", kind))


def test_of_two_ranks_the_first_alone_tells(store: Path, hooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIL_AT", "validation")
    process = start_training(store, hooks / "run", "--epochs=2", "--callback=hooks:failing", num_ranks=2)
    _, errors = process.communicate(timeout=55)
    assert process.returncode == 1
    assert errors.count("[callback-failed]") == 1
    assert "hooks:failing failed at the event validation of step 37: ValueError: no such table" in errors
    kinds = [event["kind"] for event in events_of(hooks)]
    assert kinds == ["start", *["train"] * 5, "validation"]
    finish(start_training(store, hooks / "run", "--epochs=2", "--callback=hooks:told", "--resume", num_ranks=2))
    kinds = [event["kind"] for event in events_of(hooks)][7:]
    assert (kinds[0], kinds[-1], kinds.count("validation")) == ("start", "summary", 1)


EXAMPLE = re.compile(r"^```py\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUNS = """
import sys, longstride, hooks
told = getattr(hooks, sys.argv[1])
sizes = dict(window=16, stride=16, batch_size=32, log_every=3, device="cpu", hidden=4, latent=2)
longstride.train("plant.zarr", "runs/plant", max_steps=10, callback=told, **sizes)
longstride.train("plant.zarr", "runs/plant", max_steps=20, callback=told, resume=True, **sizes)
"""


def run_example(package: str, make_store: Callable[..., SeriesStore], folder: Path) -> None:
    (example,) = (text for text in EXAMPLE.findall((ROOT / "docs/logging.md").read_text()) if package in text)
    (folder / "hooks.py").write_text(example)
    make_store(folder / "plant.zarr", waves(6000, 2))
    environment = {"MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri(), "WANDB_MODE": "offline"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment |= {"MLFLOW_ALLOW_FILE_STORE": "true", "WANDB_SILENT": "true"}
    result = subprocess.run(
        [sys.executable, "-c", RUNS, f"to_{package}"],
        cwd=folder,
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr


def test_the_example_of_mlflow(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    run_example("mlflow", make_store, tmp_path)
    (losses,) = tmp_path.glob("mlruns/*/*/metrics/train/loss")
    steps = [int(line.split()[2]) for line in losses.read_text().splitlines()]
    assert steps == [3, 6, 9, 10, 12, 15, 18, 20]
    (epochs,) = tmp_path.glob("mlruns/*/*/params/max_steps")
    assert epochs.read_text() == "10"
    assert len(list(tmp_path.glob("mlruns/*/*/metrics/validation/loss"))) == 1


def test_the_example_of_weights_and_biases(make_store: Callable[..., SeriesStore], tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    run_example("wandb", make_store, tmp_path)
    written = [path.read_bytes() for path in tmp_path.glob("wandb/offline-run-*/*.wandb")]
    assert len(written) == 2
    assert all(b"train/loss" in text and b"runs-plant" in text for text in written)
