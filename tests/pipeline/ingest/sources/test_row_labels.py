"""Labels that are in a file of their own, a row for each row of the log."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import Recipe, append, ingest, rebuild
from longstride.storage.open import open_store
from tests.helpers.errors import raises
from tests.helpers.logs.accounts import assert_balanced
from tests.helpers.logs.buckets import tiny_buckets

WRITE = Callable[..., Path]


def lines(count: int, start: int = 0) -> list[str]:
    return [
        "time,v",
        *(f"2024-03-01 00:{row // 60:02}:{row % 60:02},{row}" for row in range(start, start + count)),
    ]


def recipe(file: Path | str, **settings: Any) -> Recipe:
    return Recipe(**{"time": "time", "label_file": str(file), "max_gap": "1d"} | settings)


def labels_of(store: Any) -> list[list[int]]:
    return np.asarray(store.labels).tolist()  # type: ignore[no-any-return]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.booleans(), st.integers(0, 127)), min_size=1, max_size=60),
    st.sampled_from([20, 60, 2**20]),
    st.sampled_from(["csv", "parquet"]),
)
def test_labels_follow_their_rows(rows: Sequence[tuple[int, bool, int]], piece_bytes: int, kind: str) -> None:
    with tempfile.TemporaryDirectory() as folder, tiny_buckets():
        log, file = Path(folder, f"log.{kind}"), Path(folder, "labels.csv")
        # Damaged lines count as rows, and rows of any order keep their labels.
        frame = pl.DataFrame({"time": [row[0] for row in rows], "v": ["x" if row[1] else "1" for row in rows]})
        frame.write_csv(log) if kind == "csv" else frame.write_parquet(log, row_group_size=7)
        file.write_text("is_odd,kind\n" + "".join(f"{kind % 2},{kind}\n" for _, _, kind in rows))
        good = [(time, one) for time, bad, one in rows if not bad]
        if not good:
            return
        chosen = recipe(file, time_format="s", series=None, max_rejects="100%", duplicates="first")
        store = assert_balanced(ingest([log], Path(folder, "out"), chosen, piece_bytes=piece_bytes))
        first: dict[int, int] = {}
        for time, one in good:
            first.setdefault(time, one)
        assert store.label_names == ("is_odd", "kind")
        assert labels_of(store) == [[one % 2, one] for _, one in sorted(first.items())]


@pytest.mark.parametrize(
    ("written", "names", "expected"),
    [
        (["0", "1", "1", "0"], ("label",), [0, 1, 1, 0]),
        (["0.0", "1.0", "1.0", "0.0"], ("label",), [0, 1, 1, 0]),
        (["anomaly", "False", "true", "TRUE", "False"], ("anomaly",), [0, 1, 1, 0]),
        ([",attack", "0,0", "1,1", "2,1", "3,0"], ("attack",), [0, 1, 1, 0]),
        (["kind;note", "0;0", "3;0", "3;0", "0;0"], ("kind", "note"), [0, 3, 3, 0]),
    ],
)
def test_ways_to_write_labels(
    tmp_path: Path, write_log: WRITE, written: list[str], names: tuple[str, ...], expected: list[int]
) -> None:
    log, file = write_log("log.csv", lines(4)), write_log("labels.csv", written)
    store = assert_balanced(ingest([log], tmp_path / "out", recipe(file)))
    assert store.label_names == names
    assert [row[0] for row in labels_of(store)] == expected


def test_texts_become_labels_by_states(tmp_path: Path, write_log: WRITE) -> None:
    log, file = write_log("log.csv", lines(3)), write_log("labels.csv", ["state", "Normal", "Attack", "normal"])
    with raises("labels-format", "labels.csv", "line 2", "'Normal'"):
        ingest([log], tmp_path / "out", recipe(file))
    store = assert_balanced(ingest([log], tmp_path / "out", recipe(file, states=("state=Normal,Attack",))))
    assert labels_of(store) == [[0], [1], [0]]


def test_labels_by_time(tmp_path: Path, write_log: WRITE) -> None:
    log = write_log("log.csv", [lines(4)[0], *lines(4)[:0:-1]])  # the newest row first
    marked = [f"{line.partition(',')[0]},{int(row in (2, 3))}" for row, line in enumerate(lines(9)[1:])]
    file = write_log("labels.csv", ["time,fault", *marked])
    store = assert_balanced(ingest([log], tmp_path / "out", recipe(file)))
    assert labels_of(store) == [[0], [0], [1], [1]]
    with raises("labels-changed"):
        write_log("labels.csv", ["time,fault", *marked, "2024-03-02 00:00:00,1"])
        append([write_log("more.csv", lines(4, start=4))], tmp_path / "out")
    append([write_log("more.csv", lines(4, start=4))], tmp_path / "out", accept_changed=True)
    write_log("late.csv", lines(3, start=8))
    with raises("labels-format", "late.csv", "line 3", "2024-03-01T00:00:09"):
        append([tmp_path / "late.csv"], tmp_path / "out", accept_changed=True)


def test_times_of_labels_rise(tmp_path: Path, write_log: WRITE) -> None:
    marked = [f"{line.partition(',')[0]},1" for line in lines(3)[1:]]
    file = write_log("labels.csv", ["time,fault", *marked, marked[1]])
    with raises("labels-format", "labels.csv", "line 5"):
        ingest([write_log("log.csv", lines(3))], tmp_path / "out", recipe(file))


def test_another_number_of_rows(tmp_path: Path, write_log: WRITE) -> None:
    log, file = write_log("log.csv", lines(4)), write_log("labels.csv", ["a", "0", "1", "1"])
    with raises("labels-format", "labels.csv", "3 rows", "log.csv", "4 rows"):
        ingest([log], tmp_path / "out", recipe(file))


def test_each_log_has_a_file_of_its_own(tmp_path: Path, write_log: WRITE) -> None:
    for name, start in (("a", 0), ("b", 4), ("c", 8)):
        write_log(f"{name}.csv", lines(4, start))
        write_log(f"{name}_label.csv", ["fault", *(str(int(name == "b")) * 1 for _ in range(4))])
    logs = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with raises("recipe-conflict", "label-file"):
        ingest(logs, tmp_path / "out", recipe(tmp_path / "a_label.csv"))
    chosen = recipe("{folder}/{name}_label.csv")
    assert labels_of(assert_balanced(ingest(logs, tmp_path / "out", chosen))) == [[0]] * 4 + [[1]] * 4
    assert ingest(logs, tmp_path / "out", chosen).was_there
    append([tmp_path / "c.csv"], tmp_path / "out")
    assert labels_of(open_store(tmp_path / "out")) == [[0]] * 4 + [[1]] * 4 + [[0]] * 4
    write_log("d.csv", lines(4, 12))
    with raises("source-missing", "d_label.csv"):
        append([tmp_path / "d.csv"], tmp_path / "out")
    write_log("d_label.csv", ["flaw", *"0000"])
    with raises("channels-changed", "d_label.csv", "'flaw'", "'fault'"):
        append([tmp_path / "d.csv"], tmp_path / "out")


def test_some_logs_have_no_file_of_labels(tmp_path: Path, write_log: WRITE) -> None:
    for folder, start in (("train", 0), ("test", 4), ("more", 8)):
        (tmp_path / folder).mkdir()
        write_log(f"{folder}/a.csv", lines(4, start))
    (tmp_path / "test_label").mkdir()
    write_log("test_label/a.txt", [*"0110"])
    logs, chosen = [tmp_path / "train" / "a.csv", tmp_path / "test" / "a.csv"], "{folder}_label/{name}.txt"
    with raises("source-missing", "train_label"):
        ingest(logs, tmp_path / "out", recipe(chosen))
    with raises("source-missing", "no log has a file of labels"):
        ingest(logs[:1], tmp_path / "out", recipe(chosen, absent_labels="zero"))
    report = ingest(logs, tmp_path / "out", recipe(chosen, absent_labels="zero"))
    assert labels_of(assert_balanced(report)) == [[0]] * 5 + [[1]] * 2 + [[0]]
    assert any("train/a.csv': no file of labels; 'label' is 0" in one for one in report.look_at)
    append([tmp_path / "more" / "a.csv"], tmp_path / "out")
    assert labels_of(open_store(tmp_path / "out")) == [[0]] * 5 + [[1]] * 2 + [[0]] * 5
    rebuild(logs, tmp_path / "out")


def test_two_logs_do_not_share_a_file_in_the_order_of_rows(tmp_path: Path, write_log: WRITE) -> None:
    for folder, start in (("train", 0), ("test", 4)):
        (tmp_path / folder).mkdir()
        write_log(f"{folder}/a.csv", lines(4, start))
    file = write_log("a.txt", [*"0110"])
    logs = [tmp_path / "train" / "a.csv", tmp_path / "test" / "a.csv"]
    with raises("recipe-conflict", "test/a.csv", "train/a.csv"):
        ingest(logs, tmp_path / "out", recipe(tmp_path / "{name}.txt"))
    file.write_text("time,label\n" + "".join(f"{line.partition(',')[0]},1\n" for line in lines(8)[1:]))
    assert labels_of(assert_balanced(ingest(logs, tmp_path / "out", recipe(tmp_path / "{name}.txt")))) == [[1]] * 8


def test_changed_labels_are_seen(tmp_path: Path, write_log: WRITE) -> None:
    log, file = write_log("log.csv", lines(2)), write_log("labels.csv", ["a", "0", "1"])
    ingest([log], tmp_path / "out", recipe(file))
    write_log("labels.csv", ["a", "1", "1"])
    with raises("labels-changed", "labels.csv"):
        rebuild([log], tmp_path / "out")
    rebuild([log], tmp_path / "out", accept_changed=True)
    assert labels_of(open_store(tmp_path / "out")) == [[1], [1]]
    with raises("recipe-conflict"):
        append([write_log("more.csv", lines(2, start=2))], tmp_path / "out")


def test_rows_without_times(tmp_path: Path, write_log: WRITE) -> None:
    log, file = write_log("log.txt", [f"{row}.5,{row}" for row in range(5)]), write_log("labels.txt", [*"00110"])
    chosen = recipe(file, time=(), every="1s", start="2024-03-01", header=("a", "b"), max_gap=None)
    assert labels_of(assert_balanced(ingest([log], tmp_path / "out", chosen))) == [[0], [0], [1], [1], [0]]


@pytest.mark.parametrize("settings", [{"series": "unit"}, {"series": ("zone", "unit")}, {"pivot": "unit"}])
@pytest.mark.parametrize("has_times", [True, False])
def test_the_series_of_a_log_is_no_label(write_log: WRITE, tmp_path: Path, has_times: bool, settings: Any) -> None:
    rows = [f"2024-03-01 00:00:{second:02},1,{second % 2},{second}" for second in range(10)]
    log = write_log("log.csv", ["time,zone,unit,v", *rows])
    parts = slice(0, None) if has_times else slice(2, None)
    file = write_log("l.csv", [",".join(row.split(",")[parts]) for row in ["time,zone,unit,fault", *rows]])
    with raises("labels-format", "'unit'"):
        ingest([log], tmp_path / "out", recipe(file, **settings))
