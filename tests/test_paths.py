"""Paths that users give: every option and parameter that is one is walked over, so that none is forgotten."""

import inspect
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import zarr
from click.testing import CliRunner

import longstride
from longstride.__main__ import COMMANDS, main
from longstride.storage.cli.group import LocalPath
from longstride.storage.store import SeriesStore
from tests.helpers.command_lines import COMMAND_LINES, line, make_plant
from tests.helpers.errors import assert_refused, raises

Make = Callable[..., SeriesStore]

URL = "s3://bucket/x"
NOT_PATHS = {
    "dask", "time", "time_format", "date_from", "melt", "start", "round_time", "timezone", "series", "series_from",
    "prefix_from", "pivot", "labels", "channels", "exclude", "unit", "separator", "encoding", "header", "null",
    "max_rejects", "sql", "rate", "every", "comment", "skip_lines", "skip_below_header", "aggregate", "fill_limit",
    "max_gap", "split_on_missing", "rows", "model", "loss", "optimiser", "callback", "decimal", "thousands",
    "strip", "columns", "columns_at", "spread_over", "line", "record", "only_lines", "negative", "scale",
    "states", "table", "since", "until", "label",
}  # fmt: skip
"""Options that take text which is not a path."""
PLACES = {"store", "dest", "sources", "pairs"}
"""Paths or URLs."""


@pytest.fixture(scope="module")
def plant(make_store: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plant(make_store, tmp_path_factory.mktemp("plant"))


@pytest.fixture
def home(plant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the home of the user; the working directory is empty."""
    shutil.copytree(plant, tmp_path / "home")
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    for name in COMMANDS:
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        yield from ((name, parameter) for parameter in command.params)


def takes_text(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, click.Path | click.types.StringParamType)


def test_every_option_that_takes_text_is_known_to_be_a_path_or_none() -> None:
    for command, parameter in parameters():
        assert parameter.name
        if not takes_text(parameter) or parameter.name in NOT_PATHS:
            continue
        name = parameter.name if isinstance(parameter, click.Argument) else parameter.opts[0]
        assert name in COMMAND_LINES[command], f"{command} {name}: a path, or one of NOT_PATHS?"
        is_local = isinstance(parameter.type, LocalPath)
        assert is_local != (parameter.name in PLACES), f"{command} {name}: a LocalPath, or one of PLACES?"
    assert {parameter.name for _, parameter in parameters()} >= NOT_PATHS


@pytest.mark.parametrize("command", COMMAND_LINES)
def test_a_home_is_found_in_every_path(home: Path, command: str) -> None:
    known = {name for name in COMMAND_LINES[command] if name not in ("--to", "--device", "--alarms")}
    arguments = line(command, **{name: f"~/{COMMAND_LINES[command][name]}" for name in known})
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert list(Path().iterdir()) == []


LOCAL = [
    (command, parameter.name if isinstance(parameter, click.Argument) else parameter.opts[0])
    for command, parameter in parameters()
    if isinstance(parameter.type, LocalPath)
]


@pytest.mark.parametrize("url", [URL, "s3:/bucket/x"])
@pytest.mark.parametrize(("command", "name"), [*LOCAL, ("unpack", "dest")])
def test_a_url_is_refused_where_a_path_of_this_machine_is_needed(
    home: Path, command: str, name: str, url: str
) -> None:
    result = CliRunner().invoke(main, line(command, home, **{name: url}))
    assert result.exit_code == 1
    assert_refused(result.output, "not-a-folder", "s3:")
    assert list(Path().iterdir()) == []


def make_wrong_paths(home: Path) -> None:
    """What stands where something else was expected."""
    (home / "empty").touch()
    (home / "folder").mkdir()
    zarr.create_array(home / "array.zarr", shape=(10,), dtype="f4")
    zarr.create_group(home / "group.zarr")
    (home / "closed").mkdir()
    (home / "binary").write_bytes(bytes(range(256)) * 20)


KINDS = (
    "missing", "plant.csv", "empty", "folder", "array.zarr", "group.zarr", "binary", "run", "s.parquet",
    "too long",
)  # fmt: skip
INPUTS = [
    (command, name)
    for command, names in COMMAND_LINES.items()
    for name in names
    if name in ("store", "scores", "pairs", "run", "--recipe", "--label-file", "--config")
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("command", "name"), INPUTS)
def test_a_wrong_input_is_one_line_and_nothing_is_written(home: Path, command: str, name: str, kind: str) -> None:
    right = {("scores", "s.parquet"), ("pairs", "s.parquet"), ("run", "run")}
    if (name, kind) in right or (name in ("--recipe", "--config") and kind == "empty"):
        pytest.skip("this is what is expected there")
    make_wrong_paths(home)
    result = CliRunner().invoke(main, line(command, home, **{name: str(wrong_path(home, kind))}))
    assert result.exit_code in (1, 2), result.output
    last = result.output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert result.exit_code == 2 or re.search(r" \[[a-z-]+\]$", last), result.output
    assert result.exit_code == 2 or result.output.count("\n") == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not list(home.glob("new*"))
    assert list(Path().iterdir()) == []


def wrong_path(home: Path, kind: str) -> Path:
    return home / ("x" * 300) if kind == "too long" else home / kind


OUTPUTS = [
    (command, name) for command, names in COMMAND_LINES.items() for name in names if name in ("--out", "dest")
]
SUFFIX = {"plot": ".png"}


@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "device", "below a file", "too long"])
@pytest.mark.parametrize(("command", "name"), OUTPUTS)
def test_a_wrong_output_is_refused_before_the_work(home: Path, command: str, name: str, kind: str) -> None:
    out = home / f"taken{SUFFIX.get(command, '')}"
    match kind:
        case "file":
            out.write_bytes(b"mine")
        case "folder":
            out.mkdir()
            (out / ("metrics.jsonl" if command == "train" else "mine")).write_bytes(b"mine")
        case "pipe":
            os.mkfifo(out)
        case "device":
            out.symlink_to("/dev/null")
        case "below a file":
            (home / "file").write_bytes(b"mine")
            out = home / "file" / out.name
        case "too long":
            out = home / ("x" * 300 + out.suffix)
    before = sorted(home.rglob("*"))
    result = CliRunner().invoke(main, line(command, home, **{name: str(out)}))
    assert result.exit_code == 1, result.output
    assert result.output.count("\n") == 1, result.output  # not even the codecs were tried
    code = re.search(r"\[([a-z-]+)\]$", result.output.strip())
    assert code
    assert code[1] in ("path-taken", "file-system", "place-unreachable"), result.output
    assert [path for path in sorted(home.rglob("*")) if "cache" not in path.parts] == before
    mine = {"file": out, "folder": next(out.iterdir()) if kind == "folder" else out, "below a file": home / "file"}
    assert kind not in mine or mine[kind].read_bytes() == b"mine"


def functions() -> list[str]:
    return [name for name in longstride.__all__ if inspect.isfunction(getattr(longstride, name))]


PATHS_OF_FUNCTIONS: dict[str, dict[str, Any]] = {
    "open": {"path": "plant.zarr"},
    "ingest": {"sources": "plant.csv", "out": "new.zarr", "recipe": longstride.Recipe(time="time")},
    "append": {"sources": "plant.csv", "out": "plant.zarr"},
    "rebuild": {"sources": "plant.csv", "out": "plant.zarr"},
    "profile": {"names": "plant.csv"},
    "pack": {"store": "plant.zarr", "dest": "new.zarr"},
    "unpack": {"store": "packed.zarr", "dest": "new.zarr"},
    "export": {"store": "plant.zarr", "out": "new.parquet", "to": "parquet"},
    "split_by_time": {"store": "plant.zarr", "window": 16},
    "split_by_date": {"store": "plant.zarr", "window": 16, "test": "2024-03-01"},
    "split_by_series": {"store": "plant.zarr"},
    "split_within_series": {"store": "plant.zarr", "window": 16},
    "split_in_blocks": {"store": "plant.zarr", "window": 16},
    "train": {
        "store": "packed.zarr",
        "out": "new",
        "cache_dir": "cache",
        "from_": "run",
        "window": 16,
        "hidden": 4,
        "latent": 4,
    },
    "calibrate": {"run": "run", "store": "plant.zarr"},
    "deploy": {"run": "run", "out": "new"},
    "score": {"run": "run", "store": "plant.zarr", "out": "new.parquet", "events": "new.json"},
    "evaluate": {"scores": "s.parquet", "store": "plant.zarr"},
}
IS_PATH = re.compile(r"PathLike|StrPath|StoreOrPath|Names")


@pytest.mark.parametrize("name", functions())
def test_every_parameter_of_a_function_that_is_a_path_is_listed(name: str) -> None:
    for parameter in inspect.signature(getattr(longstride, name)).parameters.values():
        if IS_PATH.search(str(parameter.annotation)):
            assert parameter.name in PATHS_OF_FUNCTIONS[name], f"{name}({parameter.name}=)"


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (name, one)
        for name, given in PATHS_OF_FUNCTIONS.items()
        for one in given
        if one not in ("recipe", "to", "window", "hidden", "latent", "test")
    ],
)
@pytest.mark.parametrize("path", ["x" * 300, Path(URL)])
def test_a_function_gives_each_error_a_code(home: Path, name: str, parameter: str, path: Any) -> None:
    given = {
        key: str(home / value) if isinstance(value, str) and key not in ("to", "test") else value
        for key, value in PATHS_OF_FUNCTIONS[name].items()
    }
    if name in ("train", "calibrate", "score"):
        given["device"] = "cpu"
    before = sorted(home.rglob("*"))
    with pytest.raises(longstride.LongstrideError) as caught:
        getattr(longstride, name)(**given | {parameter: path})
    assert caught.value.code
    assert list(Path().iterdir()) == []
    assert [one for one in sorted(home.rglob("*")) if "cache" not in one.parts] == before


def test_a_loader_refuses_a_url_as_its_cache(home: Path) -> None:
    with raises("not-a-folder", URL):
        longstride.WindowLoader(home / "packed.zarr", window=16, batch_size=8, cache_dir=URL)
