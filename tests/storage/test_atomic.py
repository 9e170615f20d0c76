import ctypes
import errno
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longstride.storage.atomic import exchange, still_named, write_file, write_files
from tests.helpers.stores.store_rows import tree


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a file, and another one elsewhere."""
    first, second = tmp_path / "plant.zarr", tmp_path / "elsewhere" / "packed"
    for folder, text in ((first, "old"), (second, "new")):
        (folder / "values").mkdir(parents=True)
        (folder / "values" / text).write_text(text)
    return first, second


def refusing(code: int) -> Callable[..., int]:
    """A `renameat2` that always fails."""

    def renameat2(*arguments: Any) -> int:
        ctypes.set_errno(code)
        return -1

    return renameat2


def use(monkeypatch: pytest.MonkeyPatch, renameat2: Callable[..., int] | None) -> None:
    """Replace the system's call; None takes it away."""
    libc = type("Libc", (), {} if renameat2 is None else {"renameat2": staticmethod(renameat2)})
    monkeypatch.setattr(ctypes, "CDLL", lambda *arguments, **options: libc())


def exchange_and_back(pair: tuple[Path, Path]) -> None:
    """Look at both folders, and beside them."""
    exchange(*pair)
    assert tree(pair[0].parent) == {"plant.zarr/values/new": b"new", "elsewhere/packed/values/old": b"old"}
    exchange(*pair)
    assert tree(pair[0].parent) == {"plant.zarr/values/old": b"old", "elsewhere/packed/values/new": b"new"}


def test_folders_in_one_step(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(*arguments: Any) -> None:
        raise AssertionError("this is more than one step")

    monkeypatch.setattr(Path, "rename", rename)
    with open(pair[0] / "values" / "old") as file:
        exchange_and_back(pair)
        assert file.read() == "old"


def test_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    exchange(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"a": b"b", "b": b"a"}


@pytest.mark.parametrize("call", [None, refusing(errno.ENOSYS), refusing(errno.EINVAL)])
def test_three_renames_where_the_system_cannot(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, call: Callable[..., int] | None
) -> None:
    use(monkeypatch, call)
    exchange_and_back(pair)


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_missing_one_is_an_error_and_the_other_stays(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, in_one_step: bool
) -> None:
    if not in_one_step:
        use(monkeypatch, None)
    before = tree(pair[0].parent)
    nowhere = pair[0].with_name("nowhere")
    for first, second in ((pair[0], nowhere), (nowhere, pair[0])):
        with pytest.raises(FileNotFoundError):
            exchange(first, second)
    assert tree(pair[0].parent) == before


def test_other_refusals_are_errors(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, refusing(errno.EACCES))
    before = tree(pair[0].parent)
    with pytest.raises(PermissionError, match=r"plant\.zarr"):
        exchange(*pair)
    assert tree(pair[0].parent) == before


def test_an_open_file_that_was_replaced_or_removed_has_its_name_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open(path, "w") as file:
        assert still_named(file.fileno(), path)
        path.rename(tmp_path / "other")
        assert not still_named(file.fileno(), path)
        path.write_text("of another process")
        assert not still_named(file.fileno(), path)
        path.unlink()
        assert not still_named(file.fileno(), path)


@pytest.mark.parametrize("parts", [[b"new" * 1000], [b"new", "not bytes"]])
def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, parts: list[Any]) -> None:
    path = tmp_path / "calibration.pt"
    write_file(path, [b"old"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))  # as on a full disk
    try:
        with pytest.raises((OSError, TypeError)):
            write_file(path, parts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert tree(tmp_path) == {"calibration.pt": b"old"}


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    files = {f"a/{number}/c": bytes([number]) for number in range(40)} | {"b/c": b"x", "d": b""}
    write_files(tmp_path, files)
    assert tree(tmp_path) == files
    write_files(tmp_path, {"b/c": b"y"})
    assert tree(tmp_path) == {**files, "b/c": b"y"}


def test_one_of_several_files_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").mkdir()  # where a file shall be
    with pytest.raises(IsADirectoryError):
        write_files(tmp_path, {"a": b"", "b/x": b"", "c": b""})
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
