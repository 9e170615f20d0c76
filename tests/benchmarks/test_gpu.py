"""What `make gpu` runs, on a processor: that it ends in time, and writes what it has."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.gpu import Part, run_parts
from tests.benchmarks.results import read_result
from tests.helpers.paths import ROOT

SLEEP = "import time; time.sleep({})"


def test_all_parts_on_a_processor(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "gpu", "--quick", "--device", "cpu", "--minutes", "2.5"]
    result = subprocess.run(
        [*command, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    lines = [line.split(" in ")[0] for line in result.stdout.splitlines() if ": done in" in line]
    assert lines == ["tests: done", "device: done", "train: done"]
    device, train = (read_result(tmp_path / "results" / f"{name}-cpu.json") for name in ("device", "train"))
    assert {(row["case"]["stride"], row["way"]) for row in device["serving"]} == {
        (stride, way) for stride in (1, 2, 16) for way in ("expanded", "host", "resident", "plain")
    }
    found = {(cell["case"]["model"], cell["case"]["precision"]) for cell in train["cells"]}
    assert found >= {(model, "fp32") for model in ("lstm", "tcn", "patch")}
    assert "left_out" not in device | train


def test_a_part_that_takes_too_long_is_ended_and_named() -> None:
    parts = [
        Part("quick", 0.1, ("-c", SLEEP.format(0)), takes_minutes=False),
        Part("slow", 0.2, ("-c", SLEEP.format(600)), takes_minutes=False),
        Part("wrong", 0.7, ("-c", "raise SystemExit(3)"), takes_minutes=False),
    ]
    began = time.monotonic()
    found = {part.name: (said, is_well) for part, said, is_well in run_parts(parts, 10)}
    assert time.monotonic() - began < 10
    assert found["quick"][0].startswith("done in ")
    assert found["slow"][0].startswith("out of time after ")
    assert found["wrong"][0].endswith("exit code 3")
    assert [is_well for _, is_well in found.values()] == [True, True, False]


@pytest.mark.parametrize("suite", ["device", "train"])
def test_cases_that_there_is_no_time_for(tmp_path: Path, suite: str) -> None:
    sizes = ["--device", "cpu", "--rows", "30000", "--channels", "4", "--windows", "16", "--batch", "32"]
    short = [
        "--rounds",
        "1",
        "--seconds",
        "0.01",
        "--folder",
        str(tmp_path),
        "--json",
        str(tmp_path / "found.json"),
    ]
    result = CliRunner().invoke(main, [suite, *sizes, *short, "--minutes", "0.0001"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "found.json").read_text())
    assert figures["left_out"]
    assert f"Not measured, for want of time: {'; '.join(figures['left_out'])}." in result.output


def test_without_a_gpu() -> None:
    result = CliRunner().invoke(main, ["gpu", "--device", "cpu"])
    assert result.exit_code == 1
    assert "has no GPU that torch sees; --quick tries all parts" in result.output
