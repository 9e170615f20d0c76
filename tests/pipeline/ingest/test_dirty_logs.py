"""Every good row of a dirty log arrives with its exact value, every bad one is in `rejects/` with its line."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st

from longstride import IngestReport, LongstrideError, Recipe, ingest
from longstride.__main__ import main
from longstride.pipeline.ingest.staging import reject_file
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.dirty_logs import CHANNELS, KINDS, WIDER, Expected, dirty_log, dirty_plan, write_log

RECIPE = Recipe(
    time="time", labels=("fault",), exclude=("remark",), null=("NA",), max_rejects="100%", dtype="float64"
)


@given(
    st.integers(0, 60),
    st.integers(0, 30),
    st.integers(0, 5),
    st.integers(0, 2**32),
    st.sampled_from(["log.csv", "log.csv.gz"]),
    st.sampled_from([",", ";"]),
    st.sampled_from(["\n", "\r\n", None]),
    st.integers(1, 20_000),
)
def test_any_damage_in_any_order(
    rows: int, damaged: int, noise: int, seed: int, name: str, separator: str, end: str | None, piece_bytes: int
) -> None:
    plan = dirty_plan(rows, damaged, seed, noise=noise)
    assume(sum(kind in WIDER for kind in plan) <= rows)
    with tempfile.TemporaryDirectory() as folder:
        log, out = Path(folder, name), Path(folder, "out")
        expected = write_log(log, plan, seed, separator=separator, end=end)
        recipe = Recipe.from_settings({**RECIPE.as_json(), "separator": separator})
        if rows:
            check(expected, ingest([log], out, recipe, piece_bytes=piece_bytes))
        else:
            code = "too-many-rejects" if damaged else "source-empty"
            facts = [f"{damaged} of {damaged} rows"] if damaged else []
            with pytest.raises(LongstrideError) as caught:
                ingest([log], out, recipe, piece_bytes=piece_bytes)
            if caught.value.code == "encoding-wrong":
                return  # a few damaged lines with zeros look like UTF-16
            assert caught.value.code == code
            assert all(fact in str(caught.value) for fact in facts)
            assert (out.with_name("out.report") / "rejects" / "0.parquet").exists() == bool(damaged)


@pytest.mark.soak
def test_a_million_rows_and_a_hundred_thousand_damaged_lines(tmp_path: Path) -> None:
    expected = dirty_log(tmp_path / "log.csv", 1_000_000, 100_000, seed=2025, noise=10_000)
    assert len(expected.time) == 1_000_000
    assert len(expected.damaged) == 100_000
    by_kind = Counter(damaged.kind for damaged in expected.damaged.values())
    assert len(by_kind) == len(KINDS) >= 20
    assert min(by_kind.values()) >= 1000
    check(expected, ingest([tmp_path / "log.csv"], tmp_path / "out", RECIPE))


def check(expected: Expected, report: IngestReport) -> None:
    """Compare the store, the rejects and the report with what is in the log."""
    store = open_store(report.store)
    assert store.channels == CHANNELS
    np.testing.assert_array_equal(store.time, expected.time)
    np.testing.assert_array_equal(store.values, expected.values)
    np.testing.assert_array_equal(np.signbit(store.values), np.signbit(expected.values))  # -0.0 equals 0.0
    assert store.labels is not None
    np.testing.assert_array_equal(store.labels[:, 0], expected.labels)

    (file,) = report.files
    rejects = read_rejects(Path(report.store), 1) if expected.damaged else []
    assert {name for name, *_ in rejects} <= {file.name}
    assert_rejected(expected, rejects)
    assert Counter(reason for _, _, reason, *_ in rejects) == file.rejected
    assert file.num_rejected == len(expected.damaged)
    assert file.rows_in == file.rows_out + file.num_rejected == len(expected.time) + len(expected.damaged)
    assert (file.filtered, file.deduplicated, file.merged, file.out_of_order) == (0, 0, 0, 0)
    assert (file.blank_lines, file.repeated_headers) == (expected.num_blank, expected.num_headers)


Rejected = tuple[str, int, str, str, str]
"""File, line, reason, detail, raw text."""


def read_rejects(out: Path, generation: int) -> list[Rejected]:
    path = out.with_name(f"{out.name}.report") / "rejects" / f"{generation}.parquet"
    frame = pl.read_parquet(path).select("file", "line", "reason", "detail", "raw")
    # A job that stops leaves what it has read so far, in any order.
    rows: list[Rejected] = (frame.sort("line") if generation == 0 else frame).rows()
    return rows


def assert_rejected(expected: Expected, rejects: list[Rejected]) -> None:
    """All damaged lines, nothing else, in the order of the file; a failure names the kinds."""
    found = {line: (reason, raw) for _, line, reason, _, raw in rejects}
    wanted = {
        line: (damaged.reason, damaged.raw.decode(errors="backslashreplace"))
        for line, damaged in expected.damaged.items()
    }
    wrong = [line for line, told in wanted.items() if found.get(line) != told]
    kinds = Counter(expected.damaged[line].kind for line in wrong)
    assert not wrong, f"{kinds}, such as {[(line, found.get(line), wanted[line]) for line in wrong[:3]]}"
    assert [line for _, line, *_ in rejects] == list(wanted)
    assert all(detail for *_, detail, _ in rejects)


def test_too_much_damage_stops_the_command(tmp_path: Path) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "out"
    expected = dirty_log(log, 900, 100, seed=5)
    flags = ["--time", "time", "--labels", "fault", "--exclude", "remark", "--null", "NA", "--dtype", "float64"]
    result = CliRunner().invoke(main, ["ingest", str(log), "--out", str(out), *flags])
    assert result.exit_code == 1
    assert not out.exists()
    rejects = read_rejects(out, 0)
    assert_rejected(expected, rejects)
    ((reason, count),) = Counter(reason for _, _, reason, *_ in rejects).most_common(1)
    file, line, _, detail, _ = next(reject for reject in rejects if reject[2] == reason)
    share = "100 of 1,000 rows", "10.00%", "--max-rejects 0.1%", f"{count} for '{reason}'"
    found = f"{out}.report/rejects/0.parquet"
    assert_refused(result.output, "too-many-rejects", f"{file}, line {line}: {detail}", *share, found)
    assert result.output.count("\n") == 1


def test_a_long_log_is_stopped_before_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reject_file, "ENOUGH_ROWS", 1000)
    expected = dirty_log(tmp_path / "log.csv", 9000, 1000, seed=6)
    recipe = Recipe.from_settings({**RECIPE.as_json(), "max_rejects": "0.1%"})
    with raises("too-many-rejects"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", recipe, piece_bytes=20_000)
    assert not (tmp_path / "out").exists()
    lines = {line for _, line, *_ in read_rejects(tmp_path / "out", 0)}
    assert lines < expected.damaged.keys()
    assert 0 < len(lines) < 500


@pytest.mark.parametrize("piece_bytes", [5000, 10**6])
def test_the_limit_is_exact(tmp_path: Path, piece_bytes: int) -> None:
    expected = dirty_log(tmp_path / "log.csv", 900, 100, seed=7)

    def run(max_rejects: str) -> IngestReport:
        recipe = Recipe.from_settings({**RECIPE.as_json(), "max_rejects": max_rejects})
        return ingest([tmp_path / "log.csv"], tmp_path / "out", recipe, piece_bytes=piece_bytes)

    for too_few in ("99", "9.9%"):
        with raises("too-many-rejects", f"--max-rejects {too_few}"):
            run(too_few)
        assert not (tmp_path / "out").exists()
        assert_rejected(expected, read_rejects(tmp_path / "out", 0))
    check(expected, run("100"))


def test_the_limit_is_exact_as_a_share(tmp_path: Path) -> None:
    expected = dirty_log(tmp_path / "log.csv", 900, 100, seed=8)
    recipe = Recipe.from_settings({**RECIPE.as_json(), "max_rejects": "10%"})
    check(expected, ingest([tmp_path / "log.csv"], tmp_path / "out", recipe))
