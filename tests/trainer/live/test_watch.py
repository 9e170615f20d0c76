"""`longstride watch` in a process of its own, at the end of a pipe."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import longstride
from longstride import Detector
from longstride.__main__ import main
from longstride.storage.text import utc_time
from tests.helpers.errors import assert_refused
from tests.trainer.live.conftest import CHANNELS, Log

START = np.datetime64("2024-03-01T08:00:00", "s")


def ndjson(log: Log, begin: int, stop: int, **more: Any) -> list[str]:
    return [
        json.dumps(
            {"time": f"{START + row}Z"}
            | {
                name: None if np.isnan(one) else float(one)
                for name, one in zip(CHANNELS, log.values[row], strict=True)
            }
            | more
        )
        + "\n"
        for row in range(begin, stop)
    ]


def watched(run: Path, lines: list[str] | bytes, *options: str, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    data = lines if isinstance(lines, bytes) else "".join(lines).encode()
    result = CliRunner().invoke(main, ["watch", str(run), "--device", "cpu", *options], input=data)
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def assert_scores(found: list[dict[str, Any]], expected: np.ndarray[Any, Any]) -> None:
    scores = [np.nan if line["score"] is None else line["score"] for line in found]
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)


def expected_of(run: Path, log: Log, stop: int, **options: Any) -> np.ndarray[Any, Any]:
    return Detector(run, device="cpu", **options).score(log.values[:stop], time=START + np.arange(stop)).score


def test_each_row_has_a_line(runs: Path, log: Log) -> None:
    found, told = watched(runs / "pca", ndjson(log, 0, 420, series="press", note="x"), "--smooth", "3")
    assert_scores(found, expected_of(runs / "pca", log, 420, smooth=3))
    assert found[0] == {
        "line": 1, "time": "2024-03-01T08:00:00Z", "series": "press", "score": None, "alarm": None, "waiting": 15
    }  # fmt: skip
    alarm = found[402]
    assert alarm["alarm"] is True
    assert next(iter(alarm["channels"])) == "a"
    assert "waiting" not in alarm
    assert [line["line"] for line in found] == [*range(1, 421)]
    assert told.splitlines()[-1].startswith("420 rows, 401 of them scored"), told


def test_csv_gives_the_same(runs: Path, log: Log) -> None:
    lines = ["time;d;c;b;a\n"]
    for row in range(100):
        values = ["n/a" if np.isnan(one) else str(float(one)) for one in log.values[row][::-1]]
        lines.append(";".join([str((START + row).astype(int)), *values]) + "\r\n")
    options = ["--separator", ";", "--null", "n/a", "--time-unit", "s"]
    found, _ = watched(runs / "pca", lines, *options)
    assert_scores(found, expected_of(runs / "pca", log, 100))
    names = [flag for name in ("time", "d", "c", "b", "a") for flag in ("--columns", name)]
    without, _ = watched(runs / "pca", lines[1:], *options, *names)
    assert [line | {"line": line["line"] + 1} for line in without] == found


def test_bad_lines_are_told_counted_and_left_out(runs: Path, log: Log) -> None:
    lines = ndjson(log, 0, 60)
    late = ndjson(log, 3, 4)
    bad = ["nonsense\n", "\n", '{"a": "x", "time": "2024-03-01"}\n', *late]
    found, told = watched(runs / "pca", [*lines[:20], *bad, *lines[20:]])
    assert_scores(found, expected_of(runs / "pca", log, 60))
    for number in (21, 23, 24):
        assert f"line {number} is left out: " in told
    assert "line 22" not in told
    assert "3 bad lines" in told
    assert (
        "line 7 is left out: it is not UTF-8"
        in watched(runs / "pca", "".join(lines[:6]).encode() + b"{\xff}\n")[1]
    )


@pytest.mark.parametrize("bad", ["nonsense\n", "late"])
def test_more_bad_lines_than_are_allowed_end_it(runs: Path, log: Log, bad: str) -> None:
    lines = ndjson(log, 0, 60)
    wrong = lines[0] if bad == "late" else bad
    found, told = watched(
        runs / "pca", [*lines[:20], wrong, *lines[20:40], wrong, *lines[40:]], "--max-rejects", "1", code=1
    )
    assert_refused(told, "too-many-rejects", "line 42", "--max-rejects 1")
    assert len(found) == 40
    assert watched(runs / "pca", lines[:20], "--max-rejects", "0")


def test_one_series_too_many_does_not_end_the_others(runs: Path, log: Log) -> None:
    lines = [line for row in range(40) for name in "xyz" for line in ndjson(log, row, row + 1, series=name)]
    found, told = watched(runs / "pca", lines, "--max-series", "2")
    assert "line 3 is left out: 'z' would be series 3" in told
    assert "40 bad lines" in told
    for name in "xy":
        assert_scores([line for line in found if line["series"] == name], expected_of(runs / "pca", log, 40))


def test_doubts_are_told(runs: Path) -> None:
    _, told = watched(runs / "pca", ['{"a": 1, "b": 2, "c": 3}\n'] * 20)
    assert "no field `time`" in told
    assert "no row so far has a value of d" in told


def test_a_gap_in_time_begins_a_segment(runs: Path, log: Log) -> None:
    found, _ = watched(runs / "pca", [*ndjson(log, 0, 30), *ndjson(log, 40, 60)])
    assert [line.get("waiting", 0) for line in found] == [
        *range(15, 0, -1),
        *[0] * 15,
        *range(15, 0, -1),
        *[0] * 5,
    ]


@pytest.mark.parametrize(
    ("lines", "options", "code", "facts"),
    [
        (["x;y\n"], [], "row-format", ["--separator"]),
        ([], ["--smooth", "0"], "option-value", ["--smooth"]),
        ([], ["--state", "."], "path-taken", ["is a folder"]),
    ],
)  # fmt: skip
def test_what_ends_it(runs: Path, lines: list[str], options: list[str], code: str, facts: list[str]) -> None:
    _, told = watched(runs / "pca", lines, *options, code=1)
    assert_refused(told, code, *facts)


def test_nothing_on_standard_input(runs: Path) -> None:
    assert watched(runs / "pca", b"")[0] == []


@contextmanager
def watching(run: Path, *options: str, unbuffered: bool = False) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-m", "longstride", "watch", str(run), "--device", "cpu", *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    variables = {
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1" if unbuffered else "",
    }  # "" is as if it was not set
    with subprocess.Popen(command, **pipes, env={**os.environ, **variables}) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def exchange(process: "subprocess.Popen[bytes]", lines: list[str]) -> list[dict[str, Any]]:
    """Write lines, and read as many: each is there while the pipe stays open."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(lines).encode())
    process.stdin.flush()
    return [json.loads(process.stdout.readline()) for _ in lines]


def test_each_line_is_answered_at_once_and_a_restarted_one_resumes(runs: Path, log: Log, tmp_path: Path) -> None:
    """By signals that end it, and by the end of the input; what is read is scored, and the state is kept."""
    state, lines = tmp_path / "plant.state", ndjson(log, 0, 120)
    found: list[dict[str, Any]] = []
    ends = [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (None, 0)]
    for number, (ended, code) in enumerate(ends):
        with watching(runs / "pca", "--state", str(state)) as process:
            mine = lines[30 * number : 30 * number + 30]
            found += exchange(process, mine[:1])
            found += exchange(process, mine[1:])
            if ended is not None:
                process.send_signal(ended)
            _, told = process.communicate(timeout=30)
        assert process.returncode == code, told
        assert b"30 rows" in told
        assert b"Traceback" not in told
        assert (b"Interrupted watch" in told) == (ended is not None)
    assert_scores(found, expected_of(runs / "pca", log, 120))
    assert [path.name for path in tmp_path.iterdir()] == ["plant.state"]


def test_a_signal_while_the_model_is_read_ends_it_too(runs: Path) -> None:
    with watching(runs / "pca") as process:
        time.sleep(0.9)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


def test_a_reader_that_goes_ends_it_without_a_word(runs: Path, log: Log) -> None:
    with watching(runs / "pca") as process:
        exchange(process, ndjson(log, 0, 1))
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write("".join(ndjson(log, 1, 30)).encode())
        process.stdin.close()
        assert process.wait(timeout=30) == 1
        assert process.stderr is not None
        told = process.stderr.read()
        assert b"Error" not in told
        assert b"Traceback" not in told


def test_a_kill_leaves_the_last_state_that_was_written(runs: Path, log: Log, tmp_path: Path) -> None:
    state, lines = tmp_path / "plant.state", ndjson(log, 0, 60)
    watched(runs / "pca", lines[:30], "--state", str(state))
    before = state.read_bytes()
    with watching(runs / "pca", "--state", str(state)) as process:
        exchange(process, lines[30:50])
        process.kill()
    assert state.read_bytes() == before
    found, _ = watched(runs / "pca", lines[30:], "--state", str(state))
    assert_scores(found, expected_of(runs / "pca", log, 60)[30:])


def test_lines_of_a_file_that_grows(runs: Path, log: Log, tmp_path: Path) -> None:
    """`tail -f plant.ndjson | longstride watch RUN`, half a line at a time."""
    path, lines = tmp_path / "plant.ndjson", ndjson(log, 0, 20)
    path.write_text(lines[0])
    command = [sys.executable, "-m", "longstride", "watch", str(runs / "pca"), "--device", "cpu"]
    with (
        subprocess.Popen(["tail", "-n", "+1", "-f", str(path)], stdout=subprocess.PIPE) as tail,
        subprocess.Popen(command, stdin=tail.stdout, stdout=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None
        found = [json.loads(process.stdout.readline())]
        for line in lines[1:]:
            for half in (line[:20], line[20:]):
                with open(path, "a") as file:
                    file.write(half)
        found += [json.loads(process.stdout.readline()) for _ in lines[1:]]
        tail.kill()
        assert process.wait(timeout=30) == 0
    assert_scores(found, expected_of(runs / "pca", log, 20))


def test_a_line_that_is_too_long_is_left_out_as_a_whole(
    runs: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing fills the memory without a line end, and what looks like a row at its end is none."""
    from longstride.trainer.live import line_input

    monkeypatch.setattr(line_input, "MAX_LINE", 1000)
    lines = ndjson(log, 0, 20)
    cut = "{" * (3 * line_input.READ_BYTES - sum(map(len, lines[:10])))  # a read begins with the row behind it
    found, told = watched(runs / "pca", [*lines[:10], cut + lines[19], "x" * 2000 + "\n", *lines[10:], cut])
    for number in (11, 12, 23):
        assert f"line {number} is left out: it is too long" in told
    assert "3 bad lines" in told
    assert_scores(found, expected_of(runs / "pca", log, 20))


@pytest.mark.parametrize("unbuffered", [False, True])
def test_a_second_signal_does_not_wait_for_a_reader_that_does_not_read(runs: Path, unbuffered: bool) -> None:
    with watching(runs / "pca", unbuffered=unbuffered) as process:
        row = '{"a": 1, "b": 2, "c": 3, "d": 4}\n'
        exchange(process, [row])
        assert process.stdin is not None
        lines = 900 * row.encode()
        os.set_blocking(process.stdin.fileno(), False)
        until = time.monotonic() + 3
        while time.monotonic() < until:  # both pipes are full, and it waits to write
            with suppress(BlockingIOError):
                os.write(process.stdin.fileno(), lines)
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == -signal.SIGTERM


def test_a_log_scored_line_by_line_as_in_its_store(tmp_path: Path, log: Log) -> None:
    """From a CSV file of two series with gaps: the last row of each segment has the score of the store."""
    lines = ["time,machine,a,b,c,d"]
    for values, name, at in zip(log.values, log.series, log.time, strict=True):
        shown = ",".join("" if np.isnan(one) else f"{one:.3f}" for one in values)
        lines.append(f"{np.datetime64(int(at), 'ns')},{name},{shown}")
    (tmp_path / "plant.csv").write_text("\n".join(lines) + "\n")
    recipe = longstride.Recipe(time="time", series="machine", max_gap="1500ms")
    longstride.ingest([tmp_path / "plant.csv"], tmp_path / "plant.zarr", recipe)
    store = longstride.open(tmp_path / "plant.zarr")
    sizes: dict[str, Any] = {"window": 8, "stride": 4, "latent": 4, "model": "pca", "device": "cpu"}
    longstride.train(store, tmp_path / "run", **sizes, train_share=0.5, validation_share=0.5)
    longstride.score(tmp_path / "run", store, tmp_path / "s.parquet", smooth=2, device="cpu")
    table = pl.read_parquet(tmp_path / "s.parquet")
    found, _ = watched(
        tmp_path / "run", (tmp_path / "plant.csv").read_bytes(), "--series", "machine", "--smooth", "2"
    )
    live = {(line["series"], line["time"]): line["score"] for line in found}
    assert len(live) == len(log.values)
    times, series = table["time"].to_physical().to_list(), table["series"].to_list()
    last = (store.segments.stop - 1).tolist()
    scores = [live[series[row], utc_time(times[row])] for row in last]
    scored = [row for row, score in zip(last, scores, strict=True) if score is not None]
    assert len(scored) > 20
    expected = table["score"].to_numpy()[scored]
    np.testing.assert_allclose([score for score in scores if score is not None], expected, rtol=1e-6, atol=1e-6)
