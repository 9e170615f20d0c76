from pathlib import Path
from typing import Any

import pytest

from tests.trainer.conftest import settings_for
from trainer.errors import SettingsError
from trainer.settings import Settings


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
    with pytest.raises(SettingsError, match=f"--{name.replace('_', '-')} is {value}"):
        settings_for(Path("store"), Path("run"), **{name: value})


def test_shares_above_the_whole_are_refused() -> None:
    with pytest.raises(SettingsError, match="more than the whole"):
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
