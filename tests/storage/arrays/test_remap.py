import pickle
from pathlib import Path

import numpy as np
import pytest

from longstride import from_array
from longstride.storage.arrays.remap import part_of

VALUES = np.arange(60, dtype=np.float32).reshape(20, 3)


@pytest.mark.parametrize("kind", ["whole", "rows", "columns", "fortran", "path"])
def test_another_process_maps_the_same_part(kind: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(VALUES) if kind == "fortran" else VALUES)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    parts = {"rows": mapped[5:15:2], "columns": mapped[3:, 1:], "path": tmp_path / "a.npy"}
    data = from_array(parts.get(kind, mapped))
    sent = pickle.dumps(data)
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes())
    found = pickle.loads(sent)
    assert np.array_equal(found.values, data.values)
    assert part_of(found.values) == part_of(np.asarray(data.values))


def test_what_lies_in_memory_is_no_part_of_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    changed = np.load(tmp_path / "a.npy", mmap_mode="c")
    changed[0, 0] = 99
    for values in (VALUES, changed):
        assert part_of(values) is None
        assert np.array_equal(pickle.loads(pickle.dumps(from_array(values))).values, values)


def test_a_process_that_only_plans_is_sent_no_rows() -> None:
    data = from_array(np.zeros((100_000, 4)))
    assert len(pickle.dumps(data.without_memory())) < 5_000
    assert data.without_memory().num_rows == 100_000
