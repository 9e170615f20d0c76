"""How ways of serving windows are measured: what is checked, what is refused, what is told."""

import importlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data.stores import case_of
from benchmarks.harness.case import Case
from benchmarks.harness.registry import COPY, OURS, PEERS, Way
from benchmarks.harness.serve import Server
from benchmarks.harness.timing import Spread
from benchmarks.harness.way_process import Served, WayProcess
from benchmarks.peers.fair_copy import fair_copy
from benchmarks.suites.cells import Cell
from benchmarks.suites.serving import Turns, measure
from benchmarks.suites.windows import reading_of

FAULTY = Way("faulty", "tests.benchmarks.faulty_way")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return case_of(tmp_path, 2000, 3, 16, 4, 8)


def cell_of(fault: str, case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    monkeypatch.setenv("FAULT", fault)
    (cell,) = measure([case], [FAULTY], folder, Turns(rounds=1, seconds=0.01))
    return cell


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("other values", "a window is not one of the log"),
        ("other stride", "a window begins at row 1, the stride is 4"),
        ("channels first", "a batch is (16, 3, 16), expected (B, 16, 3)"),
        ("no stride", "it has no stride"),
        ("broken", "OSError: no such thing"),
        ("dead", "its process ended with exit code 7"),
    ],
)
def test_a_way_that_does_not_serve_the_windows_has_no_figures(
    fault: str, said: str, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = cell_of(fault, case, tmp_path, monkeypatch)
    assert said in str(cell.cannot)
    assert cell.windows_per_second is None


def test_the_workers_that_serve_best(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cell_of("slow workers", case, tmp_path, monkeypatch).workers == 0


def test_what_an_epoch_holds_is_told(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = cell_of("twice", case, tmp_path, monkeypatch)
    assert cell.epoch
    assert (cell.epoch.windows, cell.epoch.served, cell.epoch.distinct) == (200, 192, 96)


def test_windows_written_out_beforehand(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = replace(case, most_written_bytes=100 * 16 * 3 * 4)
    assert len(few.written) == 100
    assert set(few.written) <= set(few.starts)
    monkeypatch.setenv("FAULT", "written")
    monkeypatch.setenv("WRITES", str(tmp_path / "log-of-writes"))
    (cell,) = measure([few], [FAULTY], tmp_path, Turns(rounds=2, seconds=0.01, processes=2))
    assert cell.cannot is None
    folders = (tmp_path / "log-of-writes").read_text().splitlines()
    assert [Path(folder).name for folder in folders] == ["windows", "written-faulty-16-4"]  # checked, then served
    assert cell.written_gigabytes == pytest.approx(len(case.starts) * 16 * 3 * 4 / 1e9)
    assert not list(tmp_path.rglob("*written*"))


@pytest.mark.parametrize("name", ["memmap", "zarr", "unfold"])
def test_a_peer_serves_every_window_once(name: str, case: Case) -> None:
    server = Server(importlib.import_module(PEERS[name].module))
    server.open(asdict(case))
    starts = server.starts(None)["starts"]
    whole = len(case.starts) // case.batch * case.batch
    assert len(set(starts)) == len(starts) == whole
    assert sorted(starts) != starts
    assert server.serve(0.0, 0.0)["windows"] == case.batch
    server.close()


def test_ours_serves_every_window_once(case: Case) -> None:
    server = Server(importlib.import_module(OURS.module))
    server.open(asdict(case))
    starts = server.starts(None)["starts"]
    assert len(set(starts)) == len(starts) == len(case.starts) // case.batch * case.batch
    assert server.starts(1)["sizes"] == [case.batch]


def test_all_ways_are_measured_with_what_they_cost(case: Case, tmp_path: Path) -> None:
    turns = Turns(rounds=2, seconds=0.01)
    ours, copy, unfold = measure([case], [OURS, COPY, PEERS["unfold"]], tmp_path, turns)
    for cell in (ours, copy, unfold):
        assert cell.cannot is None
        assert cell.windows_per_second
        assert cell.windows_per_second.minimum > 0
        assert cell.cpu_seconds_per_gigabyte
        assert cell.cpu_seconds_per_gigabyte > 0
        assert cell.peak_megabytes
        assert 10 < cell.peak_megabytes < 3000
    assert ours.ours_to_it
    assert copy.ratio_to_copy
    assert ours.ours_to_it.median == copy.ratio_to_copy.median == 1
    assert unfold.ours_to_it
    assert unfold.ours_to_it.minimum > 0
    assert copy.epoch is None


@pytest.mark.soak
def test_rounds_are_dealt_out_to_processes(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[str, int]] = []

    def serve(process: WayProcess, seconds: float, lead_in: float) -> Served:
        assert process._process is not None
        served.append((process.way.name, process._process.pid))
        return Served(len(served), 1.0, 1.0, 0.0)

    monkeypatch.setattr(WayProcess, "serve", serve)
    ours, copy = measure([case], [OURS, COPY], tmp_path, Turns(rounds=5, seconds=0.01, processes=2))
    # Of each process the first turn is not counted; the first two have three rounds, the next two have two.
    names, pids = zip(*served, strict=True)
    assert [len(set(pids[:8])), len(set(pids[8:])), len(set(pids))] == [2, 2, 4]
    counted = [
        float(number) for number, name in enumerate(names, 1) if name == OURS.name and number not in (1, 2, 9, 10)
    ]
    assert len(counted) == 5
    assert ours.windows_per_second == Spread.of(counted)
    assert copy.ratio_to_copy == Spread(1.0, 1.0, 1.0)


def test_cold_turns(case: Case, tmp_path: Path) -> None:
    (cell,) = measure([case], [OURS], tmp_path, Turns(rounds=1, seconds=0.01, cold=True))
    assert cell.cannot is None
    assert cell.windows_per_second


def test_a_peer_without_its_environment_is_a_cell_that_says_so(case: Case, tmp_path: Path) -> None:
    missing = Way("missing", "benchmarks.peers.missing", "missing")
    (cell,) = measure([case], [missing], tmp_path, Turns(rounds=1, seconds=0.01))
    assert cell.cannot == "not installed (`make peers`)"


def test_what_is_read_and_sent(case: Case) -> None:
    reading = reading_of(case)
    assert reading.bytes_of_a_window == 16 * 3 * 4
    # A row is 12 bytes, and a window begins at each fourth.
    assert 4 * 12 <= reading.bytes_to_device_a_window < 5 * 12
    assert 1 <= reading.rows_read_to_unique < 1.05


def test_the_fair_copy_copies_slices(tmp_path: Path) -> None:
    values = np.arange(400, dtype=np.float32).reshape(200, 2)
    for window in next(fair_copy(values, 8, 4, seed=0)).numpy():
        start = int(window[0, 0]) // 2
        assert np.array_equal(window, values[start : start + 8])
