import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from longstride import from_array
from longstride.storage.arrays.data import ArrayData
from longstride.storage.open_data import opened_data
from tests.helpers.errors import raises

VALUES = np.arange(24, dtype=np.float32).reshape(8, 3)


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    data = from_array(tmp_path / "a.npy")
    assert isinstance(data.values.base, np.memmap) or isinstance(data.values, np.memmap)
    assert np.array_equal(data.values, VALUES)
    assert data.name == str(tmp_path / "a.npy")


@pytest.mark.parametrize("offset", [0, 16])
def test_plain_numbers(offset: int, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * offset + VALUES.tobytes())
    data = from_array(tmp_path / "a.bin", dtype="float32", width=3, offset=offset)
    assert np.array_equal(data.values, VALUES)


def test_safetensors(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file({"x": torch.from_numpy(VALUES), "y": torch.zeros(4, 2)}, file)
    assert np.array_equal(from_array(file, key="x").values, VALUES)
    with raises("option-value", "holds x, y"):
        from_array(file)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "folder.npy").mkdir()
    for name in ("pipe.npy", "folder.npy"):
        with raises("array-format", name):
            from_array(tmp_path / name)
        with raises("array-format", name):
            from_array(tmp_path / name, dtype="float32")


def test_files_that_are_no_array(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, "a"], object), allow_pickle=True)
    np.savez(tmp_path / "several.npy", a=VALUES)
    (tmp_path / "several.npy.npz").rename(tmp_path / "several.npy")
    (tmp_path / "text.npy").write_text("time,a\n1,2\n")
    (tmp_path / "empty.npy").touch()
    (tmp_path / "text.safetensors").write_text("time,a\n1,2\n")
    (tmp_path / "odd.bin").write_bytes(b"12345")
    for name in ("objects.npy", "several.npy", "text.npy", "empty.npy", "text.safetensors", "odd.bin"):
        with raises("array-format", name):
            from_array(tmp_path / name)
    with raises("array-format", "5 bytes"):
        from_array(tmp_path / "odd.bin", dtype="float32", width=1)
    with raises("file-system"):
        from_array(tmp_path / "absent.npy")
    with raises("option-value", "dtype"):
        from_array(tmp_path / "odd.bin", width=2)


def tensor_file(path: Path, values: NDArray[np.float32]) -> Path:
    save_file({"x": torch.from_numpy(values)}, path / "a.safetensors")
    return path / "a.safetensors"


def npy_file(path: Path, values: NDArray[np.float32]) -> Path:
    np.save(path / "a.npy", values)
    return path / "a.npy"


def plain_file(path: Path, values: NDArray[np.float32]) -> ArrayData:
    values.tofile(path / "a.bin")
    return from_array(path / "a.bin", dtype="float32", width=values.shape[1])


def may_be_large(values: NDArray[Any]) -> bool:
    """Whether the system may map the middle of an array in large pages."""
    middle = values.ctypes.data + values.nbytes // 2
    regions = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)
    for region in regions:
        ends = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", region)
        if ends and int(ends[1], 16) <= middle < int(ends[2], 16):
            return "hg" in re.findall(r"^VmFlags:(.*)$", region, re.MULTILINE)[0].split()
    raise AssertionError("the array is mapped nowhere")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux tells how memory is mapped")
@pytest.mark.parametrize(
    "source",
    [
        npy_file,
        plain_file,
        tensor_file,
        lambda path, values: np.load(npy_file(path, values), mmap_mode="c")[100:, ::2],
        lambda path, values: torch.from_numpy(values).clone(),
        lambda path, values: values,
    ],
    ids=["npy", "plain", "safetensors", "part-of-a-memmap", "tensor", "ndarray"],
)
def test_every_array_may_be_mapped_in_large_pages(
    source: Callable[[Path, NDArray[np.float32]], Any], tmp_path: Path
) -> None:
    values = np.random.default_rng(0).standard_normal((2**17, 16), np.float32)
    data = opened_data(source(tmp_path, values))
    assert isinstance(data, ArrayData)
    assert may_be_large(data.values[:])
    mapped_again = pickle.loads(pickle.dumps(data))
    assert may_be_large(mapped_again.values)
    assert np.array_equal(mapped_again.values, data.values[:])
