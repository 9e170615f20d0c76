from pathlib import Path
from typing import Any

import pytest

from longstride.trainer.errors import SettingsError
from longstride.trainer.settings import Settings
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


@pytest.mark.parametrize(
    "groups",
    [
        None,
        [],
        {},
        {"data": {}},
        dict.fromkeys(("data", "model", "optimiser", "run")),
        {name: {} for name in ("data", "model", "optimiser", "run")},
    ],
)
def test_what_is_not_settings_does_not_come_back(groups: Any) -> None:
    with raises("setting-unknown", kind=SettingsError):
        Settings.from_json(groups)


@pytest.mark.parametrize("value", ["16", 1.5, True, None, [16], {}])
def test_another_type_does_not_come_back(value: Any) -> None:
    groups = settings_for(Path("store"), Path("run")).as_json()
    groups["data"]["window"] = value
    with raises("option-value", "window", kind=SettingsError):
        Settings.from_json(groups)


def test_a_setting_in_another_group_does_not_come_back() -> None:
    groups = settings_for(Path("store"), Path("run")).as_json()
    groups["model"]["window"] = groups["data"].pop("window")
    with raises("setting-unknown", "model", kind=SettingsError):
        Settings.from_json(groups)


def test_the_path_of_a_store_holds_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_for(Path("plant.zarr"), Path("run")).data.store == str(tmp_path / "plant.zarr")
    url = "s3://bucket/plant.zarr"
    assert settings_for(url, Path("run")).data.store == url  # type: ignore[arg-type]
