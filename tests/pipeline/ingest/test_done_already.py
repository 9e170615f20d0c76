"""A job that is run again when its work is done says so, and changes nothing; anything else is an error."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from longstride import Recipe, append, ingest, pack, rebuild
from longstride.__main__ import main
from longstride.storage.errors import LongstrideError
from tests.helpers.errors import raises
from tests.helpers.logs.log_lines import log_lines

RECIPE = Recipe(time="time", labels=("fault",))

Log = Callable[..., Path]


def held(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "settings", [{}, {"max_gap": "1h"}, {"every": "5m"}, {"sql": "SELECT *, a * 2 AS twice FROM rows"}], ids=str
)
def test_the_same_ingest_again(tmp_path: Path, write_log: Log, settings: dict[str, str]) -> None:
    logs = [write_log("1.csv", log_lines(50)), write_log("2.csv", log_lines(20, start=50))]
    recipe = Recipe(time="time", **settings)  # type: ignore[arg-type]
    first = ingest(logs, tmp_path / "out", recipe)
    before = held(tmp_path)
    again = ingest(logs, tmp_path / "out", recipe, workers=1)
    assert (first.was_there, again.was_there) == (False, True)
    assert again.as_plain() == {**first.as_plain(), "was_there": True}
    assert held(tmp_path) == before


def test_the_command_says_that_nothing_was_done(tmp_path: Path, write_log: Log) -> None:
    log = str(write_log("1.csv", log_lines(50)))
    command = ["ingest", log, "--out", str(tmp_path / "out"), "--time", "time", "--labels", "fault"]
    told = []
    for more in ([], [], ["--json"]):
        result = CliRunner().invoke(main, [*command, *more])
        assert result.exit_code == 0, result.output
        told.append(result.output)
    assert [("nothing was done" in text) for text in told[:2]] == [False, True]
    assert json.loads(told[2])["was_there"]


def longer(log: Path, out: Path) -> None:
    log.write_text(log.read_text() + "2024-03-02T00:00:00,1,2,0\n")


def other_bytes(log: Path, out: Path) -> None:
    """With the same size, and the time of the file set back."""
    text = log.read_text()
    log.write_text(text[:-2] + ("1" if text[-2] == "0" else "0") + "\n")


def no_report(log: Path, out: Path) -> None:
    (out.with_name("out.report") / "report.json").unlink()


def another_report(log: Path, out: Path) -> None:
    report = out.with_name("out.report") / "report.json"
    plain = json.loads(report.read_text())
    plain["files"][0]["rows_in"] += 1
    report.write_text(json.dumps(plain))


def broken_report(log: Path, out: Path) -> None:
    (out.with_name("out.report") / "report.json").write_text("[]")


def appended_to(log: Path, out: Path) -> None:
    append([written(log.with_name("2.csv"), 20, 50)], out)


def made_again(log: Path, out: Path) -> None:
    rebuild([log], out)


def written(path: Path, rows: int, start: int = 0) -> Path:
    path.write_text("\n".join(log_lines(rows, start=start)) + "\n")
    return path


@pytest.mark.parametrize(
    "change", [longer, other_bytes, no_report, another_report, broken_report, appended_to, made_again]
)
def test_what_is_not_what_the_ingest_would_make(tmp_path: Path, change: Callable[[Path, Path], None]) -> None:
    log, out = written(tmp_path / "1.csv", 50), tmp_path / "out"
    ingest([log], out, RECIPE)
    change(log, out)
    before = held(tmp_path)
    with raises("store-exists", out):
        ingest([log], out, RECIPE)
    assert held(tmp_path) == before


@pytest.mark.parametrize(
    "settings", [{"max_gap": "1h"}, {"labels": ()}, {"null": ("7.25",)}, {"dtype": "float64"}, {"every": "5m"}]
)
def test_another_recipe(tmp_path: Path, settings: dict[str, object]) -> None:
    log = written(tmp_path / "1.csv", 50)
    ingest([log], tmp_path / "out", RECIPE)
    with raises("store-exists"):
        ingest([log], tmp_path / "out", Recipe(**{"time": "time", "labels": ("fault",), **settings}))  # type: ignore[arg-type]


def test_a_copy_of_the_source_and_a_packed_store_are_others(tmp_path: Path) -> None:
    log = written(tmp_path / "1.csv", 50)
    copy = written(tmp_path / "copy.csv", 50)
    store = tmp_path / "out"
    ingest([log], store, RECIPE)
    with raises("store-exists"):
        ingest([copy], store, RECIPE)
    pack(store, tmp_path / "packed", codec="zstd")
    with raises("store-exists"):
        ingest([log], tmp_path / "packed", RECIPE)


def test_a_source_that_is_gone(tmp_path: Path) -> None:
    log = written(tmp_path / "1.csv", 50)
    ingest([log], tmp_path / "out", RECIPE)
    log.unlink()
    with raises("store-exists"):
        ingest([log], tmp_path / "out", RECIPE)


def test_the_same_append_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    logs = [written(tmp_path / f"{number}.csv", 20, 20 * number) for number in range(4)]
    ingest(logs[:1], out, RECIPE)
    with raises("source-repeated"):  # it was not appended
        append(logs[:1], out)
    append(logs[1:2], out)
    last = append(logs[2:3], out)
    before = held(tmp_path)
    assert append(logs[2:3], out).as_plain() == {**last.as_plain(), "was_there": True}
    for other in (logs[1:2], logs[1:3], logs[:3]):  # of other commits, or of two
        with raises("source-repeated"):
            append(other, out)
    assert held(tmp_path) == before
    assert not append(logs[3:], out).was_there


def test_an_append_after_a_rebuild_of_the_same_sources_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    logs = [written(tmp_path / f"{number}.csv", 20, 20 * number) for number in range(2)]
    ingest(logs[:1], out, RECIPE)
    rebuild(logs[1:], out)
    for named in (logs, logs[1:]):
        with pytest.raises(LongstrideError) as caught:
            append(named, out)
        assert caught.value.code == "source-repeated"
