import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from longstride import from_array
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
