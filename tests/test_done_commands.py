"""A command is killed when its work is done, and run again: it ends well, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.command_lines import COMMAND_LINES, line, make_plant
from tests.helpers.errors import assert_refused

pytestmark = pytest.mark.campaign

WRITERS = {"ingest": "new.zarr", "pack": "new.zarr", "unpack": "new.zarr", "export": "new.parquet",
           "deploy": "new", "score": "new.parquet", "plot": "new.png"}  # fmt: skip
PLACES = [*WRITERS.items(), ("plot", "new.svg"), ("plot", "new.pdf")]


@pytest.fixture(scope="module")
def plant(make_store: Callable[..., SeriesStore], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(make_store, tmp_path_factory.mktemp("plant"))


def at(command: str, plant: Path, out: Path) -> list[str]:
    target = "dest" if "dest" in COMMAND_LINES[command] else "--out"
    return line(command, plant, **{target: str(out)})


def state(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_all_commands_that_write_are_here() -> None:
    """But training, which --resume goes on with."""
    writers = {name for name, names in COMMAND_LINES.items() if "--out" in names or "dest" in names}
    assert writers == {*WRITERS, "train"}


@pytest.mark.parametrize(("command", "name"), PLACES)
def test_the_same_command_again(plant: Path, tmp_path: Path, command: str, name: str) -> None:
    told, states = [], []
    for _ in range(2):
        result = CliRunner().invoke(main, at(command, plant, tmp_path / name), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        told.append("nothing was done" in result.output)
        states.append(state(tmp_path))
    assert told == [False, True]
    assert states[0] == states[1]


@pytest.mark.parametrize(("command", "name"), PLACES)
def test_something_else_is_in_its_place(plant: Path, tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / name).write_bytes(b"of others")
    result = CliRunner().invoke(main, at(command, plant, tmp_path / name))
    assert result.exit_code == 1
    assert_refused(result.output, "path-taken", tmp_path / name)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of others"]


@pytest.mark.parametrize("name", ["new.png", "new.svg", "new.pdf"])
def test_another_picture_and_half_a_picture(plant: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    command = at("plot", plant, out)
    assert CliRunner().invoke(main, command).exit_code == 0
    for other in (["--rows", "0:100"], ["--channels", "c1"]):
        assert_refused(CliRunner().invoke(main, [*command, *other]).output, "path-taken", out)
    out.write_bytes(out.read_bytes()[:-20])
    assert_refused(CliRunner().invoke(main, command).output, "path-taken", out)
