"""Logs in an object store: a real S3 server, ingested by URL."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from click.testing import CliRunner

from longstride import Recipe, ingest, rebuild
from longstride.__main__ import main
from longstride.pipeline.ingest.staging.read import ReadSources
from longstride.storage.open import open_store
from tests.helpers.errors import assert_refused, raises
from tests.helpers.logs.log_lines import log_lines
from tests.helpers.object_store import SECRET_KEY, close, environment, serve_s3

RECIPE = Recipe(time="time", labels=("fault",))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("s3fs")
    with serve_s3(tmp_path_factory.mktemp("s3")) as address:
        yield address


def forget_connections() -> None:
    """Let the next file system be made anew from the environment."""
    kind = fsspec.get_filesystem_class("s3")
    for files in kind._cache.values():
        close(files)
    kind.clear_instance_cache()


@pytest.fixture
def s3(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[fsspec.AbstractFileSystem]:
    """The file system, as the environment describes it."""
    for name, value in environment(address).items():
        monkeypatch.setenv(name, value)
    forget_connections()
    yield fsspec.filesystem("s3")
    forget_connections()


@pytest.fixture
def bucket(s3: fsspec.AbstractFileSystem, tmp_path: Path) -> str:
    """A bucket with a log in three files of three formats; the same files lie in the test's folder."""
    local = tmp_path / "local"
    local.mkdir()
    lines = [log_lines(1000, start=start) for start in (0, 1000, 2000)]
    (local / "a.csv").write_text("\n".join(lines[0]) + "\n")
    (local / "b.csv.gz").write_bytes(gzip.compress("\n".join(lines[1]).encode(), mtime=0))
    pl.read_csv("\n".join(lines[2]).encode()).write_parquet(local / "c.parquet")
    name = "logs-" + tmp_path.name.replace("_", "-").lower()[:40]
    s3.mkdir(name)
    for file in local.iterdir():
        s3.put_file(str(file), f"{name}/plant/{file.name}")
    return name


def test_logs_by_url_are_those_on_disk(bucket: str, tmp_path: Path) -> None:
    ingest([tmp_path / "local"], tmp_path / "disk", RECIPE, piece_bytes=10_000)
    disk = open_store(tmp_path / "disk")
    assert disk.num_rows == 3000
    urls = [f"s3://{bucket}/plant/{name}" for name in ("a.csv", "b.csv.gz", "c.parquet")]
    for number, sources in enumerate((urls, [f"s3://{bucket}/plant/*"], [f"s3://{bucket}/plant"])):
        report = ingest(sources, tmp_path / str(number), RECIPE, piece_bytes=10_000)
        assert [file.name for file in report.files] == urls
        store = open_store(tmp_path / str(number))
        assert store.attributes["checksums_crc32c"] == disk.attributes["checksums_crc32c"]
        found = [(source["bytes"], source["crc32c"]) for source in store.attributes["sources"]]
        assert found == [(source["bytes"], source["crc32c"]) for source in disk.attributes["sources"]]


@pytest.mark.parametrize(
    ("path", "secret", "codes"),
    [
        ("plant/none.csv", SECRET_KEY, ("source-missing", "source-unreadable")),
        ("plant/none*.csv", SECRET_KEY, ("source-missing",)),
        ("plant/a.csv", "wrong", ("access-refused",)),
    ],
)
def test_what_cannot_be_reached_is_told_in_one_line(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, secret: str, codes: tuple[str, ...]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    forget_connections()
    url = f"s3://{bucket}/{path}"
    result = CliRunner().invoke(main, ["ingest", url, "--out", str(tmp_path / "out"), "--time", "time"])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    code = result.output.strip("]\n").rpartition("[")[2]
    assert code in codes
    assert_refused(result.output, code, url)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a.csv", "b.csv.gz", "c.parquet"])
def test_an_object_that_is_replaced_while_it_is_read_is_told(
    bucket: str, s3: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """By one of the same size, and by another machine: a listing that is remembered here says nothing of it."""
    url = f"s3://{bucket}/plant/{name}"
    data = (tmp_path / "local" / name).read_bytes()
    other = type(s3)(skip_instance_cache=True)
    real = ReadSources._take

    def disturbed(*arguments: Any) -> None:
        other.pipe_file(f"{bucket}/plant/{name}", data[:-1] + b"\n")
        real(*arguments)

    monkeypatch.setattr(ReadSources, "_take", disturbed)
    if data.endswith(b"\n"):
        data = data[:-2] + b"9\n"
    with raises("source-changed", url):
        ingest([f"s3://{bucket}/plant/{name[0]}*"], tmp_path / "out", RECIPE, piece_bytes=10_000)
    close(other)


def test_a_rebuild_knows_objects_by_their_bytes(
    bucket: str, s3: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    url = f"s3://{bucket}/plant"
    ingest([f"{url}/a.csv"], tmp_path / "out", RECIPE)
    s3.pipe_file(f"{bucket}/plant/a.csv", (tmp_path / "local" / "a.csv").read_bytes()[:-2] + b"9\n")
    with raises("source-changed", f"{url}/a.csv", "checksum"):
        rebuild([f"{url}/b.csv.gz"], tmp_path / "out")
    assert rebuild([f"{url}/b.csv.gz", tmp_path / "local" / "a.csv"], tmp_path / "out").num_rows == 2000
