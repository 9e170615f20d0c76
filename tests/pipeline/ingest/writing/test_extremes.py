"""Values far from all others, against a look at all rows."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longstride import IngestReport, Recipe, append, ingest
from longstride.pipeline.ingest.writing import extremes
from longstride.pipeline.ingest.writing.extremes import far_values, is_made_up
from longstride.storage.format import StoreLayout
from longstride.storage.writing.writer import StoreWriter

CHUNK_ROWS = 16
SMALL_CHUNKS = mock.patch.object(StoreLayout, "chunk_rows", CHUNK_ROWS)
READ_ALL = mock.patch.multiple(extremes, MAX_BLOCKS=1000, MIN_BLOCKS_READ=1000)
VALUES = st.sampled_from([np.nan, -9999.0, -99.0, 9999.0, 1e6, 0.0, 1.0, 2.5, 3.0, 20.0, -200.0])
TIMES = 10**9 * np.arange(1000)


def brute(values: np.ndarray) -> set[tuple[int, float, int, float, float]]:
    """Channel, value, how often, and range of all others."""
    found = set()
    for channel, column in enumerate(values.T):
        present = column[~np.isnan(column)]
        for end in (np.min, np.max) if len(present) else ():
            value = float(end(present))
            rest = present[present != value]
            if not len(rest):
                continue
            low, high = float(rest.min()), float(rest.max())
            distance, spread = max(low - value, value - high), high - low
            few = abs(value - present.mean()) > 3 * present.std()
            if distance >= 0.5 * spread if is_made_up(value) else few and spread > 0 and distance >= 10 * spread:
                found.add((channel, value, int((present == value).sum()), low, high))
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=90), st.integers(0, 89))
def test_far_values(rows: list[tuple[float, float]], repeat: int) -> None:
    values = np.array([*rows, *[(1.0, 2.0)] * repeat], np.float32)
    with tempfile.TemporaryDirectory() as folder, SMALL_CHUNKS:
        with StoreWriter(Path(folder, "s"), StoreLayout(channels=("a", "b"))) as writer:
            writer.append(TIMES[: len(values)], values)
            with READ_ALL:
                found = list(far_values(writer))
            wanted = brute(values.astype(np.float64))
            assert {(one.channel, one.value, one.num_values, one.low, one.high) for one in found} == wanted
            assert not any(one.is_least for one in found)
            with mock.patch.multiple(extremes, MAX_BLOCKS=1, MIN_BLOCKS_READ=1):
                fewer = {(one.channel, one.value): one for one in far_values(writer)}
        for one in fewer.values():  # what is told of few blocks is no more than what is there
            count = int((values[:, one.channel] == np.float32(one.value)).sum())
            assert 0 < one.num_values <= count
            assert one.is_least >= (one.num_values < count)


@pytest.mark.parametrize(
    ("value", "is_known"),
    [(-9999, True), (-99.9, True), (999, True), (65535, True), (-32768, True), (1e38, True), (-100, True),
     (-273.15, False), (98, False), (0, False), (9, False), (-40, False)],
)  # fmt: skip
def test_numbers_that_are_made_up(value: float, is_known: bool) -> None:
    assert is_made_up(value) == is_known
    assert is_made_up(float(np.float32(value))) == is_known


Report = Callable[..., IngestReport]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """`report(["a,b", "1,2"], dtype="float64")`: ingest rows with a column of time in front."""

    def run(lines: list[str], **recipe: object) -> IngestReport:
        path = tmp_path / "log.csv"
        path.write_text(
            "\n".join(["time," + lines[0], *(f"{row},{line}" for row, line in enumerate(lines[1:]))]) + "\n"
        )
        with SMALL_CHUNKS:
            made = ingest(
                [path], tmp_path / "out", Recipe(time="time", time_format="s", **recipe), piece_bytes=300
            )  # type: ignore[arg-type]
        assert made == IngestReport.from_plain(made.as_plain())
        assert made == IngestReport.from_json(made.as_json())
        return made

    return run


def test_the_report_tells_them_with_the_line_that_makes_them_missing(report: Report) -> None:
    rows = [f"{-9999 if 50 < row < 60 else 20 + row % 5},{row % 2}" for row in range(200)]
    told = 'Flow: 9 values of -9999, all others 20 to 24: if that means missing, null = ["Flow=-9999"]'
    found = report(["Flow,flag", *rows])
    assert found.look_at == (told,)
    assert told in found.render()


@pytest.mark.parametrize("recipe", [{"every": "2s"}, {"sql": "SELECT * FROM rows"}])
def test_what_was_computed_has_no_such_line(report: Report, recipe: dict[str, object]) -> None:
    rows = [f"{10**6 if row == 50 else 20 + row % 5},{row % 2}" for row in range(200)]
    (told,) = report(["Flow,flag", *rows], **recipe).look_at[:1]
    assert told.startswith("Flow: 1 value of ")
    assert "null" not in told


def test_usual_values_are_not_told(report: Report) -> None:
    rows = [f"{20 + row % 5},{int(row == 7)},{-row}" for row in range(200)]
    assert report(["Flow,flag,depth", *rows]).look_at == ()


def test_an_append_looks_at_what_it_adds_and_what_was_there(report: Report, tmp_path: Path) -> None:
    report(["Flow", *(str(20 + row % 5) for row in range(100))])
    path = tmp_path / "later.csv"
    path.write_text("time,Flow\n" + "".join(f"{row},{-9999 if row == 120 else 21}\n" for row in range(100, 140)))
    with SMALL_CHUNKS:
        (told,) = append([path], tmp_path / "out").look_at
    assert told.startswith("Flow: 1 value of -9999, all others 20 to 24")


def test_columns_that_are_left_out_but_hold_something(report: Report) -> None:
    rows = [
        f"{row % 7},{7 if row == 150 else ''},{'fail' if row in (90, 170) else 'ok'},text {row},on,"
        for row in range(200)
    ]
    found = report(["v,Lab,alarm,note,mode,empty", *rows], exclude=("Lab", "alarm", "note", "mode", "empty"))
    assert found.look_at == (
        "column 'Lab' was left out (exclude), but holds 1 value in 200 rows, such as '7'",
        "column 'alarm' was left out (exclude): it is 'ok' in 198 rows, but 'fail' in 2",
    )


@pytest.mark.parametrize(
    ("end", "is_told"), [("", True), ("\n", False), ("\r\n", False), ("\n\x1a", False), ("\n\0", False)]
)
def test_a_file_that_ends_within_a_line(tmp_path: Path, end: str, is_told: bool) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"time,v\n0,1\n1,2" + end.encode())
    found = ingest([path], tmp_path / "out", Recipe(time="time", time_format="s", max_rejects="1"))
    assert any("does not end with a line break" in text for text in found.look_at) == is_told


def test_labels_that_a_file_lacks_are_told(tmp_path: Path) -> None:
    for name, text in {"a.csv": "time,v\n0,1\n", "b.csv": "time,v,fault\n1,1,1\n"}.items():
        (tmp_path / name).write_text(text)
    recipe = Recipe(time="time", time_format="s", labels=("fault",), absent_labels="zero")
    found = ingest([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "out", recipe)
    assert found.look_at == (f"{tmp_path / 'a.csv'} has no column 'fault': labels are 0 in its rows",)
