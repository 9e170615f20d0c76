"""What a newcomer may do wrong with the public functions: an error with a code, and nothing silent."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.store import SeriesStore
from tests.helpers.errors import assert_refused, raises
from tests.helpers.paths import ROOT

Make = Callable[..., SeriesStore]
RECIPE = longstride.Recipe(time="time")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "plant.csv"
    path.write_text("time,a\n" + "".join(f"2024-01-01T00:00:{second:02},{second}\n" for second in range(60)))
    return path


def test_one_source_needs_no_list(log: Path, tmp_path: Path) -> None:
    assert longstride.ingest(log, tmp_path / "one.zarr", RECIPE).store == str(tmp_path / "one.zarr")
    longstride.ingest(str(log), tmp_path / "two.zarr", RECIPE)
    assert repr(longstride.profile(log)).startswith("# A proposal")
    with raises("option-value", "the source 3"):
        longstride.ingest([3], tmp_path / "three.zarr", RECIPE)  # type: ignore[list-item]


def test_a_misspelt_option_of_an_ingest_is_refused(log: Path, tmp_path: Path) -> None:
    for function in (longstride.append, longstride.rebuild, longstride.ingest):
        with pytest.raises(TypeError, match="worker"):
            function([log], tmp_path / "plant.zarr", recipe=RECIPE, worker=2)  # type: ignore[operator]
    assert not (tmp_path / "plant.zarr").exists()
    with raises("option-value", "workers=0"):
        longstride.ingest([log], tmp_path / "plant.zarr", RECIPE, workers=0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("workers", 1.5),
        ("workers", "2"),
        ("workers", True),
        ("dask", 5),
        ("progress", "bar"),
        ("piece_bytes", 1.5),
        ("bucket_bytes", "1 MB"),
    ],
)
def test_an_ingest_checks_the_types_of_its_options(log: Path, tmp_path: Path, option: str, value: Any) -> None:
    for function in (longstride.append, longstride.rebuild, longstride.ingest):
        more: dict[str, Any] = {option: value, **({"recipe": RECIPE} if function is longstride.ingest else {})}
        with raises("option-value", option, repr(value)):
            function([log], tmp_path / "plant.zarr", **more)  # type: ignore[operator]
    assert not (tmp_path / "plant.zarr").exists()


@pytest.mark.parametrize(
    ("function", "arguments", "option"),
    [
        ("pack", {"dest": "new.zarr", "workers": 1.5}, "workers"),
        ("pack", {"dest": "new.zarr", "codec": ["zstd"]}, "codec"),
        ("pack", {"dest": "new.zarr", "dask": 5}, "dask"),
        ("pack", {"dest": "new.zarr", "progress": 1}, "progress"),
        ("pack", {"dest": "new.zarr", "shard_bytes": "large"}, "shard_bytes"),
        ("unpack", {"dest": "new.zarr", "workers": "2"}, "workers"),
        ("export", {"out": "new.parquet", "to": []}, "to"),
        ("export", {"out": "new.parquet", "to": "parquet", "rows": 5}, "rows"),
        ("export", {"out": "new.parquet", "to": "parquet", "rows": ("a", "b")}, "rows"),
        ("export", {"out": "new.parquet", "to": "parquet", "rows": (0, 1.5)}, "rows"),
        ("export", {"out": "new.parquet", "to": "parquet", "rows": (0, 1, 2)}, "rows"),
        ("export", {"out": "new.parquet", "to": "parquet", "overwrite": "no"}, "overwrite"),
        ("split_by_time", {"window": 1.5}, "window"),
        ("split_by_time", {"window": 16, "train": "most"}, "train"),
        ("split_by_time", {"window": 16, "horizon": None}, "horizon"),
        ("split_by_date", {"window": 16, "test": "soon"}, "test"),
        ("split_by_series", {"seed": "x"}, "seed"),
        ("split_within_series", {"window": 16, "train": "most"}, "train"),
        ("split_in_blocks", {"window": 16, "blocks": 2.5}, "blocks"),
        ("profile", {"rows": "many"}, "rows"),
    ],
)
def test_functions_check_the_types_of_their_options(
    make_store: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, arguments: Any, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    store = make_store(tmp_path / "plant.zarr")
    with raises("option-value", option, repr(arguments[option])):
        getattr(longstride, function)(store, **arguments)
    assert not list(tmp_path.glob("new*"))


@pytest.mark.parametrize("recipe", [{"time": "time"}, "recipe.toml", None])
def test_what_is_not_a_recipe_is_refused(log: Path, tmp_path: Path, recipe: Any) -> None:
    if recipe is None:
        recipe = longstride.profile([log])
    with raises("recipe-value", type(recipe).__name__):
        longstride.ingest([log], tmp_path / "plant.zarr", recipe)


@pytest.mark.parametrize(
    "setting",
    [
        *({"labels": "a"}, {"channels": "ab"}, {"time": 3}, {"separator": None}, {"every": 3}),
        *({name: "\ud800"} for name in ("time", "timezone", "series", "pivot", "sql")),
        *({name: ["a", "\udcff"]} for name in ("labels", "channels", "exclude", "unit", "header", "null")),
        *({"encoding": name} for name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7")),
        *({"encoding": name} for name in ("undefined", "hex", "rot13", "iso2022_jp", "hz", "a\0b", "\ud800", "")),
    ],
)
def test_a_recipe_checks_types(setting: dict[str, Any]) -> None:
    with raises("recipe-value", *setting):
        longstride.Recipe(**{"time": "time", **setting})


def test_a_recipe_takes_lists_and_needs_a_time() -> None:
    assert longstride.Recipe(time="time", channels=["a"]).channels == ("a",)  # type: ignore[arg-type]
    for nothing in ("", ()):
        with raises("time-unnamed"):
            longstride.Recipe(time=nothing)


def test_a_url_is_not_made_a_folder(
    log: Path, make_store: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store, url = make_store(tmp_path / "plant.zarr"), "s3://bucket/new"
    with raises("not-a-folder", url):
        longstride.ingest([log], url, RECIPE)
    with raises("not-a-folder", url):
        longstride.export(store, url, "parquet")
    with raises("not-a-folder", url):
        longstride.train(store, url)
    with raises("not-a-folder", url):
        longstride.score(tmp_path / "run", store, url)
    with raises("not-a-folder", url):
        longstride.evaluate(url, store)
    assert not Path("s3:").exists()


@pytest.mark.parametrize("path", [3, None, b"plant.zarr", "", "a\0b"])
def test_what_is_not_a_path_is_refused(path: Any) -> None:
    with raises("option-value", repr(path)):
        longstride.open(path)


def test_a_path_is_taken_where_a_store_is(make_store: Make, tmp_path: Path) -> None:
    path = make_store(tmp_path / "plant.zarr", rows=3000).path
    longstride.pack(path, tmp_path / "packed.zarr")
    longstride.unpack(tmp_path / "packed.zarr", tmp_path / "unpacked.zarr")
    longstride.export(tmp_path / "unpacked.zarr", tmp_path / "plant.parquet", "parquet")
    assert len(longstride.split_by_time(path, window=16).train.segments) == 1
    with raises("option-value", "csv"):
        longstride.export(path, tmp_path / "plant.csv", "csv")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("pool_rows", 0),
        ("block_rows", 0),
        ("cache_bytes", -1),
        ("num_workers", -1),
        ("channels", 3),
        ("shuffle", "no"),
        ("seed", 1.5),
        ("split", ["train"]),
    ],
)
def test_a_loader_refuses_what_cannot_work(make_store: Make, tmp_path: Path, option: str, value: Any) -> None:
    store = make_store(tmp_path / "plant.zarr")
    with raises("option-value", option):
        longstride.WindowLoader(store, **{"window": 16, "batch_size": 8, option: value})


def test_a_loader_refuses_a_device_and_a_state_that_do_not_exist(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr")
    with raises("device-missing", "gpu"):
        longstride.WindowLoader(store, window=16, batch_size=8, device="gpu")
    loader = longstride.WindowLoader(store, window=16, batch_size=8)
    with raises("state-format"):
        loader.load_state_dict(None)  # type: ignore[arg-type]
    state = loader.state_dict()
    with raises("state-format", "'x'"):
        loader.load_state_dict({**state, "epoch": "x"})
    wrong: list[Any] = [
        *([], {}, 5, "x", {"format": 1}, {**state, "format": np.arange(3)}, {**state, "more": {1, 2}}),
        *({**state, "order": order} for order in ("x", None, [], 5, {1: 2, "a": 3}, {"seed": np.arange(3)})),
        *({**state, name: number} for name in ("epoch", "step") for number in (10**20, -1, 1.5, True, None)),
    ]
    for one in wrong:
        with raises("state-format"):
            loader.load_state_dict(one)
    assert loader.state_dict() == state
    for epoch, step in ((10**20, 0), (-1, 0), (0, "x"), (0, 10**20), (0, 1.5)):
        with raises("option-value"):
            loader.set_epoch(epoch, step)  # type: ignore[arg-type]
    with raises("option-value", "'1'"):
        loader.set_epoch("1")  # type: ignore[arg-type]
    with raises("option-value", "window=0"):
        longstride.split_by_time(store, window=0)


def test_training_and_scores_refuse_what_is_of_another_kind(make_store: Make, tmp_path: Path) -> None:
    store = make_store(tmp_path / "plant.zarr")
    for wrong in (3, None, [], [[store]], [store, 3]):
        with raises("option-value", "--store"):
            longstride.train(wrong, tmp_path / "run")  # type: ignore[arg-type]
    with raises("option-value", "window is '16'", kind=longstride.SettingsError):
        longstride.train(store, tmp_path / "run", window="16")  # type: ignore[arg-type]
    with raises("path-taken", "plant.zarr"):
        longstride.train(store, store.path, window=16, batch_size=64, device="cpu", max_steps=1)
    with raises("path-taken"):
        longstride.score(tmp_path / "run", store, tmp_path)
    with raises("scores-missing", "none.parquet"):
        longstride.evaluate(tmp_path / "none.parquet", store)
    for wrong in ("x", float("nan")):
        with raises("option-value", "--threshold"):
            longstride.evaluate(tmp_path / "none.parquet", store, threshold=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [["train", "plant.zarr"], ["score", "run", "plant.zarr"]])
def test_a_command_without_its_out_shows_its_usage(command: list[str]) -> None:
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "Missing option '--out'" in result.output) == (2, True)


def test_a_rank_without_its_fellows_is_refused(make_store: Make, tmp_path: Path) -> None:
    make_store(tmp_path / "plant.zarr")
    command = [sys.executable, "-m", "longstride", "train", "plant.zarr", "--out", "run", "--device", "cpu"]
    lone = {name: value for name, value in os.environ.items() if name != "WORLD_SIZE"} | {"RANK": "0"}
    done = subprocess.run(
        command, cwd=tmp_path, env={**lone, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert_refused(done.stderr, "ranks-incomplete", "WORLD_SIZE")


def test_a_picture_is_not_written_to_a_url(
    make_store: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_store(tmp_path / "plant.zarr")
    result = CliRunner().invoke(main, ["plot", "none.parquet", "plant.zarr", "--out", "s3://bucket/plot.png"])
    assert_refused(result.output, "not-a-folder", "s3://bucket/plot.png")
