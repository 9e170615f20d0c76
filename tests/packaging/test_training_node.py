"""A training node: loader and training with five packages and what these require, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import longstride
from longstride.storage.packages import EXTRAS
from longstride.storage.store import SeriesStore
from tests.helpers.environments import Environment, only, required
from tests.helpers.errors import assert_refused
from tests.helpers.paths import ROOT
from tests.helpers.runs.training import waves

PACKAGES = ("numpy", "torch", "google-crc32c", "click", "tqdm")
PAGE = ROOT / "docs/install.md"
SIZES = ("--window", 16, "--batch-size", 32, "--hidden", 8, "--latent", 4, "--device", "cpu")
EPOCH = """
import importlib.util, sys
import longstride

assert not [name for name in sys.argv[2:] if importlib.util.find_spec(name)]
loader = longstride.WindowLoader(longstride.open(sys.argv[1]), window=16, stride=4, batch_size=32)
print(longstride.__file__)
print(len(loader), sum(tuple(batch.values.shape) == (32, 16, 3) for batch in loader))
"""
OTHERS = {
    "profile": ("log.csv",),
    "ingest": ("log.csv", "--out", "new.zarr"),
    "pack": ("plant.zarr", "new.zarr"),
    "unpack": ("packed.zarr", "unpacked.zarr"),
    "export": ("plant.zarr", "--to", "parquet"),
    "deploy": ("run", "--to", "onnx", "--out", "model"),
    "score": ("run", "plant.zarr", "--out", "scores.parquet"),
    "evaluate": ("scores.parquet", "plant.zarr"),
    "plot": ("scores.parquet", "plant.zarr", "--out", "plot.png"),
    "inspect": ("s3://bucket/plant.zarr",),
}
"""Commands that need more packages."""


@pytest.fixture(scope="module")
def node(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("node")
    return Environment(folder / "environment", wheel, [only(PACKAGES, folder / "packages")])


@pytest.fixture(scope="module")
def folder(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stores made elsewhere."""
    folder = tmp_path_factory.mktemp("work")
    longstride.pack(make_store(folder / "plant.zarr", waves(3000, 3)), folder / "packed.zarr")
    (folder / "log.csv").write_text("time,a\n2024-03-01,1\n")
    return folder


def test_the_page_lists_what_a_node_needs() -> None:
    assert f"\npip install {' '.join(PACKAGES)}\n" in PAGE.read_text(encoding="utf-8")


def test_a_loader_serves_an_epoch(node: Environment, folder: Path) -> None:
    hidden = sorted({name.partition(".")[0] for name in EXTRAS} - required(PACKAGES))
    assert {"matplotlib", "numcodecs", "polars", "pyarrow", "sklearn", "tensorboard", "zarr"} <= set(hidden)
    done = node.run("python", "-c", EPOCH, "plant.zarr", *hidden, cwd=folder)
    assert done.returncode == 0, done.stderr
    where, counts = done.stdout.splitlines()
    assert Path(where).is_relative_to(node.folder)
    steps, served = map(int, counts.split())
    assert steps == served > 20


def test_a_run_begins_and_resumes(node: Environment, folder: Path) -> None:
    for steps, more in ((2, ()), (4, ("--resume",))):
        command = ("train", "plant.zarr", "--out", "run", *SIZES, "--max-steps", steps, *more)
        done = node.run("longstride", *command, cwd=folder)
        assert done.returncode == 0, done.stderr
        lines = (folder / "run/metrics.jsonl").read_text().splitlines()
        summary = json.loads(lines[-1])
        assert (summary["steps"], summary["report"]) == (steps, None)
        assert "matplotlib is not installed: `pip install longstride`" in done.stderr
        assert "tensorboard is not installed: `pip install 'longstride[tensorboard]'`" in done.stderr
    assert not (folder / "run/report.html").exists()
    assert node.run("longstride", "verify", "plant.zarr", cwd=folder).returncode == 0


@pytest.mark.parametrize("command", OTHERS)
def test_other_commands_say_what_to_install(node: Environment, folder: Path, command: str) -> None:
    done = node.run("longstride", command, *OTHERS[command], cwd=folder)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert_refused(done.stderr, "package-missing", "pip install")


def test_other_names_say_what_to_install(node: Environment, folder: Path) -> None:
    done = node.run("python", "-c", "import longstride; longstride.ingest", cwd=folder)
    assert done.returncode == 1
    assert "PackageError: the package polars is not installed: `pip install longstride`" in done.stderr
