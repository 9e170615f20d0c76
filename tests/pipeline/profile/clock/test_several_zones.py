"""Names of zones that mean several: asked for, or in doubt, never chosen in silence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from longstride import Proposal, Recipe, RecipeError, ingest, profile
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.logs.small_logs import doubted, log, propose, times, wave

WRITE = Callable[..., Path]
FORMS = ("%Y-%m-%d %H:%M:%S {}", "%d/%m/%Y %H:%M {}", "%a %b %d %H:%M:%S {} %Y")


def written(write_log: WRITE, form: str, name: str = "Time") -> Path:
    return write_log("a.csv", log(f"{name},v", times(40, form=form), wave(40)))


@pytest.mark.parametrize("name", ["IST", "CST", "BST", "AST", "SST", "GST", "AMT", "WST"])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_asked_for_with_what_each_would_mean(write_log: WRITE, form: str, name: str) -> None:
    path = written(write_log, form.format(name))
    found = profile([path])
    assert found.settings["timezone"] == "?"
    assert found.settings["time"] == "Time"
    with raises("recipe-unfinished", "timezone", kind=RecipeError):
        _ = found.recipe
    with raises("times-not-found", name, "timezone = "):
        propose(path)


@pytest.mark.parametrize(
    ("name", "zone", "utc"),
    [
        ("IST", "Asia/Kolkata", "04:00"),
        ("IST", "Asia/Jerusalem", "07:30"),
        ("CST", "Asia/Shanghai", "01:30"),
        ("BST", "Asia/Dhaka", "03:30"),
        ("EST", "Australia/Brisbane", "23:30"),
        ("EST", "America/New_York", "14:30"),
        ("AST", "Asia/Riyadh", "06:30"),
    ],
)
def test_the_zone_that_is_filled_in_is_used(
    write_log: WRITE, tmp_path: Path, name: str, zone: str, utc: str
) -> None:
    path = written(write_log, FORMS[0].format(name))
    settings = {**profile([path]).settings, "timezone": zone}
    ingest([path], tmp_path / "s.zarr", Recipe.from_settings(settings))
    first = open_store(tmp_path / "s.zarr").time[:].view("datetime64[ns]")[0]
    assert f"T{utc}:00" in str(first)


@pytest.mark.parametrize("name", ["EST", "EDT", "PST", "MST"])
def test_one_that_is_hardly_meant_otherwise_is_in_doubt(write_log: WRITE, name: str) -> None:
    found = propose(written(write_log, FORMS[0].format(name)))
    assert doubted(found, f"{name} behind times")


@pytest.mark.parametrize("name", ["CET", "UTC", "JST", "AEST", "MSK"])
def test_a_name_of_one_zone_is_not(write_log: WRITE, name: str) -> None:
    assert not doubted(propose(written(write_log, FORMS[0].format(name))), "behind times")


@pytest.mark.parametrize("name", ["Time (IST)", "Time_CST", "BST time"])
def test_the_name_of_a_column_says_one(look: Callable[..., Proposal], name: str) -> None:
    found = look(f"{name},v", times(40), wave(40))
    assert doubted(found, "which is several zones")
    assert "timezone" not in found.settings


def test_the_likely_one_of_a_column_is_taken_with_a_doubt(look: Callable[..., Proposal]) -> None:
    found = look("Time (EST),v", times(40), wave(40))
    assert found.settings["timezone"] == "Etc/GMT+5"
    assert doubted(found, "Australia/Brisbane")
