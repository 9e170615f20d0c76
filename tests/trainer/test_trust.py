"""Code is imported where somebody typed its path, or said that the file which names it is trusted."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.places.bucket import Bucket
from longstride.storage.places.folder import Folder
from longstride.trainer.errors import SettingsError
from longstride.trainer.saved.checkpoint import complete_checkpoints, load_checkpoint, save_checkpoint
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import SIZES, newest_checkpoint

PAYLOAD = """
from pathlib import Path
import torch
Path(__file__).with_name("imported").touch()

def model(settings, shape):
    return torch.nn.Linear(shape.channels, shape.output[1])

def loss(prediction, target):
    return (prediction - target).abs()

def optimiser(weights, lr):
    return torch.optim.SGD(weights, lr=lr)
"""
PARTS = {"model": "payload:model", "loss": "payload:loss", "optimiser": "payload:optimiser"}


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that is there once the module has been imported."""
    (tmp_path / "payload.py").write_text(PAYLOAD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "imported"
    sys.modules.pop("payload", None)


def train(store: Path, *more: str) -> str:
    sizes = [f"--{name.replace('_', '-')}={value}" for name, value in SIZES.items()]
    command = ["train", str(store), "--out=run", "--device=cpu", "--max-steps=2", *sizes, *more]
    return CliRunner().invoke(main, command).output


@pytest.mark.parametrize("setting", PARTS)
def test_a_file_of_settings_imports_nothing(store: Path, imported: Path, setting: str) -> None:
    Path("run.toml").write_text(f'{setting} = "{PARTS[setting]}"')
    refused = train(store, "--config=run.toml")
    assert_refused(refused, "import-untrusted", "run.toml", PARTS[setting], "--trust")
    assert not imported.exists()
    assert not Path("run").exists()
    assert "2 steps" in train(store, "--config=run.toml", "--trust")
    assert imported.exists()


def test_what_is_typed_again_is_trusted(store: Path, imported: Path) -> None:
    Path("run.toml").write_text('model = "elsewhere:model"')
    assert "2 steps" in train(store, "--config=run.toml", "--model=payload:model")
    assert "2 steps" in train(store, "--model=payload:model", "--resume")


def scored(run: str, store: Path | str, **options: Any) -> int:
    return longstride.score(run, store, "scores.parquet", device="cpu", overwrite=True, **options).rows


def with_settings_of_an_old_version(run: Path) -> None:
    """A checkpoint as it was before it held settings."""
    checkpoint = newest_checkpoint(run / "checkpoints")
    assert checkpoint
    state = load_checkpoint(checkpoint)
    del state["settings"]
    torch.save(state, checkpoint / "state.pt")
    (checkpoint / "complete").write_bytes(b"")


@pytest.mark.parametrize("is_old", [False, True])
def test_a_run_imports_nothing(store: Path, imported: Path, is_old: bool) -> None:
    train(store, "--model=payload:model")
    if is_old:
        with_settings_of_an_old_version(Path("run"))
    sys.modules.pop("payload")
    imported.unlink()
    file = "settings.json" if is_old else "state.pt"
    with raises("import-untrusted", "payload:model", "trust=True", "run", file, kind=SettingsError):
        scored("run", store)
    command = ["score", "run", str(store), "--out=scores.parquet", "--device=cpu"]
    assert_refused(CliRunner().invoke(main, command).output, "import-untrusted", "payload:model", "--trust")
    again = ["calibrate", "run", str(store), "--device=cpu"]
    assert_refused(CliRunner().invoke(main, again).output, "import-untrusted", "payload:model", "--trust")
    assert not imported.exists()
    assert CliRunner().invoke(main, [*again, "--trust"]).exit_code == 0
    assert "6,000 rows" in CliRunner().invoke(main, [*command, "--trust"]).output
    assert imported.exists()
    assert scored("run", store, trust=True) == 6000


def test_a_run_that_was_given_a_model_afterwards_imports_nothing(
    store: Path, imported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The model that was trained scores, and a warning says what is wrong."""
    train(store)
    settings = json.loads(Path("run/settings.json").read_text())
    settings["model"]["model"] = "payload:model"
    Path("run/settings.json").write_text(json.dumps(settings))
    assert scored("run", store) == 6000
    warning, *_ = caplog.messages
    assert "settings.json" in warning
    assert "payload:model" in warning
    with_settings_of_an_old_version(Path("run"))
    with raises("import-untrusted", "payload:model", "run/settings.json", kind=SettingsError):
        scored("run", store)
    assert not imported.exists()


URL = "s3://bucket/plant.zarr"


def with_settings(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Other settings in every checkpoint, sealed again, as a stranger would."""
    for checkpoint in complete_checkpoints(run / "checkpoints"):
        state = load_checkpoint(checkpoint)
        change(state["settings"])
        shutil.rmtree(checkpoint)
        save_checkpoint(run / "checkpoints", state["progress"]["step"], state)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses to which a request would be sent."""
    found: list[str] = []

    def get(bucket: Bucket, name: str) -> bytes:
        found.append(bucket.name)
        raise FileNotFoundError(name)

    monkeypatch.setattr(Bucket, "get", get)
    return found


@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:9/plant.zarr", "gs://bucket/plant.zarr"])
@pytest.mark.parametrize("is_old", [False, True])
def test_a_run_sends_no_request(store: Path, imported: Path, asked: list[str], url: str, is_old: bool) -> None:
    """It would be signed with the credentials of the user."""
    train(store)
    with_settings(Path("run"), lambda settings: settings["data"].update(store=url))
    if is_old:
        settings = json.loads(Path("run/settings.json").read_text())
        settings["data"]["store"] = url
        Path("run/settings.json").write_text(json.dumps(settings))
        with_settings_of_an_old_version(Path("run"))
    command = ["score", "run", str(store), "--out=scores.parquet", "--device=cpu"]
    assert_refused(CliRunner().invoke(main, command).output, "calibration-differs", "longstride calibrate run")
    assert CliRunner().invoke(main, ["calibrate", "run", str(store), "--device=cpu"]).exit_code == 0
    assert "6,000 rows" in CliRunner().invoke(main, command).output
    assert "2 steps" in train(store, "--resume")  # the store is the one that was typed
    assert asked == []


def test_a_request_is_sent_where_it_is_typed(store: Path, imported: Path, asked: list[str]) -> None:
    train(store)
    with raises("store-missing", f"{URL}-2"):
        scored("run", f"{URL}-2")
    assert asked == [f"{URL}-2"]


def test_a_store_at_a_url_is_scored(store: Path, imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is read: normal rows are in the run."""
    train(store)
    files = Folder(store)
    monkeypatch.setattr(Bucket, "get", lambda bucket, name: files.get(name))
    monkeypatch.setattr(Bucket, "get_range", lambda bucket, name, *rest: files.get_range(name, *rest))
    longstride.pack(store, Path("packed.zarr"))
    files = Folder(Path("packed.zarr"))
    for url in (URL, f"{URL}/"):
        assert scored("run", url) == 6000


def test_a_file_of_settings_sends_no_request(imported: Path, asked: list[str]) -> None:
    Path("run.toml").write_text(f'store = "{URL}"')
    command = ["train", "--out=run", "--config=run.toml"]
    assert_refused(CliRunner().invoke(main, command).output, "address-untrusted", "run.toml", URL, "--trust")
    assert asked == []
    assert_refused(CliRunner().invoke(main, [*command, "--trust"]).output, "store-missing", URL)
    assert asked == [URL]


def test_a_checkpoint_runs_no_code(store: Path, imported: Path) -> None:
    """Pickles can call anything: those of torch are read as weights only."""
    train(store)
    import payload  # type: ignore[import-not-found]

    imported.unlink()
    checkpoints = Path("run/checkpoints")
    save_checkpoint(checkpoints, 3, {"model": payload.model})
    sys.modules.pop("payload")
    assert scored("run", store) == 6000  # by the one before
    assert not imported.exists()
