"""Every benchmark on tiny data: that it runs and what it says, never how fast."""

import os
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.pages.findings import findings
from benchmarks.pages.report import read_results
from benchmarks.suites import sweep
from benchmarks.suites.ingest import Ingest, cases, section
from benchmarks.suites.serving import Turns
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_chunks
from tests.benchmarks.results import read_result
from tests.helpers.disks import is_memory
from tests.helpers.object_store import environment, make_bucket, serve_s3
from tests.helpers.paths import ROOT
from tests.helpers.stores.packed_stores import quantised


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_windows(tmp_path: Path) -> None:
    arguments = ["--rows", "300000", "--channels", "2", "--windows", "16,64", "--strides", "1,K", "--batch", "32"]
    short = ["--rounds", "1", "--seconds", "0.01", "--folder", str(tmp_path), "--json", str(tmp_path / "w.json")]
    cells = run("windows", *arguments, *short, "--peers", "unfold")
    cases = [[str(window), str(stride)] for window in (16, 64) for stride in (1, window)]
    assert [line.split()[:2] for line in cells.splitlines()[1:]] == [case for case in cases for _ in range(3)]
    figures = read_result(tmp_path / "w.json")
    assert figures["machine"]["cores"] == os.cpu_count()
    assert [cell["way"] for cell in figures["cells"]] == ["longstride", "fair copy", "unfold"] * 4
    assert all(cell["ratio_to_copy"]["median"] > 0 for cell in figures["cells"])
    assert [row["stride"] for row in figures["reading"]] == [1, 16, 1, 64]


@pytest.mark.soak
def test_order(tmp_path: Path) -> None:
    sizes = ["--rows", "300000", "--channels", "2", "--window", "64"]
    shown = run("order", *sizes, "--folder", str(tmp_path), "--json", str(tmp_path / "order.json"))
    found = read_result(tmp_path / "order.json")["invariants"]
    assert len(found) == len(shown.splitlines()[1:]) == 11
    assert [row for row in found if not row["holds"]] == []


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (["--peers", "keros"], "'keros': expected all, none, or of memmap"),
        (["--strides", "1,K/x"], "'1,K/x': expected such as 1,K/8,K"),
        (["--windows", "many"], "'many': expected numbers"),
        (["--against", "/"], "/: expected a checkout of this project"),
        (["--against", str(ROOT), "--layout", "packed"], "--against measures the mapped layout alone"),
    ],
)
def test_options_that_say_nothing(option: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["windows", "--rows", "2000", "--folder", str(tmp_path), *option])
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.soak
def test_sweep(tmp_path: Path) -> None:
    short = ["--values", "640000", "--windows", "16", "--rounds", "1", "--seconds", "0.01"]
    run("sweep", "--axis", "layout", *short, "--folder", str(tmp_path), "--json", str(tmp_path / "l.json"))
    figures = read_result(tmp_path / "l.json")
    ways = ["longstride", "fair copy", "longstride, packed"]
    assert [(cell["way"], cell["stride"]) for cell in figures["cells"]] == [
        (way, stride) for stride in (1, 16) for way in ways
    ]
    assert not [cell["cannot"] for cell in figures["cells"] if cell["cannot"]]


def test_sweep_of_sources(tmp_path: Path) -> None:
    short = ["--values", "160000", "--windows", "16", "--rounds", "1", "--seconds", "0.01"]
    shown = run("sweep", "--axis", "source", *short, "--folder", str(tmp_path), "--json", str(tmp_path / "s.json"))
    assert "of the store" in shown.splitlines()[0]
    figures = read_result(tmp_path / "s.json")
    ways = ["longstride", "fair copy", "longstride, .npy", "longstride, .safetensors"]
    assert [(cell["way"], cell["stride"]) for cell in figures["cells"]] == [
        (way, stride) for stride in (1, 16) for way in ways
    ]
    assert figures["large_pages"].keys() == {".zarr", ".npy", ".safetensors"}
    assert all(0 <= share <= 1 for share in figures["large_pages"].values())


@pytest.mark.parametrize(
    ("axis", "sizes", "ways"),
    [
        ("channels", {(number, 256) for number in (1, 8, 32, 128)}, ["memmap", "unfold"]),
        ("batch", {(32, number) for number in (32, 256, 1024)}, ["memmap", "unfold"]),
        ("workers", {(32, 256)}, [f"longstride, {number} workers" for number in (1, 2, 4)]),
    ],
)
def test_what_a_sweep_varies(
    axis: str, sizes: set[tuple[int, int]], ways: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("benchmarks.suites.serving.measure", lambda *arguments: asked.extend(arguments) or [])
    sweep.measure(axis, tmp_path, 320_000, [16], Turns(rounds=1, seconds=0))
    cases, found = asked[:2]
    assert {(case.num_channels, case.batch) for case in cases} == sizes
    assert {case.num_rows * case.num_channels for case in cases} == {320_000}
    assert [way.name for way in found] == ["longstride", "fair copy", *ways]


def test_scale(tmp_path: Path) -> None:
    arguments = [
        "--rows",
        "100000,3000000",
        "--channels",
        "4",
        "--window",
        "64",
        "--rounds",
        "1",
        "--seconds",
        "0.01",
    ]
    output = run("scale", *arguments, "--folder", str(tmp_path / "build"), "--json", str(tmp_path / "s.json"))
    assert [line.split()[0] for line in output.splitlines()[1:]] == ["100,000", "3,000,000"]
    sizes = read_result(tmp_path / "s.json")["sizes"]
    assert all(size["windows_per_second"]["median"] > 0 and size["peak_megabytes"] > 10 for size in sizes)
    sparse = tmp_path / "build" / "sparse-3000000x4.zarr"
    assert not any(check.fault for check in check_chunks(open_store(sparse)))
    if not is_memory(tmp_path):
        assert sum(path.stat().st_blocks for path in sparse.rglob("*")) * 512 < 2**20


def test_scale_of_arrays(tmp_path: Path) -> None:
    sizes = ["--rows", "50000,200000", "--channels", "4", "--window", "64", "--rounds", "1", "--seconds", "0.01"]
    output = run("scale", "--arrays", *sizes, "--folder", str(tmp_path), "--json", str(tmp_path / "s.json"))
    lengths = [re.match(r" *([0-9,]+(?: \(.npy\))?) ", line) for line in output.splitlines()[1:]]
    assert [length and length[1] for length in lengths] == [
        *("50,000", "200,000"),
        *("50,000 (.npy)", "200,000 (.npy)"),
    ]
    arrays = read_result(tmp_path / "s.json")["arrays"]
    assert [size["num_rows"] for size in arrays] == [50_000, 200_000]
    assert all(size["ratio_to_first"]["median"] > 0 for size in arrays)
    assert np.load(tmp_path / "sparse-200000x4.npy", mmap_mode="r").shape == (200_000, 4)


def test_disk(tmp_path: Path) -> None:
    arguments = ["--rows", "200000", "--channels", "4", "--windows", "64", "--limit", "800", "--rounds", "1"]
    output = run("disk", *arguments, "--folder", str(tmp_path), "--json", str(tmp_path / "d.json"))
    assert output.splitlines()[1].split()[0] == "64"
    (row,) = read_result(tmp_path / "d.json")["windows"]
    assert row["num_bytes"] == 200_000 * 4 * 4
    assert row["ratio"]["median"] > 0


def test_ingest(tmp_path: Path) -> None:
    arguments = ["--gigabytes", "0.0005", "--columns", "3", "--runs", "1", "--folder", str(tmp_path / "build")]
    output = run("ingest", *arguments, "--formats", "csv,gz", "--json", str(tmp_path / "i.json"))
    figures = read_result(tmp_path / "i.json")
    assert figures["peers"] == {name: version(name) for name in ("duckdb", "pandas")}
    assert set(figures["threads"]) == {"polars", "pyarrow"}
    logs = ["sorted csv", "shuffled csv", "sorted gz", "shuffled gz"]
    ways = ["longstride", "polars", "duckdb", "pyarrow", "pandas + zarr"]
    shown = [re.split("  +", line)[1:3] for line in output.splitlines()[1:]]
    assert shown == [[log, way] for log in logs for way in ways]
    assert all(row["num_rows"] > 10_000 and row["peak_megabytes"]["median"] > 50 for row in figures["cases"])
    faster = [row["ratio_to_faster"]["median"] for row in figures["cases"]]
    assert [max(faster[case + 1 : case + 3]) for case in range(0, len(faster), len(ways))] == [1] * len(logs)
    assert not list((tmp_path / "build").iterdir())
    result = read_results(tmp_path)["i"]
    assert isinstance(result, Ingest)
    assert " of Polars | of the faster |" in section([result])
    found = findings([result])
    assert found.count("times the speed of the faster of Polars and DuckDB") == 2


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another checkout of this project, whose code leaves a file `ran` when it is imported."""
    other = tmp_path / "other"
    (other / "longstride").mkdir(parents=True)
    (other / "benchmarks").symlink_to(ROOT / "benchmarks")
    for name in ("storage", "pipeline", "trainer"):
        (other / "longstride" / name).symlink_to(ROOT / name)
    face = (ROOT / "longstride" / "__init__.py").read_text()
    mark = f"\nimport pathlib\npathlib.Path({str(other / 'ran')!r}).touch()\n"
    (other / "longstride" / "__init__.py").write_text(face + mark)
    return other


def test_ingest_against_another_checkout(checkout: Path, tmp_path: Path) -> None:
    arguments = ["--gigabytes", "0.0005", "--columns", "3", "--runs", "1", "--folder", str(tmp_path / "build")]
    result = tmp_path / "i.json"
    output = run("ingest", *arguments, "--formats", "parquet", "--against", str(checkout), "--json", str(result))
    assert (checkout / "ran").exists()
    assert re.findall("^(.*): [0-9.]+.* of the other checkout$", output, re.MULTILINE) == [
        "sorted-0.0005.parquet",
        "shuffled-0.0005.parquet",
    ]
    assert set(read_result(result)["against"]) == {"sorted-0.0005.parquet", "shuffled-0.0005.parquet"}


@pytest.mark.soak
def test_windows_against_another_checkout(checkout: Path, tmp_path: Path) -> None:
    sizes = ["--rows", "20000", "--channels", "4", "--windows", "16", "--strides", "16", "--batch", "32"]
    short = ["--rounds", "1", "--seconds", "0.01", "--processes", "1", "--folder", str(tmp_path)]
    result = tmp_path / "w.json"
    run(
        "windows",
        *sizes,
        *short,
        "--peers",
        "none",
        "--against",
        str(checkout),
        "--json",
        str(tmp_path / "w.json"),
    )
    assert (checkout / "ran").exists()
    cells = {cell["way"]: cell for cell in read_result(result)["cells"]}
    assert list(cells) == ["longstride", "fair copy", "longstride in other"]
    assert cells["longstride in other"]["ours_to_it"]["median"] > 0


def test_which_logs_are_ingested() -> None:
    names = [case.file_name for case in cases([0.25, 4])]
    assert names[:4] == ["sorted-0.25.csv", "shuffled-0.25.csv", "sorted-0.25.csv.gz", "shuffled-0.25.csv.gz"]
    assert names[6:] == [name.replace("0.25", "4") for name in names[:6]]
    ways = [[way for way in cases([size])[0].ways if way != "pandas + zarr"] for size in (0.25, 4, 10)]
    assert ways == [["longstride", "polars", "duckdb", "pyarrow"]] * 2 + [["longstride", "polars", "duckdb"]]
    assert [len(case.ways) for case in cases([4, 10], ["csv"])] == [4, 4, 3, 3]


def test_shuffle(tmp_path: Path) -> None:
    result = tmp_path / "shuffle.json"
    sizes = ["--rows", "50000", "--window", "64"]
    output = run("shuffle", *sizes, "--picture", str(tmp_path / "batch.png"), "--json", str(result))
    assert "overlapping pairs" in output
    assert "true random" in output
    assert [row["pool_rows"] for row in read_result(result)["orders"]] == [2**18, 2**20, 2**22, None]
    assert (tmp_path / "batch.png").read_bytes().startswith(b"\x89PNG")


def test_device(tmp_path: Path) -> None:
    """On the processor: the same code, without page-locked memory."""
    result = tmp_path / "device.json"
    arguments = ["--device", "cpu", "--rows", "30000", "--channels", "4", "--windows", "16", "--batch", "32"]
    short = ["--rounds", "2", "--seconds", "0.01", "--folder", str(tmp_path), "--json", str(result)]
    output = run("device", *arguments, *short)
    assert "times the step on one batch" in output
    figures = read_result(result)
    assert figures["device"] == "cpu"
    assert read_results(tmp_path)["device"].section().startswith("## On a GPU\n\nBatches of B = 32 on one cpu")
    serving = {(row["case"]["stride"], row["way"]): row for row in figures["serving"]}
    assert len(serving) == 12
    # A row is 16 bytes; a window of 16 rows begins at each.
    assert 16 <= serving[1, "expanded"]["bytes_per_window"] < 64
    assert serving[1, "host"]["bytes_per_window"] == 256
    assert [step["way"] for step in figures["steps"]] == ["one batch", "expanded", "host", "plain"] * 2


def test_windows_of_the_packed_layout(tmp_path: Path) -> None:
    result = tmp_path / "packed.json"
    arguments = ["--layout", "packed", "--rows", "300000", "--channels", "4", "--windows", "16", "--batch", "32"]
    short = ["--rounds", "2", "--seconds", "0.01", "--folder", str(tmp_path), "--json", str(result)]
    output = run("windows", *arguments, *short)
    assert "cached to mapped" in output
    figures = read_result(result)
    assert set(figures["digests"]) == {"mapped", "packed", "cached"}
    assert len(set(figures["digests"].values())) == 1
    assert [cell["case"]["stride"] for cell in figures["cells"]] == [1, 2, 16]
    assert figures["ratio"] > 1


def test_epochs_from_an_object_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = tmp_path / "objects.json"
    arguments = ["--layout", "s3", "--rows", "300000", "--channels", "4", "--windows", "16", "--batch", "32"]
    short = ["--rounds", "2", "--folder", str(tmp_path), "--link", "1 Gbit/s", "--json", str(result)]
    with serve_s3(tmp_path / "s3") as address:
        for name, value in environment(address).items():
            monkeypatch.setenv(name, value)
        make_bucket(address, "bench")
        output = run("windows", *arguments, *short, "--s3", "s3://bench/walk.zarr")
    assert "epoch to fetching" in output
    figures = read_result(result)
    (row,) = figures["epochs"]
    assert row["window"] == 16
    assert 0 < row["fetch"]["median"] < row["epoch"]["median"] / row["to_fetch"]["minimum"]
    assert figures["link"] == "1 Gbit/s"


def test_an_object_store_that_is_not_named() -> None:
    result = CliRunner().invoke(main, ["windows", "--layout", "s3"])
    assert result.exit_code == 2
    assert "--layout s3 needs --s3" in result.output


def test_codecs(tmp_path: Path, make_store: Callable[..., SeriesStore]) -> None:
    make_store(tmp_path / "walk.zarr", quantised(20_000, 4))
    result = tmp_path / "codecs.json"
    output = run("codecs", "--log", f"walk={tmp_path / 'walk.zarr'}", "--rounds", "2", "--json", str(result))
    assert "times smaller" in output
    trials = {trial["codec"]: trial for trial in read_result(result)["trials"]}
    assert trials["delta"]["ratio"] > trials["blosc-zstd"]["ratio"] > 1


def test_a_device_that_is_not_there() -> None:
    result = CliRunner().invoke(main, ["device", "--device", "cuda:99"])
    assert result.exit_code == 1
    assert "--device cuda:99: this machine has none" in result.output
