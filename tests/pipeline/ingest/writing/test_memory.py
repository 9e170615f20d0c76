"""More rows of one time, or of one step, than memory holds."""

from pathlib import Path
from unittest import mock

import pytest

from longstride import Recipe, ingest
from longstride.pipeline.ingest.job import Options
from longstride.pipeline.ingest.writing import memory
from tests.helpers.errors import raises
from tests.helpers.logs.buckets import tiny_buckets


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """200 rows, 100 in each of two minutes."""
    file = tmp_path / "log.csv"
    file.write_text("time,v\n" + "".join(f"{row // 100 * 60 + row % 50},{row % 7}\n" for row in range(200)))
    return file


def test_what_memory_does_not_hold_is_refused_and_the_remedy_works(log: Path, tmp_path: Path) -> None:
    size: Options = {"piece_bytes": 100, "bucket_bytes": 400}
    recipe = Recipe(time="time", time_format="s", duplicates="last", every="1m")
    with mock.patch.object(memory, "memory_of_machine", return_value=4 * 100 * 20 - 1), tiny_buckets():
        with raises("step-too-large", log.name, "100 rows", "--every 1m", "1970-01-01T00:0", "GiB"):
            ingest([log], tmp_path / "out", recipe, **size)
        shorter = Recipe(time="time", time_format="s", duplicates="last", every="5s")
        assert ingest([log], tmp_path / "out", shorter, **size).num_rows == 20
    with tiny_buckets():
        assert ingest([log], tmp_path / "other", recipe, **size).num_rows == 2


def test_rows_of_one_time(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time,v\n" + "0,1\n" * 100)
    recipe = Recipe(time="time", time_format="s", duplicates="last")
    little = mock.patch.object(memory, "memory_of_machine", return_value=1000)
    with little, raises("step-too-large", "100 rows", "1970-01-01T00:00:00", "--time"):
        ingest([tmp_path / "log.csv"], tmp_path / "out", recipe)
