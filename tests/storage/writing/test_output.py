"""Files that commands write: whole or absent, held by one process, never over what is there."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longstride.storage.errors import LongstrideError
from longstride.storage.store import SeriesStore
from longstride.storage.writing.output import check_output, output_file, unfinished
from tests.helpers.errors import raises
from tests.helpers.paths import ROOT
from tests.helpers.stores.store_rows import tree


def test_a_pipe_that_stdout_leads_to_is_no_file(tmp_path: Path) -> None:
    read, write = os.pipe()
    try:
        with raises("path-taken", "pipe"):
            check_output(f"/dev/fd/{write}", overwrite=True)
    finally:
        os.close(read)
        os.close(write)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "far" / "away" / "scores.parquet"


def write(path: Path, data: bytes = b"new", *, overwrite: bool = False) -> None:
    with output_file(path, overwrite=overwrite) as file:
        file.write(data)
        assert not path.exists() or path.read_bytes() == b"old"


def test_a_file_appears_at_the_end_with_its_folders(path: Path, tmp_path: Path) -> None:
    write(path)
    assert tree(tmp_path) == {"far/away/scores.parquet": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("fault", [KeyError, KeyboardInterrupt, OSError])
def test_after_an_error_nothing_is_there(path: Path, tmp_path: Path, fault: type[BaseException]) -> None:
    def fail() -> None:
        with output_file(path) as file:
            file.write(b"half")
            raise fault

    with pytest.raises(fault):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"old")
    with raises("path-taken", path, "--overwrite"):
        write(path)
    with pytest.raises(KeyError), output_file(path, overwrite=True):
        raise KeyError
    assert tree(tmp_path) == {"scores.parquet": b"old"}
    write(path, overwrite=True)
    assert tree(tmp_path) == {"scores.parquet": b"new"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "below a file", "link to a folder"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_not_a_file_is_never_replaced(tmp_path: Path, kind: str, overwrite: bool) -> None:
    path = tmp_path / "out"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/null")
        case "below a file":
            (tmp_path / "file").touch()
            path = tmp_path / "file" / "out"
        case "link to a folder":
            path.symlink_to(tmp_path)
    before = sorted(tmp_path.iterdir())
    with raises("path-taken"):
        write(path, overwrite=overwrite)
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "elsewhere" / "file"
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    with raises("path-taken", link):
        write(link)


@pytest.mark.parametrize("path", ["s3://bucket/a", "s3:/bucket/a", Path("s3://bucket/a")])
def test_a_url_is_refused(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with raises("not-a-folder"):
        check_output(path, overwrite=True)


def test_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(Path("~/scores.parquet"))
    assert tree(tmp_path) == {"scores.parquet": b"new"}


WRITER = """
import sys
from longstride.storage.store import SeriesStore
from longstride.storage.writing.output import output_file
with output_file(sys.argv[1]) as file:
    file.write(b"first")
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_a_killed_one_blocks_nobody(path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as first:
        assert first.stdout
        assert first.stdout.readline() == b"ready\n"
        with raises("output-locked", path):
            write(path)
        assert unfinished(path).read_bytes() == b"first"
        first.send_signal(signal.SIGKILL)
    assert unfinished(path).exists()
    write(path)
    assert tree(tmp_path) == {"far/away/scores.parquet": b"new"}


def test_the_same_process_is_refused_as_well(path: Path) -> None:
    with output_file(path) as file:
        with raises("output-locked", path):
            write(path)
        file.write(b"new")
    assert path.read_bytes() == b"new"


def test_of_many_at_once_one_wins_and_the_others_are_refused(path: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom longstride.storage.errors import LongstrideError\n"
        "from longstride.storage.writing.output import output_file\n"
        "sys.stdin.read()\ntry:\n  with output_file(sys.argv[1]) as file: file.write(b'x' * 5_000_000)\n"
        "  print('won')\nexcept LongstrideError as error: print(error.code)"
    )
    command = [sys.executable, "-c", script, str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    writers = [subprocess.Popen(command, **pipes) for _ in range(6)]  # type: ignore[call-overload]
    for writer in writers:
        writer.stdin.close()
    found = [writer.stdout.read().strip() for writer in writers]
    for writer in writers:
        writer.stdout.close()
        writer.wait()
    assert found.count("won") == 1, found
    assert set(found) <= {"won", "output-locked", "path-taken"}
    assert len(tree(tmp_path)) == 1


def test_a_file_that_another_process_wrote_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    real, calls = os.open, []

    def late(name: str | Path, *arguments: int) -> int:
        if Path(name) == unfinished(path) and not calls:
            calls.append(name)
            write(path, b"old")
        return real(name, *arguments)

    monkeypatch.setattr(os, "open", late)
    with raises("path-taken", path):
        write(path)
    assert tree(tmp_path) == {"out": b"old"}


def test_it_is_on_the_disk_before_it_has_its_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real = Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: steps.append(str(Path(f"/proc/self/fd/{number}").readlink())))
    monkeypatch.setattr(Path, "replace", lambda old, new: steps.append("rename") or real(old, new))
    path.parent.mkdir(parents=True)
    write(path)
    assert steps == [str(unfinished(path)), "rename", str(path.parent)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE])
def test_an_error_of_the_system_names_the_file(path: Path, tmp_path: Path, code: int) -> None:
    from longstride.storage.errors import of_system

    with pytest.raises(OSError, match="scores") as caught, output_file(path):
        raise OSError(code, os.strerror(code))
    error = of_system(caught.value)
    assert isinstance(error, LongstrideError)
    assert error.code == "file-system"
    for fact in (path, os.strerror(code)):
        assert str(fact) in str(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["zarr.json", "scores.parquet", "values/c.0.0"])
def test_a_file_inside_a_store_is_refused(
    tmp_path: Path, make_store: Callable[..., SeriesStore], name: str
) -> None:
    store = tmp_path / "plant.zarr"
    make_store(store, rows=10)
    before = tree(store)
    with raises("path-taken", store / name, store):
        write(store / name, overwrite=True)
    assert tree(store) == before
