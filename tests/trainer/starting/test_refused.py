"""A training that is refused leaves everything as it was: no new file, no folder, no lock."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

import longstride
from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from longstride.trainer.saved import training_lock
from longstride.trainer.saved.training_lock import RunLock
from tests.helpers.errors import raises
from tests.helpers.runs.training import SIZES, waves

MakeStore = Callable[..., SeriesStore]
PARTS = """
from pathlib import Path
import torch

def narrow(settings, shape):
    return torch.nn.Linear(shape.channels, shape.channels + 1)

def sized(settings, shape):
    size = int(Path(__file__).with_name("size").read_text())
    return torch.nn.Sequential(torch.nn.Linear(shape.channels, size), torch.nn.Linear(size, shape.channels))

def nothing(settings, shape):
    return None

def bad(*arguments):
    raise ValueError("no")

def fails_later(settings, shape):
    class Model(torch.nn.Linear):
        def forward(self, windows):
            return [windows]
    return Model(1, 1)

def mean(prediction, target):
    return (prediction - target).mean()
"""
REFUSED: dict[str, dict[str, Any]] = {
    "no such --from": {"from_": "nowhere"},
    "--from of another width": {"from_": "wide"},
    "--from of other channels": {"from_": "other"},
    "--from of another kind": {"from_": "wide", "model": "pca"},
    "--from of weights that do not fit": {"from_": "sized", "model": "parts:sized"},
    "no such model": {"model": "lstn"},
    "a model that is none": {"model": "parts:nothing"},
    "a model of another shape": {"model": "parts:narrow"},
    "a model that gives a list": {"model": "parts:fails_later"},
    "a model that raises": {"model": "parts:bad"},
    "no such loss": {"loss": "mser"},
    "a loss of another shape": {"loss": "parts:mean"},
    "no such optimiser": {"optimiser": "adem"},
    "an optimiser that raises": {"optimiser": "parts:bad"},
    "no such optimiser of pca": {"model": "pca", "optimiser": "adem"},
    "no labels": {"normal_only": True},
    "a window longer than the log": {"window": 5000},
    "a batch larger than the log": {"batch_size": 5000},
    "no time at all": {"minutes": 0.0},
    "--compile of an LSTM": {"compile": True},
    "half precision without a GPU": {"precision": "fp16"},
    "no GPU": {"device": "cuda"},
    "no rows to train on": {"train_share": 0.0},
    "a callback that is none": {"callback": "parts:no"},
    "a callback that fails at the start": {"callback": "parts:bad"},
}


def tree(folder: Path) -> dict[str, Any]:
    """Everything below a folder, with what is in it."""
    found: dict[str, Any] = {}
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts:
            is_file = path.is_file() and not path.is_symlink()
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).digest() if is_file else None
    return found


@pytest.fixture(scope="module")
def made(make_store: MakeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refused")
    sections = [(0, 1000, 0), (1000, 1600, 1)]
    make_store(folder / "s.zarr", waves(1600, 3), segments=sections, series=["a", "b"])
    make_store(folder / "o.zarr", waves(1600, 2), segments=sections, series=["a", "b"])
    (folder / "parts.py").write_text(PARTS)
    run(folder, "wide", hidden=32, per_series=False)
    run(folder, "other", "o.zarr", per_series=False)
    run(folder, "one", per_series=False)
    run(folder, "each", per_series=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        (folder / "size").write_text("4")
        run(folder, "sized", model="parts:sized")
        (folder / "size").write_text("5")
    return folder


@pytest.fixture
def plant(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    monkeypatch.syspath_prepend(made)
    return made


def run(folder: Path, out: str, store: str = "s.zarr", **changes: Any) -> longstride.TrainResult:
    usual = {"device": "cpu", "max_steps": 2, "validation_share": 0.2, **SIZES, "stride": 2}
    return longstride.train(folder / store, folder / out, **{**usual, **changes})


@pytest.mark.parametrize("per_series", [False, True], ids=["one", "each"])
@pytest.mark.parametrize("resume", [False, True], ids=["new", "resume"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_nothing(plant: Path, what: str, per_series: bool, resume: bool) -> None:
    changes = REFUSED[what]
    if "from_" in changes:
        changes = {**changes, "from_": plant / changes["from_"]}
    before = tree(plant)
    for out in ("new", "deep/er/new"):
        with pytest.raises(LongstrideError):
            run(plant, out, per_series=per_series, resume=resume, **changes)
        assert tree(plant) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 0.5},
        {"model": "lstn"},
        {"normal_only": True},
        {"store": "o.zarr"},
        {"window": 460, "validation_share": 0.0},  # too long for one of the series
        {"resume": False},
        {"max_steps": 9, "model": "parts:fails_later"},
    ],
    ids=str,
)
@pytest.mark.parametrize("out", ["one", "each"])
def test_a_run_that_is_there_stays_as_it_was(plant: Path, out: str, changes: dict[str, Any]) -> None:
    before = tree(plant)
    with pytest.raises(LongstrideError):
        run(plant, out, per_series=out == "each", **{"resume": True, **changes})
    assert tree(plant) == before


def test_other_files_in_the_folder_stay(plant: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "slurm.log").write_text("started")
    for per_series in (False, True):
        with raises("checkpoint-missing"):
            run(plant, str(tmp_path / "run"), per_series=per_series, from_=plant / "s.zarr")
        assert tree(tmp_path) == {"run": None, "run/slurm.log": hashlib.sha256(b"started").digest()}


def test_a_lock_that_was_withdrawn_is_not_taken_for_one(tmp_path: Path) -> None:
    """Of three trainings: one has opened the lock, another withdraws it, and the third makes a new one."""
    first = RunLock(tmp_path / "run", [])
    opened, at_first = [], training_lock.open_lock

    def open_late(path: Path) -> IO[str]:
        lock = at_first(path)
        if not opened:
            opened.append(lock)
            first.withdraw()
        return lock

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_lock, "open_lock", open_late)
        (tmp_path / "run" / "other").touch()
        second = RunLock(tmp_path / "run", [])
    with raises("run-locked"):
        RunLock(tmp_path / "run", [])
    second.release()
