"""Runs from strangers: whatever lies in them, nothing hangs or is written elsewhere, and there is one error."""

import json
import os
import shutil
import signal
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.storage.errors import LongstrideError
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.loop import Training
from longstride.trainer.models.lstm import EXTRA_STATE
from longstride.trainer.saved.checkpoint import all_checkpoints, best_first, load_checkpoint, save_checkpoint
from tests.helpers.errors import assert_refused, raises
from tests.helpers.runs.training import settings_for

ALONE = Ranks(0, 1, torch.device("cpu"))
State = dict[str, Any]
Change = Callable[[State], object]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """What waits for a pipe would wait forever."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


PUTS = [os.mkfifo, zeros, Path.mkdir, lambda path: path.symlink_to(path)]


def resume(run: Path, store: Path) -> Any:
    return Training(settings_for(store, run, max_steps=22), ALONE, resume=True).run()


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("name", ["state.pt", "complete"])
def test_a_checkpoint_of_other_things_is_passed_over(
    run: Path, store: Path, tmp_path: Path, name: str, put: Callable[[Path], None]
) -> None:
    first, *others = best_first(run / "checkpoints")
    (first / name).unlink()
    put(first / name)
    longstride.calibrate(run, store, device="cpu")
    scored = longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")
    assert scored.checkpoint == others[0].name
    for other in others:
        (other / name).unlink()
        put(other / name)
    with raises("checkpoint-damaged", first / name):
        longstride.score(run, store, tmp_path / "others.parquet", device="cpu")


@pytest.mark.parametrize("put", PUTS)
def test_settings_of_other_things_are_not_read(
    run: Path, store: Path, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    (run / "settings.json").unlink()
    put(run / "settings.json")
    assert longstride.score(run, store, tmp_path / "scores.parquet", device="cpu").rows == 6000
    with raises("path-taken", run / "settings.json"):
        resume(run, store)


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize(
    "name", ["metrics.jsonl", ".lock", "report.html", "calibration.pt", "tensorboard", "checkpoints"]
)
def test_a_run_of_other_things_is_not_resumed(
    run: Path, store: Path, name: str, put: Callable[[Path], None]
) -> None:
    if name in ("tensorboard", "checkpoints"):
        if put is Path.mkdir:
            return
        shutil.rmtree(run / name)
    else:
        (run / name).unlink(missing_ok=True)
    put(run / name)
    with raises("path-taken", run / name):
        resume(run, store)


@pytest.mark.parametrize("put", PUTS)
@pytest.mark.parametrize("name", ["series.json", ".lock", "report.html", "series"])
def test_a_run_of_other_things_for_each_series_is_not_resumed(
    tmp_path: Path, name: str, put: Callable[[Path], None]
) -> None:
    run = tmp_path / "run"
    options: dict[str, Any] = {"per_series": True, "model": "pca", "window": 8, "batch_size": 8, "device": "cpu"}
    values = np.random.default_rng(0).standard_normal((300, 2))
    longstride.train(values, run, **options)
    if name == "series":
        if put is Path.mkdir:
            return
        shutil.rmtree(run / name)
    else:
        (run / name).unlink(missing_ok=True)
    put(run / name)
    with raises("path-taken", run / name):
        longstride.train(values, run, resume=True, **options)


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl", "settings.json", "report.html", "diverged.json"])
def test_a_run_writes_to_no_file_of_others(run: Path, store: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").write_text("mine")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(tmp_path / "mine")
    with raises("path-taken", run / name):
        resume(run, store)
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("put", PUTS)
def test_scores_and_settings_of_other_things_are_not_read(
    store: Path, tmp_path: Path, put: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(Path("other"))
    codes = {"not-a-file", "file-system", "scores-missing"}
    for function in (longstride.Recipe.from_toml, lambda path: longstride.evaluate(path, store)):
        with pytest.raises(LongstrideError) as found:
            function("other")
        assert found.value.code in codes
    if put is Path.mkdir or not Path("other").exists():
        return  # click says so
    for command in (
        ["train", str(store), "--out=run", "--config=other"],
        ["ingest", "log.csv", "--out=s.zarr", "--recipe=other"],
        ["plot", "other", str(store), "--out=plot.png"],
    ):
        Path("log.csv").write_text("time,a\n2024-01-01,1\n")
        assert_refused(CliRunner().invoke(main, command).output, "not-a-file", "other")


def test_a_file_that_the_user_names_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('time = "t"')
    (tmp_path / "link.toml").symlink_to(tmp_path / "recipe.toml")
    assert longstride.Recipe.from_toml(tmp_path / "link.toml").time == "t"
    for text in (b"\xff", b"x = " + b"[" * 100_000, b"x = " + b"9" * 5000, b"x = 2024-02-31"):
        (tmp_path / "recipe.toml").write_bytes(text)
        with raises("recipe-file", "link.toml"):
            longstride.Recipe.from_toml(tmp_path / "link.toml")


def test_a_file_of_holes_takes_no_memory(run: Path, store: Path, tmp_path: Path) -> None:
    newest = all_checkpoints(run / "checkpoints")[0]
    for file in (run / "settings.json", newest / "complete"):
        os.truncate(file, 2**40)
    for state in all_checkpoints(run / "checkpoints"):
        os.truncate(state / "state.pt", 2**40)
    with raises("checkpoint-damaged", run):
        longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")
    (tmp_path / "recipe.toml").touch()
    os.truncate(tmp_path / "recipe.toml", 2**40)
    with raises("file-too-large", "recipe.toml", f"{2**40:,}"):
        longstride.Recipe.from_toml(tmp_path / "recipe.toml")


def with_state(run: Path, change: Change) -> None:
    """Another state in every checkpoint, sealed again."""
    for checkpoint in all_checkpoints(run / "checkpoints"):
        state = load_checkpoint(checkpoint)
        number = state["progress"]["step"]
        change(state)
        shutil.rmtree(checkpoint)
        save_checkpoint(run / "checkpoints", number, state)


def with_state_of_the_newest(run: Path, change: Change) -> None:
    state = load_checkpoint(all_checkpoints(run / "checkpoints")[0])
    change(state)
    shutil.rmtree(run / "checkpoints")
    save_checkpoint(run / "checkpoints", 20, state)


def put(name: str, value: Any) -> Change:
    return lambda state: state.update({name: value})


def put_normal(change: Callable[[torch.Tensor], Any], *names: str) -> Change:
    def put(state: State) -> None:
        for name in names or ("mean", "scale"):
            state["normalisation"][name] = change(state["normalisation"][name])

    return put


def first_weight(change: Callable[[torch.Tensor], Any]) -> Change:
    def put(state: State) -> None:
        name = next(name for name in state["model"] if name != EXTRA_STATE)
        state["model"][name] = change(state["model"][name])

    return put


def order_of_rows(wrong: Any) -> Change:
    def put(state: State) -> None:
        state["model"][EXTRA_STATE] = wrong

    return put


def itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


NO_STATE = [
    put_normal(lambda numbers: numbers.to(torch.complex64)),
    put_normal(lambda numbers: numbers.to_sparse()),
    first_weight(lambda numbers: numbers.to(torch.complex128)),
    put("random", {1, 2}),
    put("more", torch.complex(torch.ones(1), torch.ones(1))),
]
OTHER_STATES = [
    *(put_normal(lambda numbers, to=to: numbers.to(to)) for to in (torch.int64, torch.float32, torch.bool)),  # type: ignore[misc]
    put_normal(lambda numbers: numbers * float("nan")),
    put_normal(lambda numbers: numbers * float("inf"), "mean"),
    put_normal(lambda numbers: numbers * 0, "scale"),
    put_normal(lambda numbers: -numbers, "scale"),
    put_normal(lambda numbers: numbers[:1]),
    put_normal(lambda numbers: numbers[:1].expand(2**40)),
    put_normal(lambda numbers: numbers.tolist()),
    put_normal(lambda numbers: None),
    put("normalisation", {}),
    put("normalisation", [1, 2]),
    put("model", [1]),
    put("model", {}),
    first_weight(lambda numbers: numbers[:1]),
    first_weight(lambda numbers: "x"),
    *(order_of_rows(wrong) for wrong in ("x", None, 1, torch.zeros(2), torch.tensor(2.5))),
]
OTHER_PROGRESS = [
    *({name: "1"} for name in ("epoch", "position", "step", "stale", "best_loss", "first_loss", "interval")),
    *({name: 10**30} for name in ("epoch", "position", "step", "stale", "best_loss", "first_loss")),
    *({name: -1} for name in ("epoch", "position", "step")),
    *({"interval": one} for one in ({"start": "1"}, {"num_windows": 10**400}, {"step_seconds": ["1"]})),
    *({"more": 1}, {"is_judged_ruined": 5}, {"step": None}),
]


@pytest.mark.parametrize(
    ("code", "change"),
    [*(("checkpoint-damaged", one) for one in NO_STATE), *(("run-differs", one) for one in OTHER_STATES)],
)
def test_a_state_that_is_not_of_this_model_is_one_error(
    run: Path, store: Path, tmp_path: Path, code: str, change: Change
) -> None:
    with_state(run, change)
    with raises(code, run):
        longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")
    with raises(code, run):
        resume(run, store)


@pytest.mark.parametrize("fields", OTHER_PROGRESS)
def test_progress_of_another_kind_is_one_error(run: Path, store: Path, fields: State) -> None:
    def change(state: State) -> None:
        before = state["progress"]
        changed = fields.get("interval")
        before |= {"interval": before["interval"] | changed} if isinstance(changed, dict) else fields

    with_state_of_the_newest(run, change)
    with raises("run-differs", run):
        resume(run, store)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["schedule"].update(last_epoch="x"),
        lambda state: state["schedule"].update(base_lrs=["x"]),
        lambda state: state.update(schedule=[1]),
        lambda state: state["optimiser"]["param_groups"][0].update(lr="x"),
        lambda state: state["optimiser"]["param_groups"][0].update(betas=5),
        lambda state: state["optimiser"].update(param_groups=[]),
        lambda state: state["optimiser"]["state"][0].update(exp_avg=torch.zeros(7)),
        lambda state: state.update(optimiser=None),
        lambda state: state.update(random=5),
        lambda state: state.update(random=[["x"]]),
        lambda state: state.pop("progress"),
    ],
)
def test_what_torch_takes_without_a_question_is_one_error(run: Path, store: Path, change: Change) -> None:
    with_state_of_the_newest(run, change)
    with raises("run-differs", run):
        resume(run, store)


def test_more_in_a_schedule_is_left_out(run: Path, store: Path) -> None:
    """It would take the place of a method."""
    with_state_of_the_newest(run, lambda state: state["schedule"].update(step=5, get_lr="x"))
    assert resume(run, store).steps == 22


def test_a_list_that_holds_itself_ends(run: Path, store: Path, tmp_path: Path) -> None:
    with_state(run, put("more", itself()))
    longstride.calibrate(run, store, device="cpu")
    assert longstride.score(run, store, tmp_path / "scores.parquet", device="cpu").rows == 6000


def test_a_state_is_not_unpacked(run: Path, store: Path, tmp_path: Path) -> None:
    """A compressed file of a few kilobytes could hold gigabytes."""
    for checkpoint in all_checkpoints(run / "checkpoints"):
        with zipfile.ZipFile(checkpoint / "state.pt") as whole:
            records = {name: whole.read(name) for name in whole.namelist()}
        with zipfile.ZipFile(checkpoint / "state.pt", "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in records.items():
                packed.writestr(name, data)
        (checkpoint / "complete").write_bytes(b"")
    with raises("checkpoint-damaged", run):
        longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")


@pytest.mark.parametrize(
    ("group", "values"),
    [
        ("data", {"store": "a\0b"}), ("data", {"store": "\ud800"}), ("data", {"store": None}),
        ("data", {"window": 10**30}), ("data", {"stride": 2**63}), ("data", {"batch_size": -(10**30)}),
        ("data", {"cache_dir": "s3://bucket/x"}), ("run", {"out": "s3://bucket/x"}), ("run", {"out": "\0"}),
        ("run", {"minutes": 10**400}), ("optimiser", {"lr": 10**400}), ("model", {"hidden": 10**30}),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_one_error(
    run: Path, store: Path, tmp_path: Path, group: str, values: State
) -> None:
    settings = json.loads((run / "settings.json").read_text())
    settings[group] |= values
    (run / "settings.json").write_text(json.dumps(settings))
    assert longstride.score(run, store, tmp_path / "scores.parquet", device="cpu").rows == 6000
    with_state(run, lambda state: state["settings"][group].update(values))
    with raises("run-damaged", run):
        longstride.score(run, store, tmp_path / "others.parquet", device="cpu")


def test_scores_of_other_rows_are_not_read(store: Path, tmp_path: Path) -> None:
    """A small file can hold any number of them."""
    about = {"longstride": json.dumps({"run": "r", "model": "lstm", "threshold": 1.5})}
    table = pa.table({"time": np.zeros(10**6, np.int64), "score": np.zeros(10**6)})
    pq.write_table(table.replace_schema_metadata(about), tmp_path / "scores.parquet")
    with mock.patch("pyarrow.parquet.ParquetFile.read", side_effect=AssertionError):
        with raises("scores-differ", "1,000,000", "6,000"):
            longstride.evaluate(tmp_path / "scores.parquet", store)
        texts = pa.table({"time": table["time"], "score": ["text"] * 10**6})
        pq.write_table(texts.replace_schema_metadata(about), tmp_path / "texts.parquet")
        with raises("scores-format", "texts.parquet", "string"):
            longstride.evaluate(tmp_path / "texts.parquet", store)
