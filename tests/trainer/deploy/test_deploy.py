"""`longstride deploy`: what is in the folder, and what is refused."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage import packages
from longstride.storage.store import SeriesStore
from longstride.trainer.deploy.card_page import page_of
from longstride.trainer.deploy.formats import FORMATS
from longstride.trainer.saved.checkpoint import best_first, load_checkpoint, save_checkpoint
from tests.conftest import LOWEST_TORCH
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import FORKING, SIZES, waves
from tests.helpers.stores.store_rows import tree

MY_MODELS = "tests.helpers.runs.my_models"
FILES = {"torch": "model.pt2", "onnx": "model.onnx"}
NAMES = ["flow | <b>", "temp\n`x`", "level"]


@pytest.fixture(scope="module")
def store(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "secret-place.zarr"
    make_store(path, waves(3000, 3), channels=NAMES, units=["l/min", None, "m"])
    return path


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secret-folder") / "pump"
    longstride.train(store, path, **SIZES, model="pca", device="cpu")
    return path


@pytest.fixture(scope="module")
def made(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each format."""
    folder = tmp_path_factory.mktemp("made")
    for to in FORMATS:
        longstride.deploy(run, folder / to, to=to)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("to", list(FORMATS))
def test_the_card_runs_without_longstride(made: Path, to: str) -> None:
    page = (made / to / "card.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert snippet.count("\n") <= 10
    # As where it is not installed: importing it, or a module of it, fails.
    code = "import sys\nfor name in ('longstride', 'tests'): sys.modules[name] = None\n" + snippet
    done = subprocess.run([sys.executable, "-c", code], cwd=made / to, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(re.findall("True|False", done.stdout)) == 4


@pytest.mark.parametrize("to", list(FORMATS))
def test_what_is_in_the_folder(made: Path, store: Path, to: str) -> None:
    folder = made / to
    assert set(tree(folder)) == {FILES[to], "card.json", "card.md", "example.npz"}
    card = json.loads((folder / "card.json").read_text())
    assert card["window"] == SIZES["window"]
    assert [one["name"] for one in card["channels"]] == NAMES
    assert [one["unit"] for one in card["channels"]] == ["l/min", None, "m"]
    assert card["step_seconds"] == longstride.open(store).cadence_ns / 1e9
    assert card["model"]["run"] == "pump"
    assert card["score"]["alarms"] == 0.001
    assert card["inputs"] == [{"name": "windows", "type": "float32", "shape": ["batch", SIZES["window"], 3]}]
    assert card["largest_difference"] < 1e-3
    for path, data in tree(folder).items():
        assert b"secret" not in data.replace(b"secret-place.zarr", b""), path


@pytest.mark.parametrize("to", list(FORMATS))
def test_files_hold_no_paths_of_this_machine(made: Path, to: str) -> None:
    for name in (FILES[to], "card.json", "card.md"):
        data = (made / to / name).read_bytes()
        assert os.fsencode(Path(longstride.__file__).parents[1]) not in data
        assert b".py" not in data.replace(b".pytree", b"")


def test_names_of_strangers_are_text(made: Path) -> None:
    page = (made / "torch" / "card.md").read_text()
    assert "<b>" not in page
    assert r"| 0 | flow \| \<b\> | l/min |" in page
    assert r"| 1 | temp \`x\` |  |" in page


def test_a_page_for_each_series(made: Path) -> None:
    card = json.loads((made / "torch" / "card.json").read_text())
    card["series"] = {"pump|1": 1, "pump 2": 2}
    card["inputs"].append({"name": "series", "type": "int64", "shape": ["batch"]})
    page = page_of(card, FORMATS["torch"])
    assert r"| 1 | pump\|1 |" in page
    assert "('windows', 'series')" in page


def test_the_same_again_is_done_already(made: Path, run: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "torch", tmp_path / "out")
    before = tree(tmp_path)
    assert longstride.deploy(run, tmp_path / "out").was_there
    assert tree(tmp_path) == before
    with raises("path-taken", "--overwrite"):
        longstride.deploy(run, tmp_path / "out", alarms=0.01)
    with raises("path-taken", "--overwrite"):
        longstride.deploy(run, tmp_path / "out", to="onnx")
    (tmp_path / "out" / "model.pt2").write_bytes(b"cut")
    with raises("path-taken", "--overwrite"):
        longstride.deploy(run, tmp_path / "out")
    result = longstride.deploy(run, tmp_path / "out", overwrite=True)
    assert not result.was_there
    assert set(tree(tmp_path)) == set(before)
    assert (tmp_path / "out" / "model.pt2").stat().st_size > 1000


def test_other_folders_stay(run: Path, store: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "others", tmp_path / "file", run, store, store / "new"):
        with raises("path-taken"):
            longstride.deploy(run, out, overwrite=True)
    assert tree(tmp_path) == {"others/a.txt": b"mine", "file": b"mine"}


def test_half_a_run(run: Path, tmp_path: Path) -> None:
    with raises("run-missing"):
        longstride.deploy(tmp_path / "none", tmp_path / "out")
    shutil.copytree(run, tmp_path / "run", symlinks=True)
    (tmp_path / "run" / "calibration.pt").unlink()
    with raises("calibration-missing", "longstride calibrate"):
        longstride.deploy(tmp_path / "run", tmp_path / "out")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    result = CliRunner().invoke(main, ["deploy", str(tmp_path / "run"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert_refused(result.output, "checkpoint-missing")
    assert not (tmp_path / "out").exists()


def test_a_package_is_missing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with raises("package-missing", "longstride[onnx]", kind=packages.PackageError):
        longstride.deploy(run, tmp_path / "out", to="onnx")
    assert tree(tmp_path) == {}


def test_an_older_torch_is_refused(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", torch.torch_version.TorchVersion("2.9.1+cu128"))
    with raises("package-missing", "2.9.1", f"torch>={LOWEST_TORCH}'", kind=packages.PackageError):
        longstride.deploy(run, tmp_path / "out")


@pytest.mark.parametrize(
    ("model", "code"), [("asking", "deploy-failed"), ("chance", "deploy-differs"), ("batches", "deploy-differs")]
)
def test_a_model_that_no_file_can_hold(store: Path, tmp_path: Path, model: str, code: str) -> None:
    run = tmp_path / "run"
    longstride.train(store, run, **SIZES, model=f"{MY_MODELS}:{model}", device="cpu", max_steps=2)
    with raises("import-untrusted"):
        longstride.deploy(run, tmp_path / "out")
    with raises(code, model):
        longstride.deploy(run, tmp_path / "out", trust=True)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_of_an_older_version(run: Path, store: Path, tmp_path: Path) -> None:
    with_state(run, store, tmp_path / "more", facts={"units": [None] * 3, "cadence_ns": 1, "dtype": "float32"})
    path = with_state(run, store, tmp_path / "run", facts=None)  # as where there is no such entry
    longstride.deploy(path, tmp_path / "out")
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert [one["unit"] for one in card["channels"]] == [None] * 3
    assert card["step_seconds"] is None


@pytest.mark.parametrize(
    "facts",
    [
        {"units": ["m"], "cadence_ns": 1},
        {"units": [1, 2, 3], "cadence_ns": 1},
        {"units": [None] * 3, "cadence_ns": 0},
        {"units": [None] * 3},
        [],
    ],
)
def test_forged_facts(run: Path, store: Path, tmp_path: Path, facts: Any) -> None:
    with raises("run-differs"):
        with_state(run, store, tmp_path / "run", facts=facts)


def with_state(run: Path, store: Path, folder: Path, **changes: Any) -> Path:
    """A copy of a run whose checkpoint has other entries, calibrated again."""
    shutil.copytree(run, folder, symlinks=True)
    before = best_first(folder / "checkpoints")[0]
    state = {**load_checkpoint(before), **changes}
    shutil.rmtree(folder / "checkpoints")
    save_checkpoint(folder / "checkpoints", 1, state)
    longstride.calibrate(folder, store, device="cpu")
    return folder


def test_half_precision_is_not_deployed(store: Path, tmp_path: Path) -> None:
    try:
        longstride.train(store, tmp_path / "run", **SIZES, precision="bf16", device="cpu", max_steps=1)
    except longstride.SettingsError:
        pytest.skip("this processor has no bf16 LSTM")
    with raises("deploy-failed", "bf16", "fp32"):
        longstride.deploy(tmp_path / "run", tmp_path / "out")


@pytest.mark.parametrize(
    "wrong", [{"to": "tf"}, {"alarms": 0.0}, {"aggregate": "sum"}, {"largest": 2}, {"threshold": "x"}], ids=str
)
def test_options_that_cannot_work(run: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with raises("option-value", kind=longstride.SettingsError):
        longstride.deploy(run, tmp_path / "out", **wrong)


def test_a_threshold_that_is_a_guess(run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    longstride.deploy(run, tmp_path / "out")
    assert any("too few" in message for message in caplog.messages)


def test_several_ranks(run: Path, made: Path, tmp_path: Path) -> None:
    command = [*FORKING, "--standalone", "--nproc-per-node=2", "-m", "longstride"]
    done = subprocess.run(
        [sys.executable, *command, "deploy", str(run), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model.pt2") == 1
    ours, theirs = (
        json.loads((folder / "card.json").read_text()) for folder in (made / "torch", tmp_path / "out")
    )
    assert {**ours, "date": "", "file": ""} == {**theirs, "date": "", "file": ""}
