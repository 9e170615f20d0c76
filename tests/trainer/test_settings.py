import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from longstride.__main__ import main
from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import OptimiserSettings, Settings
from tests.helpers.errors import raises
from tests.helpers.runs.training import settings_for


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0),
        ("stride", 0),
        ("batch_size", -1),
        ("train_share", 0.0),
        ("train_share", 1.1),
        ("validation_share", -0.1),
        ("hidden", 0),
        ("latent", 0),
        ("layers", 0),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("clip_norm", 0.0),
        ("epochs", 0),
        ("max_steps", 0),
        ("minutes", 0.0),
        ("precision", "int8"),
        ("device", "tpu"),
        ("seed", -1),
        ("log_every", 0),
        ("checkpoint_every", 0),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_flag(name: str, value: Any) -> None:
    with raises("option-value", f"--{name.replace('_', '-')} is {value}", kind=SettingsError):
        settings_for(Path("store"), Path("run"), **{name: value})


def test_shares_above_the_whole_are_refused() -> None:
    with raises("option-value", "--train-share 0.8", "--validation-share 0.3", kind=SettingsError):
        settings_for(Path("store"), Path("run"), train_share=0.8, validation_share=0.3)
    settings_for(Path("store"), Path("run"), train_share=0.9, validation_share=0.1)


def test_come_back_from_json() -> None:
    settings = settings_for(Path("store"), Path("run"), minutes=1.5)
    assert Settings.from_json(settings.as_json()) == settings


def test_how_long_and_where_may_change_when_a_run_goes_on() -> None:
    settings = settings_for(Path("store"), Path("run"))
    longer = settings_for(Path("moved"), Path("elsewhere"), epochs=9, minutes=1.0, log_every=1, checkpoint_every=1)
    assert longer.that_shape_the_curve() == settings.that_shape_the_curve()
    for name, value in {"window": 17, "lr": 0.5, "seed": 1, "precision": "bf16", "layers": 2}.items():
        changed = settings_for(Path("store"), Path("run"), **{name: value})
        assert changed.that_shape_the_curve() != settings.that_shape_the_curve()


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
        ("window = 'wide'", ("'--window'", "'wide'")),
        ("window = 0", ("--window is 0", "[option-value]")),
    ],
)
def test_a_file_that_says_something_else(store: Path, tmp_path: Path, text: str, facts: tuple[str, ...]) -> None:
    (tmp_path / "run.toml").write_text(text)
    command = ["train", str(store), "--config", str(tmp_path / "run.toml"), "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code
    assert all(fact in result.output for fact in facts)
    assert not (tmp_path / "run").exists()
