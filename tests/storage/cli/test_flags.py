"""Flags made from a dataclass."""

import shlex
from dataclasses import dataclass
from typing import Any, Literal

import click
import pytest
from click.testing import CliRunner

from longstride.storage.cli.flags import field_docs, flags, given


@dataclass(frozen=True, kw_only=True)
class Shared:
    path: str
    """Where."""


@dataclass(frozen=True, kw_only=True)
class Settings(Shared):
    """Not a field."""

    num_rows: int = 5
    """Rows of a window; see `share`
    and `metrics.jsonl`."""
    share: float | None = None
    """Between 0 and 1."""
    how: Literal["mean", "last"] = "mean"
    """Of the rows."""
    labels: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ("small", "large")
    seed: int = 0
    time: str | None = None
    """Column of times; by default `time`."""
    is_quick: bool = False


@click.command()
@flags(Settings, path=None, labels={"metavar": "COL", "help": "Columns."})
def command(**found: Any) -> None:
    print(found, Settings(path="here", **given(found)), sep="\n")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    return result.output


def test_only_what_is_given_takes_the_place_of_a_default() -> None:
    found, settings = run().splitlines()
    assert "'num_rows': None" in found
    assert "'labels': ()" in found
    assert "'is_quick': None" in found
    assert settings == repr(Settings(path="here"))
    line = "--num-rows 7 --share 0.5 --how last --labels a --labels b --seed 0 --is-quick"
    expected = Settings(path="here", num_rows=7, share=0.5, how="last", labels=("a", "b"), seed=0, is_quick=True)
    assert run(*shlex.split(line)).splitlines()[-1] == repr(expected)


def test_a_name_in_the_help_of_its_own_flag_is_not_a_flag() -> None:
    assert "Column of times; by default time." in " ".join(run("--help").split())


def test_help_is_the_docstring_with_the_default() -> None:
    text = " ".join(run("--help").split())
    assert "--num-rows INTEGER Rows of a window; see --share and metrics.jsonl. [default: 5]" in text
    assert "--share FLOAT Between 0 and 1. --how" in text
    assert "--how [mean|last] Of the rows. [default: mean]" in text
    assert "--labels COL Columns. --sizes TEXT [default: small, large] --seed INTEGER [default: 0]" in text
    assert "--is-quick --help" in text


@pytest.mark.parametrize(("flag", "value"), [("--num-rows", "many"), ("--how", "first"), ("--path", "there")])
def test_another_value_is_refused(flag: str, value: str) -> None:
    assert flag in run(flag, value)


def test_docstrings_of_bases_are_found() -> None:
    assert field_docs(Settings)["path"] == "Where."
    assert "sizes" not in field_docs(Settings)
