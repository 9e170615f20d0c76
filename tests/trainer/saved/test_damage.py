"""Files of a run with a bit turned over, or cut short: it is noticed, and said on one line."""

import json
import logging
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import longstride
from longstride.storage.errors import LongstrideError
from longstride.trainer.engine.distributed import Ranks
from longstride.trainer.engine.metrics import read_metrics
from longstride.trainer.errors import RunError, ScoresError
from longstride.trainer.loop import Training
from longstride.trainer.saved.checkpoint import all_checkpoints, best_first, first_whole, load_checkpoint
from longstride.trainer.saved.run_settings import settings_of
from longstride.trainer.scoring.score_reader import read_scores
from tests.helpers.campaigns import count, trials
from tests.helpers.errors import raises
from tests.helpers.runs.training import settings_for

ALONE = Ranks(0, 1, torch.device("cpu"))
pytestmark = pytest.mark.campaign

NUM_DAMAGES = trials(150, 2000)


def damages(data: bytes) -> Iterator[bytes]:
    """One bit each, or the end cut off."""
    choice = random.Random(0)
    count("damages of checkpoints, settings and scores", NUM_DAMAGES)
    for number in range(NUM_DAMAGES):
        if number % 5 == 4:
            yield data[: choice.randrange(len(data))]
            continue
        position = choice.randrange(len(data))
        yield data[:position] + bytes([data[position] ^ 1 << choice.randrange(8)]) + data[position + 1 :]


def code_of(function: Callable[[], Any]) -> str | None:
    """Of the error that it raises, if it does."""
    try:
        function()
    except LongstrideError as error:
        return error.code
    return None


@pytest.mark.parametrize("name", ["state.pt", "complete"])
def test_no_damage_of_a_checkpoint_is_silent(run: Path, name: str) -> None:
    newest = all_checkpoints(run / "checkpoints")[0]
    file = newest / name
    for damaged in damages(file.read_bytes()):
        file.write_bytes(damaged)
        if name == "complete" and not damaged:
            continue  # as an older version wrote it
        with raises("checkpoint-damaged", newest, kind=RunError):
            load_checkpoint(newest)


@pytest.mark.parametrize("name", ["state.pt", "complete"])
def test_a_missing_file_is_damage(run: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    newest, before = all_checkpoints(run / "checkpoints")[:2]
    (newest / name).unlink()
    assert first_whole(all_checkpoints(run / "checkpoints"), run).path == before
    (warning,) = caplog.messages
    assert all(fact in warning for fact in (newest.name, name, before.name))


def test_a_checkpoint_of_an_older_version_has_no_checksum(run: Path) -> None:
    newest = all_checkpoints(run / "checkpoints")[0]
    expected = load_checkpoint(newest)
    (newest / "complete").write_bytes(b"")
    assert torch.equal(load_checkpoint(newest)["random"][0][0], expected["random"][0][0])
    data = (newest / "state.pt").read_bytes()
    for damaged in damages(data):
        (newest / "state.pt").write_bytes(damaged)
        assert code_of(lambda: load_checkpoint(newest)) in (None, "checkpoint-damaged")  # nobody sees a weight


def test_the_best_one_that_is_damaged_is_not_what_scores(
    run: Path, store: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best, *others = best_first(run / "checkpoints")
    (best / "state.pt").write_bytes((best / "state.pt").read_bytes()[:-1])
    with raises("calibration-differs", run, "longstride calibrate", kind=RunError):
        longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")
    (warning,) = caplog.messages
    longstride.calibrate(run, store, device="cpu")
    scored = longstride.score(run, store, tmp_path / "scores.parquet", device="cpu")
    assert scored.checkpoint == others[0].name != best.name
    assert all(fact in warning for fact in (best.name, "is damaged", others[0].name))
    assert best.exists()  # who scores, removes nothing
    for other in others:
        (other / "state.pt").unlink()
    with raises("checkpoint-damaged", best, run, kind=RunError):
        longstride.score(run, store, tmp_path / "others.parquet", device="cpu")


def test_no_damage_of_the_settings_changes_a_model(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The checkpoint holds them as well, with a checksum."""
    newest = first_whole(all_checkpoints(run / "checkpoints"), run)
    expected, _ = settings_of(run, newest)
    file = run / "settings.json"
    for damaged in [*damages(file.read_bytes()), b"", b"[" * 100_000, b"null", b"\xff\xfe", b'{"data": 3}']:
        file.write_bytes(damaged)
        assert settings_of(run, newest)[0] == expected
    assert len(caplog.messages) > NUM_DAMAGES * 0.6  # others are in the path of the store, or in spaces
    file.unlink()
    assert settings_of(run, newest)[0] == expected


def test_damaged_settings_of_an_older_version_are_one_error(run: Path, store: Path) -> None:
    newest = first_whole(all_checkpoints(run / "checkpoints"), run)
    del newest.state["settings"]
    expected, _ = settings_of(run, newest)
    file = run / "settings.json"
    whole = file.read_bytes()
    for damaged in damages(whole):
        file.write_bytes(damaged)
        assert code_of(lambda: settings_of(run, newest)) in (None, "run-damaged")
    file.write_bytes(whole)
    assert settings_of(run, newest)[0] == expected
    for state in all_checkpoints(run / "checkpoints"):
        content = load_checkpoint(state)
        del content["settings"]
        torch.save(content, state / "state.pt")
        (state / "complete").write_bytes(b"")
    file.write_bytes(whole[:-5])
    with raises("run-damaged", file, kind=RunError):
        Training(settings_for(store, run, max_steps=30), ALONE, resume=True)


def test_a_run_with_damaged_settings_and_metrics_is_resumed(
    run: Path, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, *others = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join([first, b"\xff{\n", *others[:-1], others[-1][:9]]))
    (run / "settings.json").write_bytes(b"\0" * 50)
    result = Training(settings_for(store, run, max_steps=30), ALONE, resume=True).run()
    assert result.steps == 30
    assert any("settings.json" in message for message in caplog.messages)
    assert any("metrics.jsonl: 1 damaged lines are left out (line 2)" in message for message in caplog.messages)
    assert [line["step"] for line in read_metrics(run / "metrics.jsonl") if line["kind"] == "train"] == [
        7, 14, 21, 28, 30,
    ]  # fmt: skip
    assert json.loads((run / "settings.json").read_text())["run"]["max_steps"] == 30


@pytest.mark.parametrize(
    "line",
    [
        b"3", b"[]", b"null", b"{}", b'{"kind": "train"}',
        b'{"kind": "train", "step": "5", "epoch": 0, "loss": 1}',
        b'{"kind": "train", "step": 5, "epoch": 0, "loss": "low"}', b'{"kind": "train", "step": 5, "epoch": 0}',
        b'{"kind": "validation", "step": 5, "loss": 1}', b'{"kind": "other", "step": 5}', b"[" * 100_000,
        b'{"kind": "train", "step": 5, "epoch": 0, "loss": 1' + b"0" * 400 + b"}", b"\xff", b"",
    ],
)  # fmt: skip
def test_a_damaged_line_of_metrics_is_left_out(
    tmp_path: Path, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    good = b'{"kind": "train", "step": 5, "epoch": 0, "loss": 0.5, "lr": null}\n'
    (tmp_path / "metrics.jsonl").write_bytes(good + line + b"\n" + good)
    assert read_metrics(tmp_path / "metrics.jsonl") == 2 * [json.loads(good)]
    assert "(line 2)" in caplog.text


def test_no_damage_of_scores_is_silent(run: Path, store: Path, tmp_path: Path) -> None:
    path, opened = tmp_path / "scores.parquet", longstride.open(store)
    longstride.score(run, store, path, device="cpu")
    expected, noticed = read_scores(path, opened), 0
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        try:
            found = read_scores(path, opened)
        except ScoresError as error:
            noticed += error.code == "scores-format"
            continue
        np.testing.assert_array_equal(found.scores, expected.scores)
        assert found.about == expected.about
    assert noticed > 0.5 * NUM_DAMAGES  # the rest is in columns that are not read


def about(**changes: Any) -> dict[str, str]:
    return {"longstride": json.dumps({"run": "r", "model": "lstm", "threshold": 1.5} | changes)}


@pytest.mark.parametrize(
    ("columns", "metadata"),
    [
        ({}, {"longstride": "{"}),
        ({}, {"longstride": "[]"}),
        ({}, about(threshold="high")),
        ({}, about(model=None)),
        ({"time": "monday"}, about()),
        ({"time": None}, about()),
        ({"score": "high"}, about()),
        ({"score": [1.0]}, about()),
    ],
)
def test_a_table_of_other_things_is_not_scores(
    store: Path, tmp_path: Path, columns: dict[str, Any], metadata: dict[str, str]
) -> None:
    opened = longstride.open(store)
    table = pl.DataFrame({"time": np.asarray(opened.time), "score": np.zeros(opened.num_rows)})
    table = table.with_columns(**{name: pl.lit(value) for name, value in columns.items()})
    table.write_parquet(tmp_path / "scores.parquet", metadata=metadata)
    with raises("scores-format", tmp_path, kind=ScoresError):
        read_scores(tmp_path / "scores.parquet", opened)


@pytest.fixture(autouse=True)
def warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="longstride")
