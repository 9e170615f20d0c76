import errno
import gc
import re
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.mapped import mapping
from longstride.storage.mapped.mapping import map_chunk_files
from tests.helpers.errors import raises

CHUNK = 2**16


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(0)
    paths = [tmp_path / f"c.{index}" for index in range(5)]
    for path in paths:
        path.write_bytes(random.bytes(CHUNK))
    return paths


def mapped_ranges(folder: Path) -> dict[str, tuple[int, str]]:
    """Address and permissions of every file below `folder` that this process has mapped."""
    pattern = re.compile(rf"^(\w+)-\w+ (\S+) .* ({re.escape(str(folder))}\S*)$", re.MULTILINE)
    found = pattern.findall(Path("/proc/self/maps").read_text())
    return {path: (int(address, 16), permissions) for address, permissions, path in found}


def test_files_are_one_block_of_memory_in_order(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    assert array.tobytes() == b"".join(path.read_bytes() for path in files)
    ranges = mapped_ranges(files[0].parent)
    assert [ranges[str(path)][0] for path in files] == [
        array.ctypes.data + index * CHUNK for index in range(len(files))
    ]


def test_where_pages_can_be_large_they_may_be(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    assert array.ctypes.data % 2**21 == 0
    regions = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)
    flags = [
        re.findall(r"^VmFlags:(.*)$", region, re.MULTILINE)[0].split()
        for region in regions
        if str(files[0].parent) in region
    ]
    assert len(flags) == len(files)
    assert all("hg" in each for each in flags)


def test_a_byte_written_to_a_file_shows_through(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    before = int(array[3 * CHUNK + 17])
    with open(files[3], "r+b") as file:
        file.seek(17)
        file.write(bytes([before ^ 0xFF]))
    assert array[3 * CHUNK + 17] == before ^ 0xFF


def test_read_only_down_to_the_pages(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    assert {permissions for _, permissions in mapped_ranges(files[0].parent).values()} == {"r--s"}


def test_unmapped_when_the_last_view_dies(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    view = array.view(np.float32)[100:200:3]
    expected = view.copy()
    del array
    gc.collect()
    assert len(mapped_ranges(files[0].parent)) == 5
    np.testing.assert_array_equal(view, expected)
    del view
    gc.collect()
    assert not mapped_ranges(files[0].parent)


def test_a_replaced_file_keeps_its_bytes_under_an_existing_map(files: list[Path]) -> None:
    array = map_chunk_files(files, CHUNK)
    before = array.tobytes()
    other = files[0].with_name("new")
    other.write_bytes(bytes(CHUNK))
    other.replace(files[2])
    assert array.tobytes() == before


@pytest.mark.parametrize("chunk_bytes", [CHUNK, 1000])
def test_missing_or_cut_files_are_named_and_nothing_stays_mapped(tmp_path: Path, chunk_bytes: int) -> None:
    paths = [tmp_path / f"c.{index}" for index in range(3)]
    for path in paths[:2]:
        path.write_bytes(bytes(chunk_bytes))
    with raises("store-damaged", paths[2], "missing"):
        map_chunk_files(paths, chunk_bytes)
    paths[2].write_bytes(bytes(chunk_bytes - 1))
    with raises("store-damaged", paths[2], f"{chunk_bytes - 1:,} bytes", f"{chunk_bytes:,}"):
        map_chunk_files(paths, chunk_bytes)
    paths[2].write_bytes(bytes(chunk_bytes + 1))
    with raises("store-damaged", paths[2], f"{chunk_bytes + 1:,} bytes"):
        map_chunk_files(paths, chunk_bytes)
    gc.collect()
    assert not mapped_ranges(tmp_path)


def test_chunks_that_are_not_whole_pages_are_copied(tmp_path: Path) -> None:
    paths = [tmp_path / f"c.{index}" for index in range(4)]
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index]) * 1024)
    array = map_chunk_files(paths, 1024)
    np.testing.assert_array_equal(array, np.repeat(np.arange(4, dtype=np.uint8), 1024))
    assert not array.flags.writeable


def test_too_many_mappings_says_what_to_raise(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    real = mapping.libc()

    class Full:
        munmap = real.munmap

        @staticmethod
        def mmap(address: int | None, *rest: int) -> int | None:
            if address is None:
                return real.mmap(address, *rest)
            mapping.ctypes.set_errno(errno.ENOMEM)
            return mapping.MAP_FAILED

    monkeypatch.setattr(mapping, "libc", lambda: Full)
    with raises("mapping-failed", "Cannot allocate memory", "vm.max_map_count"):
        map_chunk_files(files, CHUNK)
