"""The wheel: what is in it, and every command of it in a folder whose files have the names of our packages."""

import tarfile
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from tests.helpers.environments import SITES, Environment, build
from tests.helpers.paths import ROOT

USERS_OWN = ("trainer.py", "storage/__init__.py", "pipeline/__init__.py", "benchmarks/__init__.py")
ROWS = 3000


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("environment"), wheel, SITES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a log, and with a user's own modules of our names."""
    for name in USERS_OWN:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise ImportError('a module of the user was imported')\n")
    random = np.random.default_rng(0)
    fault = np.arange(ROWS) % 1000 > 950
    values = random.standard_normal((ROWS, 2)) + 9 * fault[:, None]
    times = np.datetime64("2024-03-01") + np.arange(ROWS).astype("timedelta64[s]")
    rows = zip(times, *values.T, fault.astype(int), strict=True)
    lines = [f"{time},{left:.3f},{right:.3f},{label}" for time, left, right, label in rows]
    (tmp_path / "log.csv").write_text("\n".join(["time,left,right,fault", *lines]))
    return tmp_path


def test_it_holds_one_package_and_its_licence(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"longstride"}
    assert not [name for name in names if "benchmarks" in name or "tests" in name]
    assert "longstride/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    sources = {
        f"longstride/{path.relative_to(ROOT)}"
        for room in ("pipeline", "storage", "trainer")
        for kind in ("*.py", "*.jinja")
        for path in (ROOT / room).rglob(kind)
    }
    assert sources <= set(names)


def test_links_of_its_description_lead_away_from_the_files(wheel: Path) -> None:
    (metadata,) = [name for name in ZipFile(wheel).namelist() if name.endswith("/METADATA")]
    described = message_from_string(ZipFile(wheel).read(metadata).decode())
    text = str(described.get_payload())
    assert "](https://github.com/longstride/longstride/blob/main/docs/order.md)" in text
    assert text.count("](") == text.count("](https://")
    assert {"Typing :: Typed", "Operating System :: POSIX :: Linux"} <= set(described.get_all("Classifier", []))


def test_the_wheel_of_a_source_archive_is_the_same(wheel: Path, tmp_path: Path) -> None:
    build(tmp_path, "sdist")
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    build(tmp_path, "wheel", source=tmp_path / archive.name.removesuffix(".tar.gz"))
    (again,) = tmp_path.glob("*.whl")
    first, second = ZipFile(wheel), ZipFile(again)
    assert sorted(first.namelist()) == sorted(second.namelist())
    for name in first.namelist():
        assert first.read(name) == second.read(name) or name.endswith("/RECORD"), name


@pytest.mark.timeout(600)
def test_every_command_works_beside_modules_of_the_same_names(environment: Environment, folder: Path) -> None:
    def run(program: str, *arguments: object) -> str:
        done = environment.run(program, *arguments, cwd=folder)
        assert done.returncode == 0, f"{program} {arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def longstride(*arguments: object) -> str:
        return run("longstride", *arguments)

    where = Path(run("python", "-c", "import longstride; print(longstride.__file__)").strip())
    assert where.is_relative_to(environment.folder)
    assert longstride("--version") == run("python", "-m", "longstride", "--version")
    sizes = ("--window", 16, "--batch-size", 32, "--hidden", 8, "--latent", 4, "--device", "cpu", "--max-steps", 2)
    ranks = ("--standalone", "--nproc-per-node=2", "-m", "longstride")

    assert 'time = "time"' in longstride("profile", "log.csv")
    longstride("ingest", "log.csv", "--out", "plant.zarr", "--time", "time", "--labels", "fault")
    assert f"{ROWS:,} x 2" in longstride("inspect", "plant.zarr")
    longstride("verify", "plant.zarr")
    longstride("train", "plant.zarr", "--out", "run", *sizes)
    run("python", "-m", "torch.distributed.run", *ranks, "train", "plant.zarr", "--out", "run-of-two", *sizes)
    run("python", "-m", "longstride", "score", "run", "plant.zarr", "--out", "scores.parquet")
    assert "VUS-PR" in longstride("evaluate", "scores.parquet", "plant.zarr")
    longstride("plot", "scores.parquet", "plant.zarr", "--out", "plot.png")
    longstride("pack", "plant.zarr", "packed.zarr")
    longstride("unpack", "packed.zarr", "unpacked.zarr")
    longstride("export", "plant.zarr", "--to", "parquet")
    made = ("run/report.html", "run-of-two/report.html", "plot.png", "unpacked.zarr/zarr.json", "plant.parquet")
    assert all((folder / name).exists() for name in made)
