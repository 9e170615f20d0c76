import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from longstride.storage.format import ATTRIBUTES, seal
from longstride.storage.open import open_store
from longstride.storage.store import SeriesStore
from longstride.storage.verify import check_chunks, check_store, num_files

ROWS = 2 * 1024 + 100


@pytest.fixture
def store(make_store: Callable[..., SeriesStore], tmp_path: Path) -> SeriesStore:
    labels = np.ones((ROWS, 2), np.int8)
    return make_store(tmp_path / "plant.zarr", rows=ROWS, channels=3, labels=labels, chunk_rows=1024)


def faults(store: SeriesStore) -> dict[str, str]:
    """What is wrong, by file."""
    checks = check_store(open_store(store.path))
    return {str(Path(check.name).relative_to(store.path)): check.fault for check in checks if check.fault}


def test_every_file_on_disk_is_checked(store: SeriesStore) -> None:
    checks = list(check_store(store))
    on_disk = {file for file in store.path.rglob("*") if file.is_file()}
    assert {Path(check.name) for check in checks} == on_disk
    assert len(checks) == num_files(store) == 3 * 3 + 2 + 3 + 5 + 16
    assert all(check.fault is None for check in checks)
    assert sum(check.num_bytes for check in checks) == sum(file.stat().st_size for file in on_disk)


def test_a_byte_changed_in_any_file_is_told_of_that_file_alone(store: SeriesStore) -> None:
    for check in check_store(store):
        path = Path(check.name)
        if path == store.path / "zarr.json":  # it may not open then
            continue
        whole = path.read_bytes()
        last = path.name.startswith("c.2")
        committed = len(whole) * (ROWS % 1024) // 1024 if last else len(whole)
        for place in (0, committed // 2, committed - 1):
            damaged = bytearray(whole)
            damaged[place] ^= 0x10
            path.write_bytes(damaged)
            found = faults(store)
            assert found.keys() == {str(path.relative_to(store.path))}
            assert "has checksum" in next(iter(found.values()))
        path.write_bytes(whole)
    assert not faults(store)


@pytest.mark.parametrize("parts", [1, 2, 5, 100])
def test_parts_are_the_whole(store: SeriesStore, parts: int) -> None:
    found = [check for part in range(parts) for check in check_chunks(store, part=part, parts=parts)]
    assert sorted(found) == sorted(check_chunks(store))


def test_padding_is_not_data(store: SeriesStore) -> None:
    for array in ("values", "time", "labels"):
        file = store.chunk_files(array)[-1]
        file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    assert not faults(store)


def test_missing_and_cut_files_are_told(store: SeriesStore) -> None:
    cut = store.path / "values/c.1.0"
    cut.write_bytes(cut.read_bytes()[:-3])
    (store.path / "time/c.0").unlink()
    (store.path / "commits/1/segment_stop/c/0").unlink()
    (store.path / "channel/c/0").unlink()
    assert faults(store) == {
        "values/c.1.0": "has 12,285 bytes, expected 12,288",
        "time/c.0": "cannot be read: No such file or directory",
        "commits/1/segment_stop/c/0": "cannot be read: No such file or directory",
        "channel/c/0": "cannot be read: No such file or directory",
    }


def test_a_missing_folder_names_each_chunk(store: SeriesStore) -> None:
    (store.path / "values").rename(store.path / "elsewhere")
    assert faults(store).keys() == {"values/zarr.json", "values/c.0.0", "values/c.1.0", "values/c.2.0"}


def test_a_document_that_other_tools_read_is_checked(store: SeriesStore) -> None:
    """Of its copy in the root document, which Zarr takes in its place, too."""
    root = store.path / "zarr.json"
    document = json.loads(root.read_bytes())
    document["consolidated_metadata"]["metadata"]["values"]["shape"][0] += 1
    document["consolidated_metadata"]["metadata"]["extra"] = {"node_type": "group"}
    root.write_text(json.dumps(document))
    found = faults(store)
    assert found.keys() == {"values/zarr.json", "zarr.json"}


def test_an_append_that_was_killed_before_its_commit_is_no_damage(
    store: SeriesStore, make_store: Callable[..., SeriesStore], tmp_path: Path
) -> None:
    """Documents of arrays are then ahead of the root; the rows are those that there were."""
    longer = make_store(
        tmp_path / "longer.zarr", rows=ROWS + 7, labels=np.ones((ROWS + 7, 2), np.int8), chunk_rows=1024
    )
    for name in ("values", "time", "labels"):
        (store.path / name / "zarr.json").write_bytes((longer.path / name / "zarr.json").read_bytes())
    assert faults(store) == {}
    for change in (
        {"shape": [ROWS - 1, 3]},
        {"shape": [ROWS + 7, 4]},
        {"data_type": "float64"},
        {"shape": [True, 3]},
    ):
        document = json.loads((longer.path / "values" / "zarr.json").read_bytes())
        (store.path / "values" / "zarr.json").write_text(json.dumps({**document, **change}))
        assert list(faults(store)) == ["values/zarr.json"]


def test_documents_of_a_store_from_before_they_were_sealed(store: SeriesStore) -> None:
    root = store.path / "zarr.json"
    document = json.loads(root.read_bytes())
    attributes = document["attributes"][ATTRIBUTES]
    for name in ("seal_crc32c", "documents_crc32c", "identity"):
        del attributes[name]
    attributes["seal_crc32c"] = seal(attributes)
    root.write_text(json.dumps(document))
    assert not faults(store)
    member = store.path / "time" / "zarr.json"
    member.write_text(member.read_text().replace("int64", "int32"))
    assert faults(store).keys() == {"time/zarr.json"}
