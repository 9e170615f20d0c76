"""Made-up servers: files as sets of this shape have them, and faults where labels say."""

from pathlib import Path

import numpy as np

from benchmarks.data.servers import IDLE, NUM_CHANNELS, NUM_FAULTS, server_log, write_servers


def test_a_file_for_each_machine_in_each_folder(tmp_path: Path) -> None:
    paths = write_servers(tmp_path / "a", machines=5, rows=200, seed=1)
    names = [f"rack-{rack}-{number}.txt" for rack, number in [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]]
    for folder, width in (("train", NUM_CHANNELS), ("test", NUM_CHANNELS), ("test_label", 1)):
        assert sorted(path.name for path in (tmp_path / "a" / folder).iterdir()) == names
        rows = (tmp_path / "a" / folder / names[0]).read_text().splitlines()
        assert len(rows) == 200
        assert {row.count(",") for row in rows} == {width - 1}
    again = write_servers(tmp_path / "b", machines=5, rows=200, seed=1)
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_faults_lie_in_the_second_half() -> None:
    values, is_fault = server_log(4000, seed=[0, 3])
    assert not is_fault[:2000].any()
    assert np.diff(is_fault.astype(int), prepend=0, append=0).clip(0).sum() == NUM_FAULTS
    assert ((values >= 0) & (values <= 1)).all()
    assert not values[~is_fault][:, IDLE].any()
    assert values[is_fault][:, IDLE].any()
