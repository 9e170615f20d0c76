"""`longstride train --config FILE`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import longstride
from longstride.__main__ import main
from longstride.trainer.settings import OptimiserSettings, Settings
from tests.helpers.errors import assert_refused

CONFIG = """
out = "{out}"

[data]
window = 16
stride = 4
batch-size = 32

[model]
hidden = 8
latent = 4

[run]
max-steps = 3
device = "cpu"
"""


def test_a_file_may_name_a_run_to_begin_with(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(CONFIG.format(out=tmp_path / "run"))
    command = ["train", str(store), "--config", str(tmp_path / "run.toml")]
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    (tmp_path / "next.toml").write_text(CONFIG.format(out=tmp_path / "next") + f'from = "{tmp_path / "run"}"\n')
    command[-1] = str(tmp_path / "next.toml")
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    saved = json.loads((tmp_path / "next" / "settings.json").read_text())
    assert saved["run"]["from_"] == str(tmp_path / "run")


def test_a_file_takes_the_place_of_defaults_and_flags_that_of_the_file(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(CONFIG.format(out=tmp_path / "run"))
    command = ["train", str(store), "--config", str(tmp_path / "run.toml"), "--max-steps", "2"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    settings = Settings.from_json(json.loads((tmp_path / "run" / "settings.json").read_text()))
    assert (settings.data.window, settings.data.batch_size, settings.model.hidden) == (16, 32, 8)
    assert (settings.run.max_steps, settings.optimiser.lr) == (2, OptimiserSettings.lr)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("window = ", ("run.toml", "[config-format]")),
        ("[data]\nwindws = 3", ("run.toml", "'windws'", "accumulate, batch-size, ", "[setting-unknown]")),
        ("window = 'wide'", ("run.toml: window is 'wide': expected a whole number", "[option-value]")),
        ("window = 1.5", ("run.toml: window is 1.5", "[option-value]")),  # not 1
        ("[data]\nwindow = true", ("run.toml: window is True", "[option-value]")),
        ("batch-size = [32]", ("run.toml: batch-size is [32]", "[option-value]")),
        ("data = {window = {rows = 3}}", ("run.toml: window is {'rows': 3}", "[option-value]")),
        ("lr = '0.1'", ("run.toml: lr is '0.1'", "[option-value]")),
        ("model = 3", ("run.toml: model is 3", "[option-value]")),
        ("cache-dir = 3", ("run.toml: cache-dir is 3", "[option-value]")),
        ("normal-only = 'yes'", ("run.toml: normal-only is 'yes'", "[option-value]")),
        ("schedule = 'none'", ("run.toml: schedule is 'none'", "cosine", "[option-value]")),
        ("window = 16\n[data]\nwindow = 32", ("run.toml", "window", "twice", "[config-format]")),
        ("batch-size = 16\nbatch_size = 32", ("run.toml", "batch_size", "twice", "[config-format]")),
        ("trust = true", ("run.toml", "'trust'", "[setting-unknown]")),
        ("x = " + "[" * 100_000, ("run.toml", "[config-format]")),
        ("window = 0", ("--window is 0", "[option-value]")),
    ],
)
def test_a_file_that_says_something_else(store: Path, tmp_path: Path, text: str, facts: tuple[str, ...]) -> None:
    (tmp_path / "run.toml").write_text(text)
    command = ["train", str(store), "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert all(fact in result.output for fact in facts), result.output
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_not_text(store: Path, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe\x00")
    command = ["train", str(store), "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    assert_refused(CliRunner().invoke(main, command).output, "config-format", "run.toml")


def test_a_name_in_a_list_may_hold_a_comma(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        'time,"flow, l/min",b\n'
        + "".join(f"2025-01-01 00:{row // 60:02}:{row % 60:02},{row % 7},{row % 5}\n" for row in range(900))
    )
    longstride.ingest(tmp_path / "log.csv", tmp_path / "log.zarr", longstride.Recipe(time=["time"]))
    sizes = "window = 8\nbatch-size = 8\nmax-steps = 1\n"
    (tmp_path / "run.toml").write_text(sizes + 'channels = ["flow, l/min"]\ntargets = ["b", "flow, l/min"]\n')
    command = ["train", str(tmp_path / "log.zarr"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, [*command, "--config", str(tmp_path / "run.toml")])
    assert result.exit_code == 0, result.output
    saved = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert saved["data"]["channels"] == ["flow, l/min"]
    assert saved["task"]["targets"] == ["b", "flow, l/min"]
    typed = CliRunner().invoke(main, [*command, "--resume", "--window", "8", "--channels", "flow, l/min"])
    assert_refused(typed.output, "column-missing", "'flow'", "--config")
