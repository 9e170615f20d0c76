"""Every kind of file that a package of its own reads: the same rows, the same promises."""

import gzip
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longstride import LongstrideError, Recipe, append, ingest, open, profile, rebuild
from longstride.pipeline.ingest.sources.tables import source
from longstride.pipeline.ingest.sources.tables.kinds import TABLES
from tests.helpers.campaigns import count, trials
from tests.helpers.dask_cluster import Cluster
from tests.helpers.errors import raises
from tests.helpers.tables import KINDS, Rows, rows_from

ROWS = 400


def made(folder: Path, kind: str, name: str = "log", first: int = 0, count: int = ROWS) -> Path:
    path = folder / f"{name}{KINDS[kind].suffix}"
    KINDS[kind].write(path, rows_from(first, count))
    return path


def assert_holds(store: Path, *expected: Rows) -> None:
    found = open(store)
    assert [name.removesuffix(".0") for name in found.channels] == ["a", "b"]
    # A number of days or of seconds has about a microsecond left.
    times = np.concatenate([rows.ns for rows in expected])
    assert np.abs(found.time[:] - times).max() < 50_000
    assert found.values[:].tolist() == np.concatenate([rows.values for rows in expected]).tolist()


def test_every_kind_is_here() -> None:
    suffixes = {kind.suffix for kind in KINDS.values()}
    assert all(suffixes & set(table.suffixes) for table in TABLES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_understood_unedited(tmp_path: Path, kind: str) -> None:
    path = made(tmp_path, kind)
    recipe = profile(path).recipe
    report = ingest(path, tmp_path / "store", recipe)
    assert_holds(tmp_path / "store", rows_from(0, ROWS))
    assert report.files[0].num_bytes == path.stat().st_size
    assert ingest(path, tmp_path / "store", recipe).was_there


@pytest.mark.parametrize("kind", KINDS)
def test_more_files_and_later_ones(tmp_path: Path, kind: str) -> None:
    first, second = made(tmp_path, kind), made(tmp_path, kind, "second", ROWS, 200)
    ingest([second, first], tmp_path / "store", profile([first, second]).recipe)
    assert_holds(tmp_path / "store", rows_from(0, ROWS + 200))
    third = made(tmp_path, kind, "third", 1000, 100)
    append(third, tmp_path / "store")
    assert_holds(tmp_path / "store", rows_from(0, ROWS + 200), rows_from(1000, 100))
    with raises("source-repeated"):
        append(shutil.copy(third, third.with_stem("copy")), tmp_path / "store")
    assert rebuild(made(tmp_path, kind, "last", 2000, 50), tmp_path / "store").num_rows == ROWS + 350


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One worker, a process for all kinds: each job would start its own for a second."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    found.add_worker("a")
    yield found
    found.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_ranges_and_workers_change_nothing(
    tmp_path: Path, kind: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, kind)
    recipe = profile(path).recipe
    ingest(path, tmp_path / "one", recipe)
    num_tasks = len(cluster.tasks("a"))
    ingest(path, tmp_path / "two", recipe, dask=cluster.address)
    assert len(cluster.tasks("a")) > num_tasks
    monkeypatch.setattr(source, "SECTION_BYTES", 8 * 3 * 7)
    ingest(path, tmp_path / "three", recipe)
    one, two, three = (open(tmp_path / name).attributes["checksums_crc32c"] for name in ("one", "two", "three"))
    assert one == two == three


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_package_is_named(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path, kind)
    for name in list(sys.modules):
        if name.partition(".")[0] == KINDS[kind].package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, KINDS[kind].package, None)
    with raises("package-missing", f"longstride[{KINDS[kind].extra}]"):
        ingest(path, tmp_path / "store", Recipe(time="time"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_is_not_there(tmp_path: Path, kind: str) -> None:
    with raises("table-unnamed", "'nothing'"):
        ingest(made(tmp_path, kind), tmp_path / "store", Recipe(time="time", table="nothing"))


def test_a_table_of_files_that_have_none(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("time,a\n2024-03-01T08:00:00,1\n2024-03-01T08:00:01,2\n")
    with raises("recipe-conflict", "'log'"):
        profile(log, table="log")
    with raises("recipe-conflict", "'log'"):
        ingest(log, tmp_path / "store", Recipe(time="time", table="log"))
    sheets = made(tmp_path, "excel")
    ingest(sheets, tmp_path / "store", Recipe(time="time", table="Sheet1"))
    log.write_text("time,a,b\n2025-03-01T08:00:00,1,2\n")
    assert append(log, tmp_path / "store").num_rows == ROWS + 1


def test_a_series_from_the_name_of_a_file(tmp_path: Path) -> None:
    """The shape of a source keeps what its file says."""
    files = [made(tmp_path, "mdf 4", name) for name in ("pump-1", "pump-2")]
    rows = rows_from(0, ROWS)
    KINDS["mdf 4"].write(files[1], rows._replace(values=rows.values[::-1]))
    proposed = profile(files)
    assert "series-from" in proposed.settings
    assert ingest(files, tmp_path / "store", proposed.recipe).num_rows == 2 * ROWS


@cache
def bytes_of(kind: str) -> bytes:
    """Of one file: those of a second one may have another time in them."""
    with TemporaryDirectory() as folder:
        return made(Path(folder), kind).read_bytes()


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=trials(20, 150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_cut_is_refused_or_whole(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    whole = bytes_of(kind)
    folder = tmp_path_factory.mktemp("cut")
    path = folder / f"log{KINDS[kind].suffix}"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    count("files of other programs, cut off")
    try:
        ingest(path, folder / "store", profile(path).recipe)
    except LongstrideError:
        return
    assert_holds(folder / "store", rows_from(0, ROWS))


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=trials(20, 150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bits_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    """Most of these formats have no checksums, so other values may come: but no error that is not of ours."""
    flipped = bytearray(bytes_of(kind))
    for bit in data.draw(st.lists(st.integers(0, 8 * len(flipped) - 1), min_size=1, max_size=4)):
        flipped[bit // 8] ^= 1 << bit % 8
    folder = tmp_path_factory.mktemp("flipped")
    path = folder / f"log{KINDS[kind].suffix}"
    path.write_bytes(flipped)
    count("files of other programs, with flipped bits")
    with suppress(LongstrideError):
        ingest(path, folder / "store", profile(path).recipe)


@pytest.mark.parametrize("kind", KINDS)
def test_a_compressed_or_misnamed_file_says_what_to_do(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"log{KINDS[kind].suffix}.gz"
    path.write_bytes(gzip.compress(bytes_of(kind)))
    with raises("source-format", "decompress"):
        profile(path)
    other = tmp_path / "log.csv"
    other.write_bytes(bytes_of(kind))
    with raises("source-format", "log.csv"):
        profile(other)
