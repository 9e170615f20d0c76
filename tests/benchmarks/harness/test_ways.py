"""Ways by name, in processes of their own: what is refused, ended and kept apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data.stores import case_of
from benchmarks.harness.case import Case
from benchmarks.harness.registry import PEERS, Way, peers_named
from benchmarks.harness.sizes import strides_of
from benchmarks.harness.way_process import CannotServe, WayProcess

FAULTY = Way("faulty", "tests.benchmarks.faulty_way")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return case_of(tmp_path, 2000, 3, 16, 4, 8)


@pytest.mark.parametrize(
    ("fault", "limits", "said"),
    [
        ("slow", {"most_seconds": 1, "most_megabytes": 10_000}, "not done after 1 s"),
        ("large", {"most_seconds": 50, "most_megabytes": 1000}, "more than 1 GB of memory"),
    ],
)
def test_a_way_that_takes_too_much_is_ended_and_can_go_on(
    fault: str, limits: dict[str, float], said: str, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", fault)
    with WayProcess(FAULTY, log=tmp_path / "log", **limits) as way:
        way.begin()
        with pytest.raises(CannotServe, match=said):
            way.open(case)
        monkeypatch.setenv("FAULT", "none")
        assert way.open(case)["first_batch_seconds"] < 10


def test_peers_by_name() -> None:
    assert [way.name for way in peers_named(["unfold", "memmap"])] == ["memmap", "unfold"]
    with pytest.raises(ValueError, match=r"'keros': expected all, none, or of memmap, zarr"):
        peers_named(["keros"])
    for way in PEERS.values():
        assert Path(*way.module.split(".")).with_suffix(".py").exists()


@pytest.mark.parametrize(
    ("window", "words", "strides"),
    [(64, "1,K/8,K/2,K", [1, 8, 32, 64]), (4, "1,K/8,K", [1, 4]), (10, "3", [3])],
)
def test_strides(window: int, words: str, strides: list[int]) -> None:
    assert strides_of(window, words) == strides


def test_answers_are_not_mixed_with_what_a_library_prints(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("print('hello')\ndef loader(case): pass\n")
    path = f"{tmp_path}{os.pathsep}{Path(__file__).parents[3]}"
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.harness.serve", "loud"],
        input='{"do": "hello"}\n',
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert result.stdout == '{"version": null, "workers": [0], "writes": null}\n'
    assert result.stderr == "hello\n"
