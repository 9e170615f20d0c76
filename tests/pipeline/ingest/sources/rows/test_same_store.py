"""Rows that a program holds become the store that the same rows become from a file."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pytest

from longstride import IngestReport, Recipe, append, ingest, rebuild
from longstride.pipeline.ingest.columns import Columns
from longstride.pipeline.ingest.sources.base import Source
from longstride.pipeline.ingest.sources.rows import batches
from longstride.pipeline.ingest.sources.rows.spool import spooled
from longstride.storage.open import open_store
from tests.helpers.errors import raises

ROWS = 3000
RECIPE = Recipe(time="time", series="pump", labels=("fault",), max_rejects="1%")
Kind = Callable[[pl.DataFrame], Any]


def frame(rows: int = ROWS, start: int = 0) -> pl.DataFrame:
    """Rows of three series in any order, two of them without a time."""
    begin = datetime(2024, 3, 1, tzinfo=UTC)
    order = np.random.default_rng(start).permutation(rows)
    times = [begin + timedelta(seconds=start + int(row) // 3) for row in order]
    return pl.DataFrame(
        {
            "time": [None if row in (7, 1000) else time for row, time in zip(order, times, strict=True)],
            "pump": pl.Series([f"p{row % 3}" for row in order], dtype=pl.Categorical),
            "a": order / 7,
            "b": [None if row % 50 == 0 else float(row) for row in order],
            "fault": order % 10 == 0,
        },
        schema_overrides={"time": pl.Datetime("us", "UTC")},
    )


def in_batches(found: pl.DataFrame) -> list[Any]:
    return [batch for part in found.iter_slices(700) for batch in part.to_arrow().to_batches()]


def duckdb_relation(found: pl.DataFrame) -> Any:
    duckdb = pytest.importorskip("duckdb")
    held = found.to_arrow()
    return duckdb.from_arrow(held)


def pandas_frame(found: pl.DataFrame) -> Any:
    pytest.importorskip("pandas", "2.2")
    return found.to_pandas()


KINDS: dict[str, Kind] = {
    "pyarrow.Table": pl.DataFrame.to_arrow,
    "pyarrow.RecordBatchReader": lambda found: found.to_arrow().to_reader(100),
    "polars.DataFrame": lambda found: found,
    "polars.LazyFrame": pl.DataFrame.lazy,
    "pandas.DataFrame": pandas_frame,
    "duckdb.DuckDBPyRelation": duckdb_relation,
    "list": in_batches,
    "list_iterator": lambda found: iter(in_batches(found)),
    "pyarrow.RecordBatch": lambda found: found.to_arrow().combine_chunks().to_batches()[0],
}


def rows_of(path: Path) -> tuple[Any, ...]:
    store = open_store(path)
    assert store.labels is not None
    return (
        store.time.tobytes(),
        store.values.tobytes(),
        store.labels.tobytes(),
        [part.tolist() for part in (store.segments.start, store.segments.stop, store.segments.series)],
        store.series,
        {name: sums for name, sums in store.attributes["checksums_crc32c"].items() if "/" not in name},
        store.attributes["cadence_ns"],
    )


def account(report: IngestReport) -> dict[str, Any]:
    (file,) = report.as_json()["files"]
    return {name: value for name, value in file.items() if name not in ("name", "bytes", "crc32c")}


@pytest.fixture(scope="module")
def of_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IngestReport]:
    folder = tmp_path_factory.mktemp("of file")
    pa.feather.write_feather(frame().to_arrow(), folder / "log.arrow", chunksize=1000)
    return folder / "store", ingest(folder / "log.arrow", folder / "store", RECIPE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_the_store_of_a_file(
    kind: str, of_file: tuple[Path, IngestReport], tmp_path: Path
) -> None:
    store, expected = of_file
    report = ingest(KINDS[kind](frame()), tmp_path / "store", RECIPE)
    assert rows_of(tmp_path / "store") == rows_of(store)
    assert account(report) == account(expected)
    assert report.files[0].name == f"rows of a {kind}"
    assert report.rejects is not None
    assert expected.rejects is not None
    rejects = [
        pl.read_parquet(path).drop("file", "raw").sort("line") for path in (report.rejects, expected.rejects)
    ]
    assert rejects[0].height == 2
    assert rejects[0]["line"].equals(rejects[1]["line"])
    assert rejects[0]["reason"].equals(rejects[1]["reason"])
    assert pl.read_parquet(report.rejects)["file"].unique().to_list() == [f"rows of a {kind}"]
    assert {path.name for path in (tmp_path / "store").iterdir() if path.name.startswith(".")} == set()


def test_a_cursor_of_adbc(of_file: tuple[Path, IngestReport], tmp_path: Path) -> None:
    dbapi = pytest.importorskip("adbc_driver_sqlite.dbapi")
    plain = frame().cast({"pump": pl.String, "fault": pl.Int64})
    with closing(dbapi.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.adbc_ingest("held", plain.with_columns(pl.col("time").dt.to_string("iso:strict")).to_arrow())
        cursor.execute("SELECT * FROM held")
        report = ingest(cursor, tmp_path / "store", RECIPE)
    assert rows_of(tmp_path / "store") == rows_of(of_file[0])
    assert account(report) == account(of_file[1])


def test_the_size_of_batches_does_not_change_the_store(
    of_file: tuple[Path, IngestReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_ROWS", 300)
    ingest(frame(), tmp_path / "store", RECIPE, piece_bytes=5000)
    assert rows_of(tmp_path / "store") == rows_of(of_file[0])


def test_a_process_with_another_folder_reads_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with spooled([frame()], Path("rows")) as spool:
        (source,) = spool.sources.values()
        sent = pickle.dumps(source.named("any"))
        monkeypatch.chdir("/")
        there: Source = pickle.loads(sent)
        columns = Columns(time=("time",), series=None, pivot=None, labels=(), channels=("a",), unused=())
        (section,) = there.sections(1000)
        read = [piece().frame["a"] for piece in there.pieces(section, columns, RECIPE, 10_000)]
        assert pl.concat(read).equals(frame()["a"])
        assert there.name == "rows of a polars.DataFrame"
    assert not (tmp_path / "rows").exists()


def test_files_and_rows_together(tmp_path: Path) -> None:
    """A list is one of sources; each has a name of its own, and may have columns of its own."""
    first, second, third = (frame(300, start).drop_nulls("time") for start in (0, 400, 800))
    first.cast({"pump": pl.String}).write_parquet(tmp_path / "first.parquet")
    names = [str(tmp_path / "first.parquet"), *(f"rows of a polars.DataFrame, number {one}" for one in (1, 2))]
    report = ingest([tmp_path / "first.parquet", second, third], tmp_path / "store", RECIPE)
    assert [file.name for file in report.files] == names
    assert report.num_rows == first.height + second.height + third.height
    with raises("source-repeated", "twice"):
        ingest([second, second], tmp_path / "other", RECIPE)


def test_an_ingest_that_was_done_is_not_done_again(tmp_path: Path) -> None:
    for was_there in (False, True, True):
        report = ingest(frame(), tmp_path / "store", RECIPE)
        assert report.was_there == was_there
    with raises("store-exists"):
        ingest(frame(ROWS - 1), tmp_path / "store", RECIPE)
    with raises("store-exists"):
        ingest([frame(), frame(30, 9000)], tmp_path / "store", RECIPE)
    assert open_store(tmp_path / "store").num_rows == ROWS - 2


def test_append_and_rebuild(tmp_path: Path) -> None:
    """Rows are known by their bytes; a rebuild wants those again that no file holds."""
    first, later = frame(), frame(900, 5000).drop_nulls("time")
    store = tmp_path / "store"
    ingest(first, store, RECIPE)
    assert append(later, store).num_rows == ROWS - 2 + later.height
    assert append(later, store).was_there
    with raises("source-repeated", "rows of a polars.DataFrame"):
        append(first, store)
    with raises("rows-not-newer", "rows of a pyarrow.Table"):
        append(first.head(100).to_arrow(), store)
    with raises("source-missing", "3,000 rows of a polars.DataFrame", "longstride.rebuild"):
        rebuild(frame(300, 9000), store)
    with raises("source-missing", "899 rows"):
        rebuild([first], store, accept_changed=True)
    rebuild([first, later, frame(300, 9000).drop_nulls("time")], store)
    ingest([first, later, frame(300, 9000).drop_nulls("time")], tmp_path / "other", RECIPE)
    assert rows_of(store) == rows_of(tmp_path / "other")
    assert not list(tmp_path.glob(".*"))


def test_an_iterator_of_names(tmp_path: Path) -> None:
    frame().cast({"pump": pl.String}).write_parquet(tmp_path / "log.parquet")
    assert ingest(tmp_path.glob("*.parquet"), tmp_path / "store", RECIPE).num_rows == ROWS - 2


def broken() -> Iterator[Any]:
    yield frame(50)
    raise ZeroDivisionError("of the user")


@pytest.mark.parametrize(
    ("given", "code", "facts"),
    [
        (broken(), "source-unreadable", ["rows of a generator", "ZeroDivisionError", "of the user"]),
        (iter([frame(9), frame(9).with_columns(pl.col("b").cast(pl.Int32))]), "batches-differ", ["'b'", "int32"]),
        (iter([frame(9), frame(9).drop("b")]), "batches-differ", ["batch 2"]),
        (iter([frame(9), 5]), "option-value", ["int"]),
        (iter([]), "source-unnamed", []),
        (frame(0), "source-empty", []),
        (frame(0).lazy(), "source-empty", []),
        (5, "option-value", ["int"]),
        ({"time": [1]}, "option-value", ["dict"]),
        (np.zeros((3, 2)), "option-value", ["ndarray"]),
        ([np.zeros((3, 2))], "option-value", ["ndarray"]),
        (pa.array([1, 2]), "source-unreadable", ["rows of a pyarrow.Int64Array"]),
        (pa.table([[1], [2]], ["time", "time"]), "column-repeated", ["rows of a pyarrow.Table"]),
        (pl.DataFrame({"a": [1.0]}), "column-missing", ["rows of a polars.DataFrame"]),
    ],
)
def test_what_cannot_be_taken_leaves_nothing(given: Any, code: str, facts: list[str], tmp_path: Path) -> None:
    with raises(code, *facts):
        ingest(given, tmp_path / "store", RECIPE)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
