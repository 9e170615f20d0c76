"""The flags of `longstride ingest`."""

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import longstride.pipeline.ingest.job
from longstride import Recipe
from longstride.__main__ import main
from longstride.storage.cli.flags import flag_name
from tests.helpers.logs.log_lines import log_lines

LIGHT = """
import sys
from longstride.pipeline.ingest import command
assert not {"numpy", "polars", "pyarrow", "distributed"} & sys.modules.keys()
"""


def test_each_setting_of_a_recipe_is_a_flag_with_its_text() -> None:
    text = CliRunner().invoke(main, ["ingest", "--help"]).output
    lines = [line.split() for line in text.splitlines() if line.startswith("  --")]
    settings = {field.name for field in fields(Recipe)} - {"label_file_crc"}  # an ingest fills it in
    assert {flag_name(name) for name in settings} <= {words[0] for words in lines}
    assert "which series a row belongs to" in " ".join(text.split())


def test_the_flags_need_no_large_package() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True)


def test_flags_make_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.csv").write_text("\n".join(log_lines(5)))
    made: list[Recipe] = []

    def ingest(sources: list[str], out: Path, recipe: Recipe, **options: Any) -> None:
        made.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr(longstride.pipeline.ingest.job, "ingest", ingest)
    flags = ["--time", "date, clock", "--exclude", "a,b", "--separator", "\\t", "--decimal", ",", "--null", "NA"]
    flags += [
        "--null",
        "CO=-200",
        "--unit",
        "x=bar",
        "--counter-bits",
        "64",
        "--rate",
        "y",
        "--aggregate",
        "max",
        "--every",
        "1m",
        "--fill",
        "none",
    ]
    command = ["ingest", str(tmp_path / "log.csv"), "--out", str(tmp_path / "out"), *flags]
    assert CliRunner().invoke(main, command).exit_code == 130
    assert made == [
        Recipe(
            time=("date", "clock"),
            exclude=("a", "b"),
            separator="\t",
            decimal=",",
            null=("NA", "CO=-200"),
            unit=("x=bar",),
            rate=("y",),
            counter_bits="64",
            every="1m",
            aggregate=("max",),
        )
    ]
