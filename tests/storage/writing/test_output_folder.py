"""Folders that commands write: whole or absent, held by one process, never over what is there."""

import os
import signal
from pathlib import Path

import pytest

from longstride.storage.errors import LongstrideError
from longstride.storage.writing.output import unfinished
from longstride.storage.writing.output_folder import check_output_folder, output_folder
from tests.helpers.errors import raises
from tests.helpers.stores.crashes import in_child
from tests.helpers.stores.store_rows import tree

MARK = "card.json"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "far" / "model"


def write(path: Path, data: bytes = b"new", *, overwrite: bool = False) -> None:
    with output_folder(path, MARK, overwrite=overwrite) as folder:
        (folder / MARK).write_bytes(data)
        assert not path.exists() or not list(path.iterdir()) or (path / MARK).read_bytes() == b"old"


def test_a_folder_appears_at_the_end_with_those_above(path: Path, tmp_path: Path) -> None:
    write(path)
    assert tree(tmp_path) == {"far/model/card.json": b"new"}


def test_an_empty_folder_is_filled(path: Path, tmp_path: Path) -> None:
    path.mkdir(parents=True)
    write(path)
    assert tree(tmp_path) == {"far/model/card.json": b"new"}


def test_an_older_one_is_replaced_as_a_whole(path: Path, tmp_path: Path) -> None:
    write(path, b"old")
    (path / "more").write_bytes(b"old")
    with raises("path-taken", "--overwrite"):
        write(path)
    write(path, overwrite=True)
    assert tree(tmp_path) == {"far/model/card.json": b"new"}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_there_stays(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"mine")
    os.mkfifo(tmp_path / "pipe")
    for name in ("file", "folder", "pipe", "file/below"):
        with raises("path-taken", name.partition("/")[0]):
            write(tmp_path / name, overwrite=overwrite)
    assert (tmp_path / "file").read_bytes() == (tmp_path / "folder" / "a").read_bytes() == b"mine"


def test_a_link_stays_and_leads_to_the_new_one(path: Path, tmp_path: Path) -> None:
    write(path, b"old")
    (tmp_path / "link").symlink_to(path)
    write(tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert (path / MARK).read_bytes() == b"new"


@pytest.mark.parametrize("fault", [KeyError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("is_there", [False, True])
def test_after_an_error_nothing_has_changed(
    path: Path, tmp_path: Path, fault: type[BaseException], is_there: bool
) -> None:
    if is_there:
        write(path, b"old")
    before = tree(tmp_path)

    def fail() -> None:
        with output_folder(path, MARK, overwrite=True) as folder:
            (folder / "half").write_bytes(b"half")
            raise fault

    with pytest.raises(fault):
        fail()
    assert tree(tmp_path) == before
    assert (tmp_path / "far").exists() == is_there


def test_a_second_one_is_refused_meanwhile(path: Path, tmp_path: Path) -> None:
    with output_folder(path, MARK) as folder:
        (folder / MARK).write_bytes(b"new")
        with raises("output-locked", path):
            write(path)
    assert tree(tmp_path) == {"far/model/card.json": b"new"}


@pytest.mark.parametrize("is_there", [False, True])
def test_after_a_kill_the_next_one_clears_up(path: Path, tmp_path: Path, is_there: bool) -> None:
    if is_there:
        write(path, b"old")

    def die() -> None:
        with output_folder(path, MARK, overwrite=True) as folder:
            (folder / "half").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(in_child(die), 0)
    assert tree(unfinished(path)) == {"half": b"half"}
    assert path.exists() == is_there
    write(path, overwrite=True)
    assert tree(tmp_path) == {"far/model/card.json": b"new"}


def test_a_link_in_place_of_the_unfinished_one_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_bytes(b"mine")
    path.parent.mkdir()
    unfinished(path).symlink_to(tmp_path / "mine")
    with pytest.raises((OSError, LongstrideError)):
        write(path)
    assert (tmp_path / "mine" / "a").read_bytes() == b"mine"


def test_where_it_is_written(path: Path) -> None:
    assert check_output_folder(path, MARK, overwrite=False) == path
    with raises("not-a-folder"):
        check_output_folder("s3://bucket/model", MARK, overwrite=False)
